// What is asked about escrow.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentAddress, AgentId, Minor } from '../fields.ts'
import { AdminKey, optional, signed } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { Currency } from '../money.ts'

const Amount = Minor.check(z.gte(1))

const Note = z.string().check(z.maxLength(500))

export const requests = {
  BALANCE: request('deal.read', {
    body: {},
    cost: { frames: 4 },
    reply: 'BALANCE',
  }),
  TRANSFER: request('deal.spend', {
    body: { to: AgentAddress, currency: Currency, amount_minor: Amount, note: optional(Note), ...signed },
    cost: { message: true, frames: 10 },
    reply: 'BALANCE',
    quiet: 'BALANCE',
  }),
  STATEMENT: request('money.read', {
    body: {
      agent: z.optional(z.union([AgentId, z.literal('*')])),
      admin_key: optional(AdminKey),
      currency: z.optional(Currency),
      before: z.optional(z.int().check(z.gte(1))),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 3 },
    reply: 'STATEMENT',
  }),
  ADMIN_CREDIT: request('money.issue', {
    body: {
      admin_key: optional(AdminKey),
      agent_id: AgentId,
      currency: Currency,
      amount_minor: z.int().check(z.gte(-(2 ** 43 - 1)), z.lte(2 ** 43 - 1)),
      note: Note.check(z.minLength(1)),
      key: optional(z.string().check(z.minLength(1), z.maxLength(64))),
    },
    cost: { frames: 10 },
    reply: 'ADMIN_RESULT',
  }),
}
