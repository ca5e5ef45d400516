// What is said of pinned messages.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelName, MsgId, Seq, Time } from './fields.ts'
import { StoredEvent } from './messages.ts'

export const frames = {
  PINNED: signal({
    body: { channel: ChannelName, msg_id: MsgId, seq: Seq, by: AgentId, removed: z.optional(z.literal(true)) },
  }),
  PINS: signal({
    body: {
      channel: ChannelName,
      list: z.array(z.object({ msg_id: MsgId, seq: Seq, by: AgentId, at: Time })),
      events: z.array(StoredEvent),
    },
  }),
}
