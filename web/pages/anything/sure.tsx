// Asks once more before a request that is grave: for money by the passkey of the account, or where there is none by typing its name.
import { useSignal } from '@preact/signals'
import { Dialog } from '../../kit/dialog.tsx'
import { Json } from '../../kit/json.tsx'
import { plain } from '../../kit/visible-text.tsx'
import { account, vouch } from '../../state/account.ts'
import { t } from '../../text/index.ts'
import type { Grave } from './grave.ts'

export interface SureProps {
  readonly type: string
  readonly grave: Grave
  /** What is sent, without secrets. */
  readonly shown: object
  readonly onSend: () => void
  readonly onClose: () => void
}

export const Sure = ({ type, grave, shown, onSend, onClose }: SureProps) => {
  const texts = t.value.anything
  const typed = useSignal('')
  const isBusy = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  const isMoney = grave === 'money'
  const byPasskey = account.value !== undefined
  const isReady = !isMoney || byPasskey || typed.value.trim() === type
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!isReady || isBusy.value) return
    isBusy.value = true
    try {
      if (isMoney && byPasskey) await vouch()
      onSend()
    } catch (error) {
      wrong.value = (error as Error).message
    } finally {
      isBusy.value = false
    }
  }
  return (
    <Dialog title={texts.sure} onClose={onClose}>
      <form onSubmit={event => void confirm(event)}>
        <p>
          <strong>{isMoney ? texts.sureMoney : texts.sureFinal}</strong>
        </p>
        <Json value={shown} label={type} />
        {isMoney && (byPasskey ? <p>{texts.asksPasskey}</p> : (
          <>
            <label for='sure-name'>{texts.typeName(type)}</label>
            <input id='sure-name' autocomplete='off' value={typed.value} onInput={event => typed.value = event.currentTarget.value} />
          </>
        ))}
        <p class='wrong' role='alert'>{wrong.value === undefined ? '' : plain(wrong.value)}</p>
        <div class='actions'>
          <button type='submit' class='danger' disabled={!isReady || isBusy.value}>{texts.send}</button>
          <button type='button' onClick={onClose}>{texts.cancel}</button>
        </div>
      </form>
    </Dialog>
  )
}
