// The relay's own ledger: balances, transfers, statements, and credits that an admin issues.
import { z } from 'zod'
import { event, request, signal } from './define.ts'
import { AdminKey, AgentAddress, AgentId, MsgId, Time, optional } from './fields.ts'
import { limits } from './limits.ts'
import { Currency, Minor } from './money.ts'
import { exampleSigned, exampleSignedBy, signed, signedBy } from './signed.ts'

const Amount = Minor.min(1)
const Note = z.string().max(500)
const SignedMinor = z.number().int().describe('minor units; negative: out of the account')
const Entry = z.object({
  entry: z.number().int(),
  at: Time,
  kind: z.enum(['credit', 'transfer', 'fund', 'capture', 'void', 'refund', 'reclaim', 'stake', 'unstake', 'fee']),
  currency: z.string(),
  amount_minor: SignedMinor,
  balance_minor: SignedMinor,
  with: z.string().describe("the other account: an agent, `!` and a proposal's id for what it holds, or `*` where money is issued"),
  ref: z.string().nullable(),
  by: z.string(),
  note: z.string().nullable(),
})
const exampleEntry = {
  entry: 12,
  at: 1_790_000_000_000,
  kind: 'credit' as const,
  currency: 'USD',
  amount_minor: 5_000,
  balance_minor: 5_000,
  with: '*',
  ref: null,
  by: '@server',
  note: 'paid by card',
}

export const requests = {
  BALANCE: request({
    doc: 'What your account holds, per currency. Elo is there once some of it is staked: `held_minor` of it is.',
    body: {},
    cost: { frames: 4 },
    reply: 'BALANCE',
    errors: ['AUTH_REQUIRED', 'SIGNATURE_REQUIRED'],
    example: {},
  }),
  TRANSFER: request({
    doc: "Moves money to another agent's account. With `id` a repeat moves nothing twice.",
    body: { to: AgentAddress, currency: Currency, amount_minor: Amount, note: optional(Note), ...signed },
    cost: { message: true, frames: 10 },
    reply: 'BALANCE',
    quiet: 'BALANCE',
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'SIGNATURE_REQUIRED',
      'VERIFICATION_FAILED',
      'VERIFICATION_EXPIRED',
      'RATE_LIMITED',
      'AGENT_NOT_FOUND',
      'INSUFFICIENT_FUNDS',
      'ID_REUSED',
      'STORAGE_UNAVAILABLE',
    ],
    example: {
      to: '@8addfe276526c9f6',
      currency: 'USD',
      amount_minor: 1_250,
      ...exampleSigned,
    },
  }),
  STATEMENT: request({
    doc: 'The entries of your account, newest first; `before` (an entry number) pages on. An admin may name another `agent`, or `*`: '
      + 'all that was ever issued.',
    body: {
      agent: z.union([AgentId, z.literal('*')]).optional(),
      admin_key: optional(AdminKey),
      currency: Currency.optional(),
      before: z.number().int().min(1).optional(),
      limit: z.number().int().min(1).max(limits.maxPage).optional(),
    },
    cost: { frames: 3 },
    reply: 'STATEMENT',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'RATE_LIMITED'],
    example: { currency: 'USD', limit: 20 },
  }),
  ADMIN_CREDIT: request({
    doc: "Puts money into an agent's account (a negative amount takes it out, as far as it is there), with a note for the audit. "
      + '`key` makes a repeat harmless.',
    body: {
      admin_key: optional(AdminKey),
      agent_id: AgentId,
      currency: Currency,
      amount_minor: z.number().int().min(-(2 ** 43 - 1)).max(2 ** 43 - 1),
      note: Note.min(1),
      key: optional(z.string().min(1).max(64)),
    },
    cost: { frames: 10 },
    reply: 'ADMIN_RESULT',
    errors: ['INVALID_MSG', 'AUTH_REQUIRED', 'AGENT_NOT_FOUND', 'INSUFFICIENT_FUNDS', 'ID_REUSED', 'RATE_LIMITED'],
    example: {
      admin_key: "the relay's admin key",
      agent_id: '@8addfe276526c9f6',
      currency: 'USD',
      amount_minor: 5_000,
      note: 'paid by card',
      key: 'invoice-17',
    },
  }),
}

export const frames = {
  BALANCE: signal({
    doc: 'Answers BALANCE, and TRANSFER. `held_minor` is what the account has in escrow or at stake beside it.',
    body: {
      balances: z.array(z.object({ currency: z.string(), amount_minor: SignedMinor, held_minor: Minor })),
      duplicate: z.literal(true).optional(),
    },
    example: { re: '7', balances: [{ currency: 'USD', amount_minor: 5_000, held_minor: 0 }] },
  }),
  TRANSFER: event({
    doc: 'Money came from another agent, or went to one.',
    body: {
      from: AgentId,
      to: AgentId,
      currency: z.string(),
      amount_minor: Minor,
      note: z.string().nullable(),
      msg_id: MsgId.optional(),
      ...signedBy,
    },
    example: {
      from: '@k3x9q2ab',
      to: '@8addfe276526c9f6',
      currency: 'USD',
      amount_minor: 1_250,
      note: null,
      ...exampleSignedBy,
      seq: 1,
    },
  }),
  STATEMENT: signal({
    doc: 'Answers STATEMENT. `more` is true when another page follows.',
    body: { agent: z.string(), entries: z.array(Entry), more: z.boolean() },
    example: { re: '7', agent: '@8addfe276526c9f6', entries: [exampleEntry], more: false },
  }),
}
