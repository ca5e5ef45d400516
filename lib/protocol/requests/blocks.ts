// What is asked about blocks.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId } from '../fields.ts'
import { limits } from '../limits.ts'

const body = { agent: AgentId }

export const requests = {
  BLOCK: request('talk.write', {
    body,
    cost: { frames: 2 },
    reply: 'OK',
    quiet: 'OK',
  }),
  UNBLOCK: request('talk.write', {
    body,
    cost: { frames: 2 },
    reply: 'OK',
    quiet: 'OK',
  }),
  BLOCKS: request('talk.read', {
    body: { after: z.optional(AgentId), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxAgentsPage))) },
    cost: { frames: 2 },
    reply: 'BLOCKS',
  }),
}
