// How a message is signed: for the relay that takes it, when it is sent.
import { whenThere, type Awaitable } from '../identity/awaitable.ts'
import { messageText, messageTextV2, randomNonce, type Identity } from '../identity/index.ts'
import { addressOf, type RequestInput } from '../protocol/index.ts'
import type { Homes } from './homes.ts'
import type { Place } from './login.ts'

export interface SigningMessages {
  readonly identity: Identity
  /** Who the relay is, and what it knows beyond what older ones do. */
  readonly place: () => Place | undefined
  readonly knows: (feature: 'msg-v2') => boolean
  /** The relays that names with a host are at. */
  readonly homes: Pick<Homes, 'known'>
  /** What of a channel we have seen, where it is time to say that. */
  readonly seen: (stream: string) => RequestInput<'MSG'>['seen']
  /** ms since 1970 */
  readonly now: () => number
}

type Signed = Pick<RequestInput<'MSG'>, 'sig' | 'sig_v' | 'ts' | 'nonce' | 'seen'>

/**
 * What signs a message, each time it is sent anew: under one nonce, so that however often it was sent it is one. A relay that has
 * not proved who it is, or does not know the form that names it, gets the older one. What is for another relay is signed for that one, which is known
 * by then where this one is linked to it. What it gives throws an IdentityError on what has no exact text, and whatever the key throws.
 */
export const messageSigner = (
  { identity, place, knows, homes, seen, now }: SigningMessages,
  message: Pick<RequestInput<'MSG'>, 'to' | 'content' | 'id'> & { readonly in_reply_to?: string | undefined },
): () => Awaitable<Signed> => {
  const { to, content } = message
  const nonce = randomNonce()
  const { name, host } = addressOf(to)
  const signedFor = (relay: string, ts: number) => {
    const had = to.startsWith('#') ? seen(to) : undefined
    const more = had === undefined ? {} : { seen: had }
    const signature = identity.sign(messageTextV2({ ...message, to: name, by: identity.agentId, relay, ts, nonce, ...more }))
    return whenThere(signature, sig => ({ sig_v: 2 as const, ts, nonce, ...more, sig }))
  }
  return () => {
    const ts = now()
    const home = host === undefined ? undefined : homes.known(host)
    // Another relay takes the second form alone: what has no exact text is refused here, and not by a relay that asks for another form.
    if (home !== undefined) return signedFor(home.serverId, ts)
    const { relay, isProved } = place() ?? {}
    if (relay === undefined || isProved !== true || host !== undefined || !knows('msg-v2') || hasHalfCharacter(content))
      return whenThere(identity.sign(messageText({ to, content, ts })), sig => ({ ts, sig }))
    return signedFor(relay, ts)
  }
}

/** It has no exact text: what was cut in the middle of a character is signed as older clients do. */
const hasHalfCharacter = (text: string): boolean => /\p{Surrogate}/u.test(text)
