// Floors: whose it is to answer a message of a channel.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelName, MsgId, Time } from './fields.ts'

export const frames = {
  FLOOR: signal({
    body: {
      channel: ChannelName,
      msg_id: MsgId,
      state: z.literal(['held', 'answered', 'free']),
      holder: z.optional(AgentId),
      until: z.optional(Time),
      waiting: z.optional(z.literal(true)),
    },
  }),
}
