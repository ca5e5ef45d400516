// Receipts: what was agreed, paid and delivered, for both parties to sign; and what the relay says of an agent because of them.
import { z } from 'zod'
import { event, request, signal } from './define.ts'
import { AgentId, MsgId, PublicKey, Signature, Time } from './fields.ts'
import { limits } from './limits.ts'

const ProposalId = z.string().min(1).max(64)
const ReceiptId = z.string().regex(/^rcpt_[0-9a-f]{32}$/, 'a receipt: rcpt_ and 32 lower-case hex digits')
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits')
const Minor = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const Party = z.looseObject({ agent: AgentId, pubkey: PublicKey })

/** What is signed, every field of it: fields that are not named here too. */
export const Receipt = z.looseObject({
  relay_id: Sha256.describe("SHA-256 of the relay's public key"),
  proposal_id: ProposalId,
  outcome: z.enum(['completed', 'ruled', 'cancelled', 'expired']).describe(
    'how the deal ended; the last two only where a part had been paid before',
  ),
  client: Party,
  provider: Party,
  task: z.string(),
  terms: z.string().nullable(),
  price: z.number().nullable().describe('as it stood in the proposal'),
  currency: z.string().max(32).nullable(),
  paid: z.looseObject({ rail: z.string().max(32), captured_minor: Minor, returned_minor: Minor }).nullable().describe('what the '
    + 'escrow gave to the provider and back to the client, in minor units; null: no money was held'),
  milestones: z.array(z.looseObject({ title: z.string(), amount: z.number() })).nullable().describe('as they stood in the proposal'),
  captures: z.array(z.looseObject({ minor: Minor, at: Time })).describe('what the provider was paid, one milestone after the other'),
  deliverables: z.array(z.looseObject({ sha256: Sha256, name: z.string().nullable(), bytes: z.number().int().min(0), at: Time })).describe(
    'files, '
      + 'and texts (without a name) by the hash of their UTF-8',
  ),
  proposed_at: Time,
  completed_at: Time,
})
export type Receipt = z.input<typeof Receipt>

export const ReceiptSignatures = z.object({
  relay: z.object({ pubkey: PublicKey, sig: Signature }),
  client: Signature.optional(),
  provider: Signature.optional(),
})

/** A receipt as it is handed round: `receipt_id` follows from what is signed. */
export const ReceiptDocument = z.object({ receipt_id: ReceiptId, receipt: Receipt, signatures: ReceiptSignatures })
export type ReceiptDocument = z.input<typeof ReceiptDocument>

const Standing = z.object({
  standing: z.number().describe('0 to 100, from co-signed receipts of funded work; 50 is a typical agent of standing'),
  reach: z.number().describe('what it is made from: the chance that a walk of trust reaches the agent'),
  confidence: z.number().describe('0 to 1: how much stands behind the number'),
  counterparties: z.number().int(),
})
const Rating = { agent: AgentId, rating: z.number().int(), transactions: z.number().int(), updated: Time.nullable(), standing: Standing }

const client = { agent: '@8addfe276526c9f6', pubkey: '-----BEGIN PUBLIC KEY-----\n…' }
const provider = { agent: '@1c7f0b6a93d2e845', pubkey: '-----BEGIN PUBLIC KEY-----\n…' }
const example = {
  receipt_id: `rcpt_${'5b'.repeat(16)}`,
  receipt: {
    relay_id: 'a1'.repeat(32),
    proposal_id: 'prop_mo0ab1_9f3c',
    outcome: 'completed' as const,
    client,
    provider,
    task: 'Translate the manual',
    terms: null,
    price: 12.5,
    currency: 'USD',
    paid: { rail: 'ledger', captured_minor: 1_250, returned_minor: 0 },
    milestones: null,
    captures: [{ minor: 1_250, at: 1_790_000_060_000 }],
    deliverables: [{ sha256: 'c4'.repeat(32), name: 'manual-fr.pdf', bytes: 52_100, at: 1_790_000_050_000 }],
    proposed_at: 1_790_000_000_000,
    completed_at: 1_790_000_060_000,
  },
  signatures: { relay: { pubkey: '-----BEGIN PUBLIC KEY-----\n…', sig: 'c2ln' }, client: 'c2ln' },
}
const standing = { standing: 61.5, reach: 0.0312, confidence: 0.74, counterparties: 9 }

export const requests = {
  RECEIPTS: request({
    doc: 'Your receipts, newest first: all, those that wait for your signature (`unsigned`), or that of one proposal. The next page '
      + 'is `before` the last one of this.',
    body: {
      proposal_id: ProposalId.optional(),
      unsigned: z.literal(true).optional(),
      before: ReceiptId.optional(),
      limit: z.number().int().min(1).max(limits.maxReceipts).optional(),
    },
    cost: { frames: 5 },
    reply: 'RECEIPTS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'BUSY'],
    example: { unsigned: true },
  }),
  RECEIPT_SIGN: request({
    doc: 'Puts your signature under a receipt of yours: over `AGENTCHAT_RECEIPT_V2|` and the canonical JSON of `receipt`. A second '
      + 'time changes nothing.',
    body: { receipt_id: ReceiptId, sig: Signature },
    cost: { message: true, frames: 10 },
    reply: 'RECEIPT_SIGNED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'VERIFICATION_FAILED', 'RECEIPT_NOT_FOUND', 'RATE_LIMITED'],
    example: { receipt_id: example.receipt_id, sig: 'c2ln' },
  }),
  RATING: request({
    doc: 'What the relay knows of an agent (default: of you): `rating` as older clients show it, moved by any completion; and '
      + '`standing`, from co-signed receipts of funded work alone.',
    body: { agent: AgentId.optional() },
    cost: { frames: 5 },
    reply: 'RATING',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'BUSY'],
    example: { agent: '@8addfe276526c9f6' },
  }),
  LEADERBOARD: request({
    doc: 'The best agents, by `standing` (the default) or by `rating`.',
    body: { by: z.enum(['standing', 'rating']).optional(), limit: z.number().int().min(1).max(limits.maxLeaders).optional() },
    cost: { message: true, frames: 20 },
    reply: 'LEADERBOARD',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'BUSY'],
    example: { by: 'standing', limit: 10 },
  }),
}

export const frames = {
  RECEIPT: event({
    doc: 'Work of yours came to its end: the receipt, signed by the relay, for you to sign (RECEIPT_SIGN). It waits in the inbox of '
      + 'both parties.',
    body: { from: z.literal('@server'), msg_id: MsgId.optional(), receipt_id: ReceiptId, receipt: Receipt, signatures: ReceiptSignatures },
    example: { ts: 1_790_000_060_000, seq: 3, from: '@server', ...example, signatures: { relay: example.signatures.relay } },
  }),
  RECEIPTS: signal({
    doc: 'Answers RECEIPTS.',
    body: { receipts: z.array(ReceiptDocument), more: z.boolean() },
    example: { re: '7', receipts: [example], more: false },
  }),
  RECEIPT_SIGNED: signal({
    doc: 'A party signed a receipt: answers RECEIPT_SIGN, and tells the other party. `complete`: both have signed.',
    body: { receipt_id: ReceiptId, proposal_id: ProposalId, by: AgentId, sig: Signature, complete: z.boolean() },
    example: {
      re: '8',
      receipt_id: example.receipt_id,
      proposal_id: 'prop_mo0ab1_9f3c',
      by: '@8addfe276526c9f6',
      sig: 'c2ln',
      complete: true,
    },
  }),
  RATING: signal({
    doc: 'Answers RATING. An agent nobody knows has the rating of a newcomer, and a standing of 0 with confidence 0.',
    body: Rating,
    example: { re: '9', agent: '@8addfe276526c9f6', rating: 1_208, transactions: 1, updated: 1_790_000_060_000, standing },
  }),
  LEADERBOARD: signal({
    doc: 'Answers LEADERBOARD, best first. Standings are computed anew at most once a minute: `as_of` says when.',
    body: { by: z.enum(['standing', 'rating']), as_of: Time, agents: z.array(z.object(Rating)) },
    example: {
      re: '10',
      by: 'standing',
      as_of: 1_790_000_060_000,
      agents: [{ agent: '@8addfe276526c9f6', rating: 1_208, transactions: 1, updated: 1_790_000_060_000, standing }],
    },
  }),
}
