// Pages of stored events, both ways.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelAddress, Seq, Time } from './fields.ts'
import { StoredEvent } from './messages.ts'
import { ReactedMessage } from './reactions.ts'

export const frames = {
  HISTORY: signal({
    body: {
      channel: z.optional(ChannelAddress),
      with: z.optional(AgentId),
      events: z.array(StoredEvent),
      changes: z.optional(z.array(StoredEvent)),
      threads: z.optional(z.array(z.object({ seq: Seq, replies: z.int(), last_seq: Seq, last_ts: Time }))),
      reactions: z.optional(z.array(ReactedMessage)),
      more: z.boolean(),
      seq: Seq,
      oldest: Seq,
      epoch: z.string(),
    },
  }),
}
