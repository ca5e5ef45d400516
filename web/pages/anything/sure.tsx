// Asks once more before a request that is grave: for money by the passkey of the account, or where there is none by typing its name.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Dialog } from '../../kit/dialog.tsx'
import { Json } from '../../kit/json.tsx'
import { Why } from '../../kit/why.tsx'
import { askVouching, vouch, type Vouching } from '../../state/account.ts'
import { t } from '../../text/index.ts'
import type { Grave } from './grave.ts'
import { reasonOf } from '../../text/reason.ts'

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
  const by = useSignal<Vouching | undefined>(undefined)
  const isGone = useRef(false)
  const askBy = async (): Promise<void> => {
    try {
      wrong.value = undefined
      by.value = await askVouching()
    } catch (error) {
      wrong.value = t.peek().acts.unknownOwner((error as Error).message)
    }
  }
  useEffect(() => {
    if (isMoney) void askBy()
    return () => {
      isGone.current = true
    }
  }, [])
  const isReady = !isMoney || by.value === 'passkey' || by.value === 'typing' && typed.value.trim() === type
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (!isReady || isBusy.value) return
    isBusy.value = true
    try {
      if (isMoney && by.value === 'passkey') await vouch()
      if (!isGone.current) onSend()
    } catch (error) {
      wrong.value = reasonOf(error)
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
        {isMoney && by.value === undefined && wrong.value !== undefined && (
          <button type='button' class='quiet' onClick={() => void askBy()}>{t.value.acts.askAgain}</button>
        )}
        {isMoney && by.value !== undefined && (by.value === 'passkey' ? <p>{texts.asksPasskey}</p> : (
          <>
            <label for='sure-name'>{texts.typeName(type)}</label>
            <input id='sure-name' autocomplete='off' value={typed.value} onInput={event => typed.value = event.currentTarget.value} />
          </>
        ))}
        <p class='wrong' role='alert'>
          <Why reason={wrong.value} />
        </p>
        <div class='actions'>
          <button type='submit' class='danger' disabled={!isReady || isBusy.value}>{texts.send}</button>
          <button type='button' onClick={onClose}>{texts.cancel}</button>
        </div>
      </form>
    </Dialog>
  )
}
