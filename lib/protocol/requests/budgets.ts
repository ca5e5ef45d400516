// What is asked about budgets.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress } from '../fields.ts'
import { limits } from '../limits.ts'
import { AdminKey, optional } from '../request-fields.ts'

const Limit = z.optional(z.int().check(z.gte(1), z.lte(limits.maxBudget)))
const of = { admin_key: optional(AdminKey), agent: z.optional(AgentId), channel: z.optional(ChannelAddress) }

export const requests = {
  SET_BUDGET: request('budget.write', {
    body: { ...of, messages: Limit, bytes: Limit, tokens: Limit, wakes: Limit },
    cost: { frames: 5 },
    reply: 'BUDGET',
  }),
  BUDGET: request('budget.read', {
    body: of,
    cost: { frames: 2 },
    reply: 'BUDGET',
  }),
}
