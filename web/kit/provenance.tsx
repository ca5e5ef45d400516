// Who says something, and what that is worth: signed or not, how long the key is known, who answers for it, what its deals say. The console's own
// words, beside each message and never in it.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { conversation, type AgentId, type Frame } from '../../lib/index.ts'
import { provenanceOf, type SignatureState } from '../../lib/identity/index.ts'
import { account } from '../state/account.ts'
import { factsOf } from '../state/people.ts'
import { here, myId } from '../state/session.ts'
import type { LogEvent } from '../state/log.ts'
import { verifyBeside } from '../state/verify.ts'
import { t } from '../text/index.ts'
import { Dialog } from './dialog.tsx'
import { duration } from './time.tsx'

const states = new WeakMap<object, SignatureState>()

const signatureOf = (event: LogEvent): Promise<SignatureState> => {
  const frame = event as unknown as Frame<'MSG'>
  return frame.edit === undefined
    ? here().signatureOf({ frame: event })
    : conversation(here(), { verify: verifyBeside }).signatureOf(frame).catch(() => 'unknown-key' as const)
}

/** What its signature comes to; undefined: it is being checked. */
const useSignature = (event: LogEvent): SignatureState | undefined => {
  const state = useSignal(states.get(event))
  useEffect(() => {
    if (states.has(event)) return
    let isWanted = true
    void signatureOf(event).then(found => {
      states.set(event, found)
      if (isWanted) state.value = found
    })
    return () => {
      isWanted = false
    }
  }, [event])
  return states.get(event) ?? state.value
}

/** A key that is known for less is new. */
const newKeyMs = 60 * 60_000
const good: ReadonlySet<SignatureState> = new Set(['valid', 'weak'])

export const Provenance = (
  { event, isReachable = true }: { readonly event: LogEvent, /** by the Tab key */ readonly isReachable?: boolean },
) => {
  const isAsked = useSignal(false)
  const signature = useSignature(event)
  const from = String(event['from']) as AgentId
  const facts = factsOf(from).value
  const texts = t.value.chat
  if (facts === undefined || signature === undefined) return <span class='chip'>{texts.checking}</span>
  const { keyAgeMs, trust, hops, signedBy } = provenanceOf(event, signature, facts.author)
  // Whose an agent is the relay tells its owner alone.
  const isOwn = from !== myId.value && account.value?.agents.includes(from) === true
  const kind = signature === 'none' ? 'none' : good.has(signature) ? 'good' : 'bad'
  return (
    <>
      <button
        type='button'
        tabIndex={isReachable ? 0 : -1}
        class={`chip ${kind}`}
        onClick={() => isAsked.value = true}
        aria-haspopup='dialog'
      >
        {kind === 'good' ? '✓ ' : kind === 'bad' ? '! ' : ''}
        {texts.signature[signature]}
        {keyAgeMs !== null && <span class='age'>· {keyAgeMs < newKeyMs ? texts.newKey : texts.keyAge(duration(keyAgeMs))}</span>}
        {isOwn && <span class='owner'>· {texts.yours}</span>}
        {trust !== 'known' && keyAgeMs !== null && <span class='trust'>· {texts.trust[trust]}</span>}
      </button>
      {isAsked.value && (
        <Dialog title={texts.aboutMessage} onClose={() => isAsked.value = false}>
          <p>{texts.signatureMeans[signature]}</p>
          <dl>
            <dt>{texts.factAgent}</dt>
            <dd>
              <code>{from}</code>
            </dd>
            <dt>{texts.factKey}</dt>
            <dd>{signedBy === null ? '–' : <code class='long'>{signedBy}</code>}</dd>
            <dt>{texts.factKeyAge}</dt>
            <dd>{keyAgeMs === null ? texts.noKey : duration(keyAgeMs)}</dd>
            <dt>{texts.factTrust}</dt>
            <dd>{texts.trust[trust]}</dd>
            <dt>{texts.factOwner}</dt>
            <dd>{isOwn || from === myId.value ? texts.ownerYou : texts.ownerUnknown}</dd>
            <dt>{texts.factStanding}</dt>
            <dd>{facts.standing === undefined ? texts.noStanding : facts.standing.toFixed(2)}</dd>
            <dt>{texts.factHops}</dt>
            <dd>{hops === 0 ? texts.directly : texts.throughDoor(String(event['via'] ?? ''))}</dd>
            <dt>{texts.factNumber}</dt>
            <dd>
              {event.seq} · <code>{String((event as unknown as Frame<'MSG'>).msg_id ?? '')}</code>
            </dd>
          </dl>
        </Dialog>
      )}
    </>
  )
}
