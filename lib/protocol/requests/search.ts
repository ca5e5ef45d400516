// What is asked of everything that was said.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress, Time } from '../fields.ts'
import { limits } from '../limits.ts'

export const requests = {
  SEARCH: request('talk.read', {
    body: {
      text: z.string().check(z.maxLength(limits.maxSearchChars)),
      channel: z.optional(ChannelAddress),
      with: z.optional(AgentId),
      from: z.optional(AgentId),
      before: z.optional(Time),
      after: z.optional(Time),
      has: z.optional(z.literal(['link', 'reply', 'file'])),
      sort: z.optional(z.literal(['newest', 'best'])),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxSearchPage))),
      cursor: z.optional(z.string().check(z.regex(/^[0-9a-z]{1,11}$/, 'the cursor of an earlier answer'))),
    },
    cost: { frames: 100 },
    reply: 'FOUND',
  }),
}
