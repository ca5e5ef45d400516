// Budgets: what an agent, or a channel, may take in an hour.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelName, Seq, Time } from './fields.ts'

const of = { agent: z.optional(AgentId), channel: z.optional(ChannelName) }

export const frames = {
  BUDGET: signal({
    body: {
      ...of,
      limits: z.object({ messages: z.optional(Seq), bytes: z.optional(Seq), tokens: z.optional(Seq), wakes: z.optional(Seq) }),
      used: z.object({ messages: Seq, bytes: Seq, tokens: Seq, wakes: Seq }),
      resets_at: z.optional(Time),
    },
  }),
  BUDGET_WARNING: signal({
    body: { ...of, kind: z.literal(['messages', 'bytes', 'tokens', 'wakes']), used: Seq, limit: Seq, resets_at: Time },
  }),
}
