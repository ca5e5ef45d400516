// The exact texts that are signed, one function each. A stranger never chooses a text: what goes into one is checked first.
import { signedText } from './canonical.ts'
import { IdentityError } from './errors.ts'

/** Whether a nonce may be signed: 32 hex digits and nothing else, so that it can never read as another text. */
export const isSafeNonce = (nonce: unknown): nonce is string => typeof nonce === 'string' && /^[0-9a-fA-F]{32}$/.test(nonce)

const part = (name: string, value: string): string => {
  if (!/^[A-Za-z0-9_.:-]{1,128}$/.test(value)) throw new IdentityError('UNSAFE', `${name}: not safe to sign`)
  return value
}

/** What the first form of the login text names. */
export interface LoginText {
  readonly nonce: string
  readonly challengeId: string
  /** ms since 1970 */
  readonly timestamp: number
}

const login = (prefix: string, { nonce, challengeId, timestamp }: LoginText): string => {
  if (!isSafeNonce(nonce)) throw new IdentityError('UNSAFE', 'nonce: not 32 hex digits; refusing to sign it')
  return `${prefix}|${nonce}|${part('challenge_id', challengeId)}|${timestamp}`
}

/**
 * The first form of the login text: it names no relay.
 * @throws IdentityError on an unsafe nonce or challenge id
 * @example identity.sign(loginText({ nonce, challengeId, timestamp: Date.now() }))
 */
export const loginText = (fields: LoginText): string => login('AGENTCHAT_AUTH', fields)

/** The second form: bound to one relay, and checked against its clock. @throws IdentityError on an unsafe part */
export const loginTextV2 = ({ serverId, ...fields }: LoginText & { readonly serverId: string }): string =>
  login(`AGENTCHAT_AUTH_V2|${part('server_id', serverId)}`, fields)

/** Where and between whom a session opens: what keeps its signatures from being carried to another place or another session. */
export interface SessionBinding {
  /** scheme, host and port that the client dialled, as `originOf` spells it */
  readonly origin: string
  /** the relay's identity, `server_id` */
  readonly relay: string
  /** the client's nonce, of IDENTIFY: 32 hex digits */
  readonly nonce: string
  /** the relay's nonce, of CHALLENGE: 32 hex digits */
  readonly relayNonce: string
}

/** What the third form of the login text names: the address, both nonces and the time too. */
export interface LoginTextV3 extends SessionBinding {
  /** agent id */
  readonly by: string
  /** whole fingerprint of its key */
  readonly key: string
  readonly challengeId: string
  /** ms since 1970, the client's clock */
  readonly ts: number
}

/**
 * The third form of the login text: bound to the address that was dialled, to the relay, and to this one session.
 * @throws IdentityError on an unsafe nonce or challenge id
 */
export const loginTextV3 = ({ by, key, origin, relay, nonce, relayNonce, challengeId, ts }: LoginTextV3): string => {
  if (!isSafeNonce(nonce) || !isSafeNonce(relayNonce)) throw new IdentityError('UNSAFE', 'nonce: not 32 hex digits; refusing to sign it')
  return signedText('AUTH', {
    by,
    key,
    origin,
    relay,
    nonce,
    relay_nonce: relayNonce,
    challenge_id: part('challenge_id', challengeId),
    ts,
  }, 3)
}

/** What a relay signs to show that its key is its own. */
export interface RelayProofText extends Omit<SessionBinding, 'relayNonce'> {
  /** Of a client with a key, whose login it begins: the key's fingerprint, and the relay's nonce. */
  readonly login?: { readonly key: string, readonly relayNonce: string } | undefined
}

/** What a relay signs to show that it is the one of its `server_id`, at the address that was dialled, now. */
export const relayProofText = ({ origin, relay, nonce, login }: RelayProofText): string =>
  signedText('RELAY', {
    origin,
    relay,
    nonce,
    ...(login !== undefined && { key: login.key, relay_nonce: login.relayNonce }),
  }, 3)

/** What a message's `sig` covers in the first form; `ts` is the sender's own time in ms (`sig_ts` at the receiver). */
export const messageText = ({ to, content, ts }: { readonly to: string, readonly content: string, readonly ts: number }): string =>
  JSON.stringify({ to, content, ts })

/** A message as its second form covers it; fields that are absent are left out. */
export interface MessageTextV2 {
  /** agent id of the sender */
  readonly by: string
  /** `server_id` of the relay that orders the stream */
  readonly relay: string
  /** the bare name there: `#general`, `@8addfe276526c9f6` */
  readonly to: string
  readonly content: string
  /** the request's `id` (`pub_id` at the receiver) */
  readonly id?: string | undefined
  /** the sender's own time in ms (`sig_ts` at the receiver) */
  readonly ts: number
  /** 32 hex digits, new for each message */
  readonly nonce: string
  readonly in_reply_to?: string | undefined
  /** Fields of later versions are covered too. */
  readonly [field: string]: unknown
}

/**
 * What a message's `sig` covers in the second form (`sig_v: 2`): also who says it, at which relay, and a nonce.
 * @throws IdentityError on what has no exact JSON
 */
export const messageTextV2 = (message: MessageTextV2): string => {
  const { by, relay, to, content, id, ts, nonce, in_reply_to } = message
  const isPlain = Object.keys(message).every(isPlainField) && Number.isFinite(ts)
    && [by, relay, to, content, id, nonce, in_reply_to].every(isPlainText)
  // The same text: these fields in the order of their names, and strings and numbers as ECMAScript writes them.
  return isPlain
    ? `AGENTCHAT_MSG_V2|${JSON.stringify({ by, content, id, in_reply_to, nonce, relay, to, ts })}`
    : signedText('MSG', message)
}

const plainFields: ReadonlySet<string> = new Set(['by', 'relay', 'to', 'content', 'id', 'ts', 'nonce', 'in_reply_to'])
const isPlainField = (name: string): boolean => plainFields.has(name)
const isPlainText = (value: unknown): boolean => value === undefined || (typeof value === 'string' && !/\p{Surrogate}/u.test(value))

/** What a rotation names: the old key, the new one, and when. */
export interface RotationText {
  readonly old_pubkey: string
  readonly new_pubkey: string /** ISO 8601 */
  readonly timestamp: string
}

/** What the old key signs when it hands over to a new one. */
export const rotationText = ({ old_pubkey, new_pubkey, timestamp }: RotationText): string =>
  JSON.stringify({ old_pubkey, new_pubkey, timestamp })

/** What a revocation names. */
export interface RevocationText {
  readonly type: 'REVOCATION'
  readonly pubkey: string
  readonly agent_id: string
  readonly reason: string
  /** ISO 8601 */
  readonly timestamp: string
}

/** What a key signs to end itself. */
export const revocationText = ({ type, pubkey, agent_id, reason, timestamp }: RevocationText): string =>
  JSON.stringify({ type, pubkey, agent_id, reason, timestamp })
