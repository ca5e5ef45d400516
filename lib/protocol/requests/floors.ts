// What is asked about floors.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { ChannelAddress, MsgId } from '../fields.ts'

export const requests = {
  CLAIM_FLOOR: request('talk.write', {
    body: {
      channel: ChannelAddress,
      msg_id: MsgId,
      hold_ms: z.optional(z.int().check(z.gte(1_000), z.lte(600_000))),
      wait: z.optional(z.boolean()),
    },
    cost: { frames: 5 },
    reply: 'FLOOR',
  }),
  LEAVE_FLOOR: request('talk.write', {
    body: { channel: ChannelAddress, msg_id: MsgId },
    cost: { frames: 4 },
    reply: 'OK',
    quiet: 'OK',
  }),
}
