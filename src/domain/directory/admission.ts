// What a directory does with an announcement whose signature is good: take it, leave it, or refuse it.
import { limits as wire, type ServerDocument } from '../../../lib/protocol/index.ts'
import { endOf, isLive, isNewer } from './documents.ts'

/** pending: to be asked; listed: has answered with its key; refused: has not. */
export type ServerState = 'pending' | 'listed' | 'refused'

/** What the directory has of the relay already. */
export interface Kept {
  readonly document: ServerDocument
  readonly state: ServerState
}

/** What the directory holds in all, and how much of it waits. */
export interface Fill {
  readonly servers: number
  readonly pending: number
  /** waiting ones of the same announcer */
  readonly pendingHere: number
  /** at the same host */
  readonly atHost: number
}

export interface FillLimits {
  readonly maxServers: number
  readonly maxPending: number
  readonly maxPendingHere: number
  readonly maxAtHost: number
}

export type Admission =
  /** state: what it is in now */
  | { readonly kind: 'take', readonly state: ServerState }
  /** nothing changes: it is known, or as good as known */
  | { readonly kind: 'leave' }
  | {
    readonly kind: 'refuse'
    readonly code: 'INVALID_MSG' | 'VERIFICATION_EXPIRED' | 'LIMIT_REACHED' | 'RATE_LIMITED'
    readonly message: string
  }

const refuse = (code: (Admission & { kind: 'refuse' })['code'], message: string): Admission => ({ kind: 'refuse', code, message })

export const admit = (document: ServerDocument, kept: Kept | undefined, fill: Fill, limits: FillLimits, now: number): Admission => {
  const url = document.urls[0]
  if (url === undefined) return refuse('INVALID_MSG', 'urls: a relay that is announced says where it is')
  // What comes from the future would outrank every honest description until then.
  if (document.issued_at > now + wire.maxClockSkewMs)
    return refuse('VERIFICATION_EXPIRED',
      `issued_at: more than ${wire.maxClockSkewMs / 60_000} minutes ahead of the directory's clock; check the clock`)
  if (!isLive(document, now))
    return refuse('VERIFICATION_EXPIRED', 'expires_at: it is over; announce a fresh description, and check the clock')
  if (kept !== undefined) {
    if (document.sig === kept.document.sig) return { kind: 'leave' }
    if (!isNewer(document, kept.document)) return refuse('VERIFICATION_EXPIRED', 'issued_at: a later announcement of this relay is known')
    // The same key has answered at this address before.
    if (kept.state === 'listed' && url === kept.document.urls[0])
      return isFresh(kept.document, now)
        ? { kind: 'leave' }
        : { kind: 'take', state: 'listed' }
    // It waits already, and is counted.
    if (kept.state === 'pending' && hostOf(url) === hostOf(kept.document.urls[0]!)) return { kind: 'take', state: 'pending' }
  }
  if (fill.atHost >= limits.maxAtHost) return refuse('LIMIT_REACHED', `The directory lists ${limits.maxAtHost} relays of one host`)
  if (fill.pendingHere >= limits.maxPendingHere || fill.pending >= limits.maxPending)
    return refuse('RATE_LIMITED', 'Too many announcements wait to be checked')
  if (kept === undefined && fill.servers >= limits.maxServers)
    return refuse('LIMIT_REACHED', `The directory holds ${limits.maxServers} relays`)
  return { kind: 'take', state: 'pending' }
}

/** More than half of its time is left: a relay that announces itself every second is not written every second. */
const isFresh = (document: ServerDocument, now: number): boolean =>
  now - document.issued_at < (endOf(document) - document.issued_at) / 2 && now >= document.issued_at && now - document.issued_at < 30_000

export const hostOf = (url: string): string => new URL(url).hostname.toLowerCase()
