// Pages of stored events, both ways.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelAddress, Seq } from './fields.ts'
import { StoredEvent } from './messages.ts'

export const frames = {
  HISTORY: signal({
    body: {
      channel: z.optional(ChannelAddress),
      with: z.optional(AgentId),
      events: z.array(StoredEvent),
      more: z.boolean(),
      seq: Seq,
      oldest: Seq,
      epoch: z.string(),
    },
  }),
}
