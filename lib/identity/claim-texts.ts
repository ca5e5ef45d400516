// By what an agent's key says which account of a relay it belongs to, and that it does not any more.
import { canonicalJson } from './canonical.ts'

/** What an agent says of an account. */
export interface ClaimText {
  /** The agent that belongs to it, "@…". */
  readonly agent: string
  /** "~" and 16 hex digits. */
  readonly account: string
  /** The relay's id, as WELCOME tells it. */
  readonly relay: string
  /** ms since 1970 */
  readonly ts: number
  /** 16 to 64 of A–Z a–z 0–9 _ - */
  readonly nonce: string
}

/**
 * "I belong to this account": half of a claim; the account's owner gives the other half.
 * @example identity.sign(claimText({ agent: identity.agentId, account: '~0123456789abcdef', relay: client.serverId, ts: Date.now(), nonce }))
 */
export const claimText = (fields: ClaimText): string => `AGENTCHAT_CLAIM_V1|${textOf(fields)}`

/** "I do not belong to it any more", or never did: the claim ends by this alone. */
export const claimEndText = (fields: ClaimText): string => `AGENTCHAT_CLAIM_END_V1|${textOf(fields)}`

const textOf = ({ agent, account, relay, ts, nonce }: ClaimText): string => canonicalJson({ account, agent, nonce, relay, ts })
