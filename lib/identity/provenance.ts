// Where a peer's text comes from, for programs and models: who signed it, how long that key is known, what its author is trusted with, and
// what it passed on its way. One wording and one fence for whatever shows such a text.
import { hasHost } from '../protocol/address.ts'
import { agentIdOf, fingerprintOf } from './agent-id.ts'
import { cut, fenced, fenceNote, markBeyond, word } from './fence.ts'
import { randomNonce } from './nonce.ts'
import type { SignatureState } from './signature-state.ts'

/**
 * | trust | the author |
 * |---|---|
 * | `unknown` | has no key, or one that is over; or the signature is not for this message, here and now |
 * | `known` | has a key that the relay knows: who wrote before under this id is the same |
 * | `verified` | was approved by the operator |
 * | `admin` | administers the relay |
 *
 * What comes by a hook is `known` at most: whoever has the address of the hook says it. In a channel of
 * another relay who did not sign is `unknown`.
 */
export type Trust = 'unknown' | 'known' | 'verified' | 'admin'

/** What the relay says of an author, as in WHOIS. */
export interface Author {
  /** PEM; null: it has none */
  readonly pubkey: string | null
  /** When the relay saw its key first, ms since 1970; undefined: it does not say. */
  readonly since: number | undefined
  readonly isVerified: boolean
  readonly isAdmin: boolean
  /** Its key was revoked, or handed over. */
  readonly isOver: boolean
}

/** Where a text comes from. */
export interface Provenance {
  /** the SHA-256 of the key that signed it, in hex, for this or for something else; null: nobody did, or it does not hold */
  readonly signedBy: string | null
  /** how long (ms) the relay had known its author's key by then; null: there is none */
  readonly keyAgeMs: number | null
  readonly trust: Trust
  /** doors between its author's own connection and the relay: 0, or 1 where it came by HTTP, a token, or a webhook */
  readonly hops: number
}

/** What is looked at of an event. */
interface Said {
  readonly ts?: unknown
  readonly via?: unknown
  readonly verified?: unknown
  readonly to?: unknown
}

/** Its author's key made it, for this or for something else. */
const holding: ReadonlySet<SignatureState> = new Set(['valid', 'weak', 'stale', 'duplicated', 'foreign'])
/** Nothing speaks against the author that the relay names. */
const unsuspicious: ReadonlySet<SignatureState> = new Set(['valid', 'weak', 'none'])

/** `signature`: undefined where nobody looked; `author`: undefined where the relay knows none. */
export const provenanceOf = (
  { ts, via, verified, to }: Said,
  signature: SignatureState | undefined,
  author: Author | undefined,
): Provenance => {
  const { pubkey = null, since, isAdmin = false, isOver = false } = author ?? {}
  const isVerified = author?.isVerified === true || verified === true
  const holds = signature !== undefined && holding.has(signature)
  // Who is said to speak in a channel of another relay is that relay's word, unless the author signed it.
  const isBelieved = signature === undefined || unsuspicious.has(signature)
  const isKnown = pubkey !== null && !isOver && (hasHost(to) ? holds && isBelieved : isBelieved)
  // What comes by a hook is said by whoever has its address.
  const isTheirs = via !== 'hook'
  return {
    signedBy: holds && pubkey !== null ? fingerprintOf(pubkey) : null,
    keyAgeMs: pubkey === null || since === undefined || typeof ts !== 'number' ? null : Math.max(0, ts - since),
    trust: !isKnown ? 'unknown' : isTheirs && isAdmin ? 'admin' : isTheirs && isVerified ? 'verified' : 'known',
    hops: via === undefined ? 0 : 1,
  }
}

/** What WHOIS says, as far as it can be believed: a key is an author's where its id is the hash of it. */
export const authorOf = (id: string, told: {
  readonly pubkey: string | null
  readonly key_since?: number | undefined
  readonly verified: boolean
  readonly admin?: boolean | undefined
  readonly revoked_at?: number | undefined
  readonly rotated_to?: string | undefined
}): Author => {
  const { pubkey, key_since, verified, admin, revoked_at, rotated_to } = told
  return {
    pubkey: pubkey !== null && isKeyOf(pubkey, id) ? pubkey : null,
    since: key_since,
    isVerified: verified,
    isAdmin: admin === true,
    isOver: revoked_at !== undefined || rotated_to !== undefined,
  }
}

const isKeyOf = (pubkey: string, id: string): boolean => {
  try {
    return agentIdOf(pubkey) === id
  } catch {
    return false
  }
}

const units = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]] as const

const ageText = (ageMs: number): string => {
  const [unit, ms] = units.find(([, ms]) => ageMs >= ms) ?? ['s', 1_000]
  return `${Math.floor(ageMs / ms)}${unit}`
}

const signatureWords: Readonly<Record<string, string>> = { valid: 'signed ', weak: 'signed-older-form ', none: 'unsigned ' }

/** `signed key-age=3d trust=known hops=0`, as it stands outside of a fence. A signature that does not hold is in capitals. */
export const provenanceText = ({ keyAgeMs, trust, hops }: Provenance, signature: SignatureState | undefined): string => {
  const signed = signature === undefined ? '' : signatureWords[signature] ?? `SIGNATURE-${word(signature).toUpperCase()} `
  return `${signed}${keyAgeMs === null ? 'no-key' : `key-age=${ageText(keyAgeMs)}`} trust=${trust} hops=${hops}`
}

/** How an event is shown. */
export interface RenderOptions {
  /** Characters of what it says; default: all. */
  readonly maxChars?: number
  /** Draws a mark, a new one each time; default: 12 random hex digits. */
  readonly draw?: () => string
}

type Event = Readonly<Record<string, unknown>> & { readonly type: string, readonly ts: number, readonly seq?: number | undefined }

/** What is within the fence: what a message says, and what its files are called; of other events all of it, as JSON. */
const saidIn = (event: Event): string => {
  const { type, content, files, erased } = event
  if (type !== 'MSG') return JSON.stringify(event)
  const named = (Array.isArray(files) ? files as readonly Readonly<Record<string, unknown>>[] : [])
    .map(({ name, bytes, sha256 }) => `\nfile: ${JSON.stringify(name)}, ${word(bytes)} bytes, sha256=${word(sha256)}`)
  return `${erased === true ? '(taken back, or erased)' : typeof content === 'string' ? content : ''}${named.join('')}`
}

/** An event as text for a model or a program: where it comes from in words of ours, and what it says in a fence that it cannot close. */
export const renderEvent = (
  event: Event,
  signature: SignatureState | undefined,
  provenance: Provenance,
  { maxChars = Infinity, draw = () => randomNonce().slice(0, 12) }: RenderOptions = {},
): string => {
  const { type, ts, seq, from, by, from_name, to, msg_id, in_reply_to, edit, retract } = event as Event & {
    readonly edit?: { readonly of?: unknown }
    readonly retract?: { readonly of?: unknown }
  }
  const { text, rest } = cut(saidIn(event), maxChars)
  const mark = markBeyond([text], draw)
  const facts = ([
    ['from', `${word(by ?? from)}${from_name === undefined ? '' : `/${word(from_name)}`}`],
    ['to', to],
    ['at', Math.abs(ts) < 8.64e15 ? new Date(ts).toISOString() : '?'],
    ['number', seq],
    ['id', msg_id],
    ['re', in_reply_to],
    ['edits', edit?.of],
    ['takes-back', retract?.of],
    ['by-key', provenance.signedBy ?? undefined],
  ] as const).flatMap(([name, value]) => value === undefined ? [] : [`${name}=${name === 'from' ? value : word(value)}`])
  return [
    fenceNote(mark),
    `${word(type)} ${facts.join(' ')} ${provenanceText(provenance, signature)}`,
    `${fenced(`\n${text}\n`, mark)}${rest === 0 ? '' : ` …${rest} more characters`}`,
    '',
  ].join('\n')
}
