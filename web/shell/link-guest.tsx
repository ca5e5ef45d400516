// The newcomer's side of a handing over: its digits, and then whose key came.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { askForKey, type Handed } from '../state/link-guest.ts'
import { t } from '../text/index.ts'

interface LinkGuestProps {
  /** This browser has the key now. */
  readonly onKept: () => void
  /** Nothing came of it; why, unless its owner stopped it. */
  readonly onEnded: (error?: unknown) => void
}

export const LinkGuest = ({ onKept, onEnded }: LinkGuestProps) => {
  const texts = t.value.link
  const code = useSignal<string | undefined>(undefined)
  const handed = useSignal<Handed | undefined>(undefined)
  const stopping = useRef(new AbortController())
  useEffect(() => {
    const { signal } = stopping.current
    askForKey({ signal, onCode: digits => code.value = digits }).then(
      came => handed.value = came,
      (error: unknown) => onEnded(signal.aborted ? undefined : error),
    )
    return () => stopping.current.abort()
  }, [])
  const came = handed.value
  if (came !== undefined) {
    return (
      <>
        <p role='status'>{texts.got(came.agent)}</p>
        <div class='actions'>
          <button type='button' class='primary' autofocus onClick={() => void came.keep().then(onKept, onEnded)}>{texts.take}</button>
          <button type='button' onClick={() => onEnded()}>{texts.drop}</button>
        </div>
      </>
    )
  }
  return (
    <>
      <p role='status'>{code.value === undefined ? texts.waiting : texts.show}</p>
      {code.value !== undefined && (
        <p class='recovery'>
          <output>{code.value}</output>
        </p>
      )}
      <div class='actions'>
        <button type='button' autofocus onClick={() => stopping.current.abort()}>{texts.stop}</button>
      </div>
    </>
  )
}
