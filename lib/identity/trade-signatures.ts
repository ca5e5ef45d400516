// Which fields of a request in trade are under its signature, and whether a stored event carries a good one: that can be
// checked years later, without the relay.
import { fingerprintOf } from './agent-id.ts'
import type { Awaitable } from './awaitable.ts'
import { whenThere } from './awaitable.ts'
import type { Identity, LocalIdentity } from './keys.ts'
import { verify as verifyText, type Verify } from './verify.ts'
import { randomNonce } from './nonce.ts'
import type { SignatureState } from './signature-state.ts'
import { oldTradeTexts, tradeText, type TradeStamp } from './trade-texts.ts'

const offer = [
  'to',
  'task',
  'amount',
  'currency',
  'payment_code',
  'terms',
  'capability',
  'expires',
  'elo_stake',
  'role',
  'milestones',
  'deliver_s',
  'review_s',
  'rail',
  'public',
] as const

/**
 * By action. What a request has beside these (`id`, the signature itself, the content of files that are named by their hash) is
 * not signed.
 */
export const signedFields = {
  PROPOSAL: [...offer, 'supersedes'],
  ACCEPT: ['proposal_id', 'payment_code', 'elo_stake', 'public'],
  REJECT: ['proposal_id', 'reason'],
  CANCEL: ['proposal_id', 'reason'],
  FUND: ['proposal_id'],
  SUBMIT: ['proposal_id', 'text', 'files'],
  REVISE: ['proposal_id', 'reason'],
  RELEASE: ['proposal_id'],
  COMPLETE: ['proposal_id', 'proof'],
  DISPUTE: ['proposal_id', 'reason'],
  DISPUTE_INTENT: ['proposal_id', 'reason', 'commitment'],
  DISPUTE_REVEAL: ['proposal_id', 'nonce'],
  ARBITER_ACCEPT: ['dispute_id'],
  ARBITER_DECLINE: ['dispute_id', 'reason'],
  EVIDENCE: ['dispute_id', 'items', 'statement'],
  VOTE: ['dispute_id', 'verdict', 'reasoning', 'capture_minor'],
  TRANSFER: ['to', 'currency', 'amount_minor', 'note'],
} as const satisfies Record<string, readonly string[]>

/** A request in trade that is signed. */
export type TradeAction = keyof typeof signedFields

/** Whether a request is one that is signed in trade. */
export const isTradeAction = (type: string): type is TradeAction => Object.hasOwn(signedFields, type)

type Fields = Readonly<Record<string, unknown>>

const pick = (action: TradeAction, body: Fields): Parameters<typeof tradeText>[1] => {
  const fields: Record<string, unknown> = {}
  for (const name of signedFields[action]) {
    const value = body[name]
    if (name === 'files' && Array.isArray(value))
      fields[name] = (value as readonly Fields[]).map(({ name: file, bytes, sha256 }) => ({ name: file, bytes, sha256 }))
    // Nothing at stake is no stake, however it is written.
    else if (!(name === 'elo_stake' && value === 0)) fields[name] = value
  }
  return fields as Parameters<typeof tradeText>[1]
}

/**
 * The text of a request's signature (`sig_v: 3`, or 2 without a session in its stamp). A COUNTER is signed as the PROPOSAL it makes, with `supersedes`.
 * @throws IdentityError on values that cannot be signed
 */
export const tradeTextOf = (action: TradeAction, request: Fields, stamp: TradeStamp): string =>
  tradeText(action, pick(action, request), stamp)

/** The text that older clients sign for the same request; undefined: there is none. */
export const oldTradeTextOf = (action: TradeAction, request: Fields): string | undefined => {
  const texts: Readonly<Record<string, (request: never) => string>> = oldTradeTexts
  return Object.hasOwn(texts, action) ? texts[action]!(request as never) : undefined
}

/**
 * valid: every field is covered. weak: the oldest text, which names no signer, relay or time. foreign: good, but said at another
 * relay than this event comes from. none: the relay itself says so.
 */
export type TradeSignature = Extract<SignatureState, 'valid' | 'weak' | 'foreign' | 'invalid' | 'none'>

/** Of an event that is not called as its request: what was asked. */
const actionOf = ({ type, answer }: Fields): string => {
  switch (type) {
    case 'DISPUTE_FILED':
      return 'DISPUTE_INTENT'
    case 'PANEL_FORMED':
      return 'DISPUTE_REVEAL'
    case 'ARBITER_ANSWER':
      return answer === 'accepted' ? 'ARBITER_ACCEPT' : 'ARBITER_DECLINE'
    default:
      return String(type)
  }
}

/** The signed request inside a stored event. */
const requestOf = (type: string, event: Fields): Fields => {
  if (type === 'PROPOSAL') return { ...event, expires: event['expires_s'] }
  if (type === 'ACCEPT') return { ...event, elo_stake: event['acceptor_stake'] }
  return event
}

/** How to check, and who shows the event. */
export interface TradeCheck {
  readonly verify?: Verify
  /** `server_id` of the relay that shows the event: what was signed for another one is `foreign`. */
  readonly relay?: string | undefined
}

/**
 * Checks the signature of a stored event (a step of a proposal or a dispute, a TRANSFER) against the key of who acted. Never throws.
 * The signature of a COUNTER stands over the PROPOSAL it names.
 * @example checkTradeEvent(event, (await client.whois(event.by)).pubkey, { relay: client.welcome.server_id })
 */
export const checkTradeEvent = (
  event: Fields & { readonly type: string },
  publicPem: string,
  { verify = verifyText, relay: shownBy }: TradeCheck = {},
): TradeSignature => {
  const { type, sig, sig_v, relay } = event
  if (typeof sig !== 'string' || type === 'COUNTER') return 'none'
  const action = actionOf(event)
  if (!isTradeAction(action)) return 'invalid'
  try {
    const request = requestOf(type, event)
    if (sig_v === 1) {
      const text = oldTradeTextOf(action, request)
      return text !== undefined && verify(publicPem, text, sig) ? 'weak' : 'invalid'
    }
    const stamp = stampOf(event, publicPem)
    if (stamp === undefined || !verify(publicPem, tradeTextOf(action, request, stamp), sig)) return 'invalid'
    return shownBy === undefined || relay === shownBy ? 'valid' : 'foreign'
  } catch {
    return 'invalid'
  }
}

/** What an event says of where and when it was signed. */
const stampOf = (event: Fields, publicPem: string): TradeStamp | undefined => {
  const { sig_v, sig_ts: ts, sig_nonce: nonce, relay, sig_origin: origin, sig_relay_nonce: relayNonce } = event
  const by = event['by'] ?? event['from']
  if (typeof by !== 'string' || typeof relay !== 'string' || typeof ts !== 'number' || typeof nonce !== 'string') return undefined
  if (sig_v !== 3) return { by, relay, ts, nonce }
  if (typeof origin !== 'string' || typeof relayNonce !== 'string') return undefined
  return { by, relay, ts, nonce, session: { key: fingerprintOf(publicPem), origin, relayNonce } }
}

/** What a signed request carries beside its fields. */
export interface SignedFields {
  readonly sig: string
  readonly sig_v: 2 | 3
  readonly sig_ts: number
  readonly sig_nonce: string
}

type Signer<I extends Identity> = Pick<I, 'sign'> & { readonly agentId: string }
type Signing = [
  type: TradeAction | 'COUNTER',
  request: Fields,
  stamp: Omit<TradeStamp, 'by' | 'nonce'> & { readonly nonce?: string },
]

/**
 * What a request in trade carries beside its fields; a promise of it where the key takes its time. A nonce that is left out is made. With a `session` (address, and the relay's
 * nonce) it is good in that session alone: the third form.
 * @throws IdentityError on values that cannot be signed
 * @example const request = { proposal_id }; client.request('ACCEPT', { ...request, ...signTrade(me, 'ACCEPT', request, { relay:
 * welcome.server_id, ts: Date.now() }) })
 */
export const signTrade: {
  (identity: Signer<LocalIdentity>, ...what: Signing): SignedFields
  (identity: Signer<Identity>, ...what: Signing): Awaitable<SignedFields>
} = (identity: Signer<Identity>, ...[type, request, { relay, ts, nonce = randomNonce(), session }]: Signing) => {
  const [action, fields] = type === 'COUNTER'
    ? ['PROPOSAL', { ...request, supersedes: request['proposal_id'] }] as const
    : [type, request] as const
  const text = tradeTextOf(action, fields, { by: identity.agentId, relay, ts, nonce, session })
  return whenThere(identity.sign(text), (sig): SignedFields => ({
    sig,
    sig_v: session === undefined ? 2 : 3,
    sig_ts: ts,
    sig_nonce: nonce,
  })) as SignedFields
}
