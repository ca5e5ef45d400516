// What is said of reactions to messages.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelName, MsgId, Seq, Time } from './fields.ts'

const Place = { channel: z.optional(ChannelName), with: z.optional(AgentId) }
const sums = z.array(z.object({ kind: z.string(), count: z.int() }))

/** How a message stands. */
export const ReactedMessage = z.object({ msg_id: MsgId, seq: Seq, changed: Time, sums, mine: z.optional(z.array(z.string())) })

export const frames = {
  REACTED: signal({
    body: { ...Place, msg_id: MsgId, seq: Seq, changed: Time, sums, by: AgentId, kind: z.string(), removed: z.optional(z.literal(true)) },
  }),
  REACTIONS: signal({
    body: { ...Place, list: z.array(ReactedMessage), agents: z.optional(z.array(AgentId)), more: z.boolean() },
  }),
}
