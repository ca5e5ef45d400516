// What is asked about history.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress, Seq } from '../fields.ts'
import { limits } from '../limits.ts'

export const requests = {
  HISTORY: request('talk.read', {
    body: {
      channel: z.optional(ChannelAddress),
      with: z.optional(AgentId),
      before: z.optional(Seq),
      after: z.optional(Seq),
      reactions: z.optional(z.boolean()),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 2 },
    reply: 'HISTORY',
  }),
}
