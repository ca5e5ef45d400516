// Asks before something is signed: what it does, what exactly is signed, and that it cannot be undone. Who moves money vouches for it anew, by
// a passkey of his account, or where he has none by typing the amount; as long as it is not known which, nothing moves.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Why } from './why.tsx'
import { formatMinor } from '../../lib/protocol/money.ts'
import { askVouching, vouch, type Vouching } from '../state/account.ts'
import { tellFailure } from '../state/notices.ts'
import { t } from '../text/index.ts'
import { minorIn } from './amount.ts'
import { Dialog } from './dialog.tsx'
import { plain, visibleJson } from './visible-text.tsx'
import { reasonOf } from '../text/reason.ts'

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
  /** Whether all is still as it was when the dialog was opened: asked last before it is signed. */
  readonly isStill?: () => boolean
  readonly run: () => Promise<unknown>
  readonly onClose: () => void
  readonly children?: ComponentChildren
}

export const Confirm = (
  { title, means, signs, money, isDanger = false, isReady = true, isStill = () => true, run, onClose, children }: ConfirmProps,
) => {
  const texts = t.value.acts
  const state = useSignal<'open' | 'vouching' | 'signing'>('open')
  const wrong = useSignal<string | undefined>(undefined)
  const typed = useSignal('')
  const by = useSignal<Vouching | undefined>(undefined)
  const askBy = async (): Promise<void> => {
    try {
      wrong.value = undefined
      by.value = await askVouching()
    } catch (error) {
      wrong.value = texts.unknownOwner((error as Error).message)
    }
  }
  useEffect(() => {
    if (money !== undefined && by.peek() === undefined) void askBy()
  }, [money === undefined])
  /** Whether it is still so, by what is known now: a deal goes on while its owner looks for the passkey. */
  const now = useRef(isStill)
  now.current = isStill
  const isGone = useRef(false)
  useEffect(() => () => {
    isGone.current = true
  }, [])
  const amount = money === undefined ? '' : plain(formatMinor(money.minor, money.currency))
  const isVouched = money === undefined || by.value === 'passkey'
    || by.value === 'typing' && minorIn(typed.value, money.currency) === money.minor
  const isMistyped = !isVouched && by.value === 'typing' && typed.value.trim() !== ''
  const isBusy = state.value !== 'open'
  const confirm = async (event: Event) => {
    event.preventDefault()
    if (state.value !== 'open' || !isReady || !isVouched) return
    state.value = 'vouching'
    wrong.value = undefined
    try {
      if (money !== undefined && by.value === 'passkey') await vouch()
      if (isGone.current || !now.current()) throw new Error(texts.changed)
      state.value = 'signing'
      await run()
      onClose()
    } catch (error) {
      if (isGone.current) tellFailure(error)
      else wrong.value = reasonOf(error)
    } finally {
      state.value = 'open'
    }
  }
  return (
    <Dialog title={title} onClose={onClose} isHeld={state.value === 'signing'}>
      <form class='confirm' onSubmit={event => void confirm(event)}>
        <p>{means}</p>
        {children}
        {signs !== undefined && (
          <details>
            <summary>{texts.whatIsSigned}</summary>
            <pre tabIndex={0}>{visibleJson([signs.action, signs.fields])}</pre>
          </details>
        )}
        {money !== undefined && (by.value === undefined
          ? wrong.value === undefined
            ? <p aria-busy='true'>{t.value.shell.loading}</p>
            : <button type='button' class='quiet' onClick={() => void askBy()}>{texts.askAgain}</button>
          : by.value === 'passkey'
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
              {isMistyped && <p class='small' role='status'>{texts.mistyped(amount)}</p>}
            </>
          ))}
        {signs !== undefined && <p class='small'>{texts.noWayBack}</p>}
        <p role='alert' class='wrong'>
          <Why reason={wrong.value} />
        </p>
        <div class='actions'>
          <button type='submit' class={isDanger ? 'danger' : 'primary'} disabled={isBusy || !isReady || !isVouched}>
            {isBusy ? texts.busy : title}
          </button>
          <button type='button' disabled={state.value === 'signing'} onClick={onClose}>{texts.notNow}</button>
        </div>
      </form>
    </Dialog>
  )
}
