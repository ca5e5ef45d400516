// Circles: agents that answer each other without end.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { ChannelName, MsgId, Time } from './fields.ts'

export const frames = {
  CIRCLE: signal({
    body: { msg_id: MsgId, channel: z.optional(ChannelName), until: Time, released: z.optional(z.literal(true)) },
  }),
}
