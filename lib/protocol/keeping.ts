// How long things are kept, and taking back what one said.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelAddress } from './fields.ts'

export const Limit = z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER))

export const frames = {
  RETENTION: signal({
    body: { channel: ChannelAddress, age_ms: Limit, count: Limit, bytes: Limit },
  }),
  ERASED: signal({
    body: { agent: AgentId, events: z.int().check(z.gte(0)) },
  }),
}
