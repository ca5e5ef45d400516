// The other side: who asks for the key of the account, the digits that are typed here, and handing it over.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { IdentityError } from '../../../lib/identity/index.ts'
import { plain } from '../../kit/visible-text.tsx'
import { Time } from '../../kit/time.tsx'
import { Why } from '../../kit/why.tsx'
import { until } from '../../state/link.ts'
import { answerAsking, refuseAsking, whoAsks, type Answered, type Asking } from '../../state/link-host.ts'
import { t } from '../../text/index.ts'
import { reasonOf } from '../../text/reason.ts'

type Step =
  | { readonly kind: 'idle' }
  | { readonly kind: 'looking' }
  | { readonly kind: 'answering' }
  | { readonly kind: 'typing', readonly answered: Answered }
  | { readonly kind: 'going' }
  | { readonly kind: 'done', readonly agent: string }

export const LinkHost = () => {
  const texts = t.value.link
  const step = useSignal<Step>({ kind: 'idle' })
  const wrong = useSignal<string | undefined>(undefined)
  const stopping = useRef<AbortController>(undefined)
  useEffect(() => () => stopping.current?.abort(), [])
  /** Ends what is under way; what failed is said. */
  const end = (error?: unknown) => {
    stopping.current?.abort()
    wrong.value = error === undefined ? undefined : reasonOf(error)
    step.value = { kind: 'idle' }
  }
  const look = () => {
    stopping.current = new AbortController()
    wrong.value = undefined
    step.value = { kind: 'looking' }
  }
  const answer = async (asking: Asking) => {
    const { signal } = stopping.current!
    step.value = { kind: 'answering' }
    try {
      const answered = await answerAsking(asking, signal)
      step.value = { kind: 'typing', answered }
      await answered.ended
      step.value = { kind: 'done', agent: answered.agent }
    } catch (error) {
      if (!signal.aborted) end(error)
    }
  }
  const handOver = async (answered: Answered, digits: string, code: string) => {
    wrong.value = undefined
    try {
      if (!answered.isRight(digits)) {
        wrong.value = texts.wrongDigits
        return
      }
    } catch (error) {
      end(error)
      return
    }
    step.value = { kind: 'going' }
    try {
      await answered.handOver(code)
    } catch (error) {
      // A recovery code with a slip in it is typed again.
      if (error instanceof IdentityError) {
        step.value = { kind: 'typing', answered }
        wrong.value = reasonOf(error)
      } else end(error)
    }
  }
  const now = step.value
  return (
    <section class='card' aria-labelledby='link-title'>
      <h2 id='link-title'>{texts.title}</h2>
      {(now.kind === 'idle' || now.kind === 'done') && (
        <>
          <p role='status'>{now.kind === 'done' ? texts.done(now.agent) : texts.offer}</p>
          <button type='button' onClick={look}>{texts.look}</button>
        </>
      )}
      {now.kind === 'looking'
        && <Askers signal={stopping.current!.signal} onMine={asking => void answer(asking)} onFailed={end} />}
      {now.kind === 'typing'
        && <Digits answered={now.answered} onDigits={(digits, code) => void handOver(now.answered, digits, code)} />}
      {now.kind === 'answering' && <p role='status'>{t.value.shell.loading}</p>}
      {now.kind === 'going' && <p role='status'>{texts.going}</p>}
      <p role='alert' class='wrong'>
        <Why reason={wrong.value} />
      </p>
      {now.kind !== 'idle' && now.kind !== 'done' && (
        <div class='actions'>
          <button
            type='button'
            onClick={() => {
              if (now.kind === 'typing') void now.answered.refuse()
              end()
            }}
          >
            {texts.stop}
          </button>
        </div>
      )}
    </section>
  )
}

interface AskersProps {
  readonly signal: AbortSignal
  readonly onMine: (asking: Asking) => void
  readonly onFailed: (error?: unknown) => void
}

/** Browsers that ask, looked for again and again. */
const Askers = ({ signal, onMine, onFailed }: AskersProps) => {
  const texts = t.value.link
  const asking = useSignal<readonly Asking[]>([])
  useEffect(() => {
    const mounted = new AbortController()
    const both = AbortSignal.any([signal, mounted.signal])
    until(both, async () => {
      asking.value = await whoAsks()
      return undefined
    }).catch((error: unknown) => {
      if (!both.aborted) onFailed(error)
    })
    return () => mounted.abort()
  }, [])
  return (
    <>
      <p role='status'>{asking.value.length === 0 ? texts.nobody : texts.asks}</p>
      <ul>
        {asking.value.map(each => (
          <li key={each.id}>
            <span>{texts.from(plain(each.browser), plain(each.address))}</span> · <Time at={each.at} />
            <div class='actions'>
              <button type='button' class='primary' onClick={() => onMine(each)}>{texts.mine}</button>
              <button type='button' onClick={() => void refuseAsking(each.id)}>{texts.notMine}</button>
            </div>
          </li>
        ))}
      </ul>
    </>
  )
}

interface DigitsProps {
  readonly answered: Answered
  readonly onDigits: (digits: string, code: string) => void
}

const Digits = ({ answered: { needsCode }, onDigits }: DigitsProps) => {
  const texts = t.value.link
  const digits = useSignal('')
  const code = useSignal('')
  const isWhole = digits.value.replace(/\D/g, '').length === 6 && (!needsCode || code.value.trim() !== '')
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        if (isWhole) onDigits(digits.value, code.value)
      }}
    >
      <p>{texts.type}</p>
      <label for='link-digits'>{texts.digits}</label>
      <input
        id='link-digits'
        autofocus
        autocomplete='off'
        inputMode='numeric'
        maxLength={9}
        value={digits.value}
        onInput={event => digits.value = event.currentTarget.value}
      />
      {needsCode && (
        <>
          <label for='link-code'>{t.value.shell.code}</label>
          <input
            id='link-code'
            autocomplete='off'
            spellcheck={false}
            value={code.value}
            onInput={event => code.value = event.currentTarget.value}
          />
        </>
      )}
      <div class='actions'>
        <button type='submit' class='primary' disabled={!isWhole}>{texts.handOver}</button>
      </div>
    </form>
  )
}
