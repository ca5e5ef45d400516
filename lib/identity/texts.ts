// The exact texts that are signed, one function each. A stranger never chooses a text: what goes into one is checked first.
import { IdentityError } from './pem.ts'

/** Whether a nonce may be signed: 32 hex digits and nothing else, so that it can never read as another text. */
export const isSafeNonce = (nonce: unknown): nonce is string => typeof nonce === 'string' && /^[0-9a-fA-F]{32}$/.test(nonce)

const part = (name: string, value: string): string => {
  if (!/^[A-Za-z0-9_.:-]{1,128}$/.test(value)) throw new IdentityError(`${name}: not safe to sign`)
  return value
}

export interface LoginText {
  readonly nonce: string
  readonly challengeId: string
  /** ms since 1970 */
  readonly timestamp: number
}

const login = (prefix: string, { nonce, challengeId, timestamp }: LoginText): string => {
  if (!isSafeNonce(nonce)) throw new IdentityError('nonce: not 32 hex digits; refusing to sign it')
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

/** What a message's `sig` covers; `ts` is the sender's own time in ms (`sig_ts` at the receiver). */
export const messageText = ({ to, content, ts }: { readonly to: string, readonly content: string, readonly ts: number }): string =>
  JSON.stringify({ to, content, ts })

export interface RotationText {
  readonly old_pubkey: string
  readonly new_pubkey: string /** ISO 8601 */
  readonly timestamp: string
}

/** What the old key signs when it hands over to a new one. */
export const rotationText = ({ old_pubkey, new_pubkey, timestamp }: RotationText): string =>
  JSON.stringify({ old_pubkey, new_pubkey, timestamp })

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
