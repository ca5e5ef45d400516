// Receipts: what was agreed, paid and delivered, for both parties to sign; and what the relay says of an agent because of them.
import * as z from 'zod/mini'
import { event, signal } from './define.ts'
import { AgentId, MsgId, PublicKey, Signature, Time } from './fields.ts'

export const ProposalId = z.string().check(z.minLength(1), z.maxLength(64))
export const ReceiptId = z.string().check(z.regex(/^rcpt_[0-9a-f]{32}$/, 'a receipt: rcpt_ and 32 lower-case hex digits'))
const Sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits'))
const Minor = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER))
const Party = z.looseObject({ agent: AgentId, pubkey: PublicKey })

/** What is signed, every field of it: fields that are not named here too. */
export const Receipt = z.looseObject({
  relay_id: Sha256,
  proposal_id: ProposalId,
  outcome: z.literal(['completed', 'ruled', 'cancelled', 'expired']),
  client: Party,
  provider: Party,
  task: z.string(),
  terms: z.nullable(z.string()),
  price: z.nullable(z.number()),
  currency: z.nullable(z.string().check(z.maxLength(32))),
  paid: z.nullable(z.looseObject({ rail: z.string().check(z.maxLength(32)), captured_minor: Minor, returned_minor: Minor })),
  milestones: z.nullable(z.array(z.looseObject({ title: z.string(), amount: z.number() }))),
  captures: z.array(z.looseObject({ minor: Minor, at: Time })),
  deliverables: z.array(z.looseObject({ sha256: Sha256, name: z.nullable(z.string()), bytes: z.int().check(z.gte(0)), at: Time })),
  proposed_at: Time,
  completed_at: Time,
})
export type Receipt = z.input<typeof Receipt>

export const ReceiptSignatures = z.object({
  relay: z.object({ pubkey: PublicKey, sig: Signature }),
  client: z.optional(Signature),
  provider: z.optional(Signature),
})

/** A receipt as it is handed round: `receipt_id` follows from what is signed. */
export const ReceiptDocument = z.object({ receipt_id: ReceiptId, receipt: Receipt, signatures: ReceiptSignatures })
export type ReceiptDocument = z.input<typeof ReceiptDocument>

const Standing = z.object({
  standing: z.number(),
  reach: z.number(),
  confidence: z.number(),
  counterparties: z.int(),
})
const Rating = { agent: AgentId, rating: z.int(), transactions: z.int(), updated: z.nullable(Time), standing: Standing }

export const frames = {
  RECEIPT: event({
    body: { from: z.literal('@server'), msg_id: z.optional(MsgId), receipt_id: ReceiptId, receipt: Receipt, signatures: ReceiptSignatures },
  }),
  RECEIPTS: signal({
    body: { receipts: z.array(ReceiptDocument), more: z.boolean() },
  }),
  RECEIPT_SIGNED: signal({
    body: { receipt_id: ReceiptId, proposal_id: ProposalId, by: AgentId, sig: Signature, complete: z.boolean() },
  }),
  RATING: signal({
    body: Rating,
  }),
  LEADERBOARD: signal({
    body: { by: z.literal(['standing', 'rating']), as_of: Time, agents: z.array(z.object(Rating)) },
  }),
}
