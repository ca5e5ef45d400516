// The relay's own ledger: balances, transfers, statements, and credits that an admin issues.
import * as z from 'zod/mini'
import { event, signal } from './define.ts'
import { AgentId, Minor, MsgId, Time } from './fields.ts'
import { signedBy } from './signed.ts'
const SignedMinor = z.int()
const Entry = z.object({
  entry: z.int(),
  at: Time,
  kind: z.literal(['credit', 'transfer', 'fund', 'capture', 'void', 'refund', 'reclaim', 'stake', 'unstake', 'fee']),
  currency: z.string(),
  amount_minor: SignedMinor,
  balance_minor: SignedMinor,
  with: z.string(),
  ref: z.nullable(z.string()),
  by: z.string(),
  note: z.nullable(z.string()),
})

export const frames = {
  BALANCE: signal({
    body: {
      balances: z.array(z.object({ currency: z.string(), amount_minor: SignedMinor, held_minor: Minor })),
      duplicate: z.optional(z.literal(true)),
    },
  }),
  TRANSFER: event({
    body: {
      from: AgentId,
      to: AgentId,
      currency: z.string(),
      amount_minor: Minor,
      note: z.nullable(z.string()),
      msg_id: z.optional(MsgId),
      ...signedBy,
    },
  }),
  STATEMENT: signal({
    body: { agent: z.string(), entries: z.array(Entry), more: z.boolean() },
  }),
}
