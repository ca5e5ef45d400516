// The inbox: what waits for an agent with a key until it has received it; and what became of a message, for its sender.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelAddress, MsgId, Seq, TargetAddress, Time } from './fields.ts'
import { StoredEvent } from './messages.ts'

export const frames = {
  INBOX: signal({
    body: { items: z.array(z.object({ seq: Seq, event: StoredEvent })), more: z.boolean(), seq: Seq, cursor: z.optional(Seq) },
  }),
  READ: signal({
    body: { channel: z.optional(ChannelAddress), with: z.optional(AgentId), seq: Seq },
  }),
  UNREAD: signal({
    body: {
      channels: z.array(z.object({ channel: ChannelAddress, seq: Seq, read: Seq, unread: z.int(), mentions: z.optional(z.int()) })),
      direct: z.array(z.object({ with: AgentId, unread: z.int(), first: Seq })),
      partial: z.optional(z.literal(true)),
      more: z.optional(z.literal(true)),
    },
  }),
  STATUS: signal({
    body: {
      msg_id: MsgId,
      to: TargetAddress,
      stored_at: Time,
      expires_at: z.optional(Time),
      recipients: z.array(z.object({
        agent: AgentId,
        state: z.literal(['stored', 'offered', 'received', 'read', 'expired']),
        offered_at: z.optional(Time),
        received_at: z.optional(Time),
        read_at: z.optional(Time),
        expired_at: z.optional(Time),
        claimed_until: z.optional(Time),
        attempts: z.optional(z.int()),
        failed_at: z.optional(Time),
        failed_reason: z.optional(z.string()),
      })),
    },
  }),
}
