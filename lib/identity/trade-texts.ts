// The texts that are signed in trade. The second form covers every field, the signer, the relay, a time and a nonce; the third
// also the session it was said in; the first is what older clients sign.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalJson } from './canonical.ts'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/** Who signs what, where and when. */
export interface TradeStamp {
  /** agent id of the signer */
  readonly by: string
  /** the relay's identity (`server_id` of WELCOME) */
  readonly relay: string
  /** ms since 1970, the signer's clock */
  readonly ts: number
  /** 32 hex digits, never used twice */
  readonly nonce: string
  /** The session it is said in: with it the text is of the third form. */
  readonly session?: TradeSession | undefined
}

/** The session that a signature of the third form is good in. */
export interface TradeSession {
  /** whole fingerprint of the signer's key */
  readonly key: string
  /** scheme, host and port that the signer dialled, as `originOf` spells it */
  readonly origin: string
  /** the relay's nonce, of the CHALLENGE that opened the session */
  readonly relayNonce: string
}

/** Fields that are null count as missing, as they do on the wire. */
const stated = (fields: Readonly<Record<string, Json | undefined>>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

/**
 * The second form of every signed text in trade; with `session` the third.
 * @example identity.sign(tradeText('ACCEPT', { proposal_id }, { by: identity.agentId, relay: welcome.server_id, ts: Date.now(), nonce }))
 */
export const tradeText = (
  action: string,
  fields: Readonly<Record<string, Json | undefined>>,
  { by, relay, ts, nonce, session }: TradeStamp,
): string => {
  if (session === undefined) return `AGENTCHAT_TRADE_V2|${canonicalJson([action, stated(fields), { by, relay, ts, nonce }])}`
  const { key, origin, relayNonce } = session
  return `AGENTCHAT_TRADE_V3|${canonicalJson([action, stated(fields), { by, key, relay, origin, ts, nonce, relay_nonce: relayNonce }])}`
}

/** The first form: parts joined by `|`; null, 0 and what is missing are empty. It names no signer, no relay and no time. */
const joined = (...parts: readonly (string | number | null | undefined)[]): string =>
  parts.map(part => part === undefined || part === null || part === 0 ? '' : String(part)).join('|')

/** What older clients sign of an offer. */
export interface OldProposal {
  readonly to: string
  readonly task: string
  readonly amount?: number | undefined
  readonly currency?: string | undefined
  readonly payment_code?: string | undefined
  readonly expires?: number | undefined
  readonly elo_stake?: number | undefined
}

/** What older clients sign, per action. */
export const oldTradeTexts = {
  PROPOSAL: ({ to, task, amount, currency, payment_code, expires, elo_stake }: OldProposal): string =>
    joined(to, task, amount, currency, payment_code, expires, elo_stake),
  ACCEPT: (
    { proposal_id, payment_code, elo_stake }: {
      readonly proposal_id: string
      readonly payment_code?: string | undefined
      readonly elo_stake?: number | undefined
    },
  ): string => joined('ACCEPT', proposal_id, payment_code, elo_stake),
  REJECT: ({ proposal_id, reason }: { readonly proposal_id: string, readonly reason?: string | undefined }): string =>
    joined('REJECT', proposal_id, reason),
  COMPLETE: ({ proposal_id, proof }: { readonly proposal_id: string, readonly proof?: string | undefined }): string =>
    joined('COMPLETE', proposal_id, proof),
  DISPUTE: ({ proposal_id, reason }: { readonly proposal_id: string, readonly reason: string }): string =>
    joined('DISPUTE', proposal_id, reason),
  DISPUTE_INTENT: (
    { proposal_id, reason, commitment }: { readonly proposal_id: string, readonly reason: string, readonly commitment: string },
  ): string => joined('DISPUTE_INTENT', proposal_id, reason, commitment),
  DISPUTE_REVEAL: ({ proposal_id, nonce }: { readonly proposal_id: string, readonly nonce: string }): string =>
    joined('DISPUTE_REVEAL', proposal_id, nonce),
  /** It does not cover the statement. */
  EVIDENCE: ({ dispute_id, items }: { readonly dispute_id: string, readonly items: readonly unknown[] }): string =>
    joined('EVIDENCE', dispute_id, bytesToHex(sha256(utf8ToBytes(JSON.stringify(items))))),
  ARBITER_ACCEPT: ({ dispute_id }: { readonly dispute_id: string }): string => joined('ARBITER_ACCEPT', dispute_id),
  ARBITER_DECLINE: ({ dispute_id, reason }: { readonly dispute_id: string, readonly reason?: string | undefined }): string =>
    joined('ARBITER_DECLINE', dispute_id, reason),
  /** It does not cover the reasoning. */
  VOTE: ({ dispute_id, verdict }: { readonly dispute_id: string, readonly verdict: string }): string => joined('VOTE', dispute_id, verdict),
} as const
