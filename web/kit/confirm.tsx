// Asks before something is signed: what it does, what exactly is signed, and that it cannot be undone. Who moves money vouches for it anew, by
// the passkey of his account, or where he has none by typing the amount.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { formatMinor, minorOf } from '../../lib/protocol/money.ts'
import { account, lookWhoIsIn, vouch } from '../state/account.ts'
import { tellFailure } from '../state/notices.ts'
import { t } from '../text/index.ts'
import { Dialog } from './dialog.tsx'
import { plain, visibleJson } from './visible-text.tsx'

export interface Money {
  readonly minor: number
  readonly currency: string
}

export interface ConfirmProps {
  readonly title: string
  /** What it does, in a sentence or two. */
  readonly means: string
  /** The request whose fields are signed. undefined: nothing is signed */
  readonly signs: { readonly action: string, readonly fields: object } | undefined
  /** What moves by it. */
  readonly money?: Money | undefined
  readonly isDanger?: boolean
  readonly isReady?: boolean
  readonly run: () => Promise<unknown>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}

export const Confirm = ({ title, means, signs, money, isDanger = false, isReady = true, run, onClose, children }: ConfirmProps) => {
  const texts = t.value.acts
  const isBusy = useSignal(false)
  const wrong = useSignal<string | undefined>(undefined)
  const typed = useSignal('')
  const byPasskey = account.value !== undefined
  useEffect(() => {
    // In another tab somebody may have signed in or out.
    if (money !== undefined) void lookWhoIsIn()
  }, [])
  /** What moves now: a deal goes on while its owner looks for the passkey. */
  const moves = useRef(money)
  moves.current = money
  const isGone = useRef(false)
  useEffect(() => () => {
    isGone.current = true
  }, [])
  const amount = money === undefined ? '' : plain(formatMinor(money.minor, money.currency))
  const isTyped = money === undefined || byPasskey || minorOf(typed.value.trim().replace(',', '.'), money.currency) === money.minor
  const confirm = async (event: Event) => {
    event.preventDefault()
    if (isBusy.value || !isReady || !isTyped) return
    isBusy.value = true
    wrong.value = undefined
    try {
      if (money !== undefined && byPasskey) await vouch()
      if (isGone.current || moves.current?.minor !== money?.minor || moves.current?.currency !== money?.currency)
        throw new Error(texts.changed)
      await run()
      onClose()
    } catch (error) {
      if (isGone.current) tellFailure(error)
      else wrong.value = (error as Error).message
    } finally {
      isBusy.value = false
    }
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form class='confirm' onSubmit={event => void confirm(event)}>
        <p>{means}</p>
        {children}
        {signs !== undefined && (
          <details>
            <summary>{texts.whatIsSigned}</summary>
            <pre tabIndex={0}>{visibleJson([signs.action, signs.fields])}</pre>
          </details>
        )}
        {money !== undefined && (byPasskey
          ? <p class='asks'>{texts.asksPasskey(amount)}</p>
          : (
            <>
              <label for='confirm-amount'>{texts.typeAmount(amount)}</label>
              <input
                id='confirm-amount'
                inputMode='decimal'
                autocomplete='off'
                value={typed.value}
                onInput={event => typed.value = event.currentTarget.value}
              />
            </>
          ))}
        {signs !== undefined && <p class='small'>{texts.noWayBack}</p>}
        <p role='alert' class='wrong'>{wrong.value === undefined ? '' : plain(wrong.value)}</p>
        <div class='actions'>
          <button type='submit' class={isDanger ? 'danger' : 'primary'} disabled={isBusy.value || !isReady || !isTyped}>
            {isBusy.value ? texts.busy : title}
          </button>
          <button type='button' onClick={onClose}>{texts.notNow}</button>
        </div>
      </form>
    </Dialog>
  )
}
