// What is asked about receipts.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, Signature } from '../fields.ts'
import { limits } from '../limits.ts'
import { ProposalId, ReceiptId } from '../receipts.ts'

export const requests = {
  RECEIPTS: request('deal.read', {
    body: {
      proposal_id: z.optional(ProposalId),
      unsigned: z.optional(z.literal(true)),
      before: z.optional(ReceiptId),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxReceipts))),
    },
    cost: { frames: 5 },
    reply: 'RECEIPTS',
  }),
  RECEIPT_SIGN: request('deal.write', {
    body: { receipt_id: ReceiptId, sig: Signature },
    cost: { message: true, frames: 10 },
    reply: 'RECEIPT_SIGNED',
  }),
  RATING: request('people.read', {
    body: { agent: z.optional(AgentId) },
    cost: { frames: 5 },
    reply: 'RATING',
  }),
  LEADERBOARD: request('people.read', {
    body: { by: z.optional(z.literal(['standing', 'rating'])), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxLeaders))) },
    cost: { message: true, frames: 20 },
    reply: 'LEADERBOARD',
  }),
}
