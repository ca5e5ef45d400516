// Something an operator does to somebody: asked about first, with a reason where the other one is told it.
import { useSignal } from '@preact/signals'
import { Dialog } from '../../kit/dialog.tsx'
import { Why } from '../../kit/why.tsx'
import { notify } from '../../state/notices.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'

export interface Act {
  readonly title: string
  readonly means: string
  /** Whether a reason is asked for. */
  readonly hasReason?: boolean
  /** Whether something may be done beside it, and what. */
  readonly also?: string
  readonly done: string
  readonly run: (reason: string, also: boolean) => Promise<unknown>
}

export const ActDialog = ({ act, onClose, onDone }: { readonly act: Act, readonly onClose: () => void, readonly onDone: () => void }) => {
  const texts = t.value.relay
  const reason = useSignal('')
  const also = useSignal(false)
  const isBusy = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  const run = async (event: Event): Promise<void> => {
    event.preventDefault()
    isBusy.value = true
    try {
      await act.run(reason.value.trim(), also.value)
      notify('good', act.done)
      onDone()
      onClose()
    } catch (error) {
      wrong.value = reasonOf(error)
    } finally {
      isBusy.value = false
    }
  }
  return (
    <Dialog title={act.title} onClose={onClose}>
      <form onSubmit={event => void run(event)}>
        <p>{act.means}</p>
        {act.hasReason === true && (
          <>
            <label for='act-reason'>{texts.reason}</label>
            <input id='act-reason' maxLength={500} value={reason.value} onInput={event => reason.value = event.currentTarget.value} />
          </>
        )}
        {act.also !== undefined && (
          <label class='check'>
            <input type='checkbox' checked={also.value} onChange={event => also.value = event.currentTarget.checked} />
            {act.also}
          </label>
        )}
        <p class='wrong' role='alert'>
          <Why reason={wrong.value} />
        </p>
        <div class='actions'>
          <button type='submit' class='danger' disabled={isBusy.value}>{act.title}</button>
          <button type='button' onClick={onClose}>{texts.cancel}</button>
        </div>
      </form>
    </Dialog>
  )
}
