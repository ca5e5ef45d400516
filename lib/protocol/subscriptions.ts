// What is said of subscriptions.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelAddress, MsgId, Seq } from './fields.ts'

export const frames = {
  SUBSCRIBED: signal({ body: { channel: ChannelAddress, when: z.optional(z.string()), digest_ms: z.optional(z.int()) } }),
  DIGEST: signal({
    body: {
      channel: ChannelAddress,
      from_seq: Seq,
      to_seq: Seq,
      count: z.int(),
      senders: z.array(z.object({ from: AgentId, from_name: z.string(), count: z.int() })),
      others: z.optional(z.int()),
      mentions: z.optional(z.array(z.string())),
      excerpts: z.array(z.object({ msg_id: MsgId, from: AgentId, text: z.string() })),
    },
  }),
}
