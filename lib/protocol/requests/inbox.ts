// What is asked about inbox.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress, MsgId, Seq } from '../fields.ts'
import { limits } from '../limits.ts'

const Place = { seq: z.optional(Seq), msg_id: z.optional(MsgId) }

export const requests = {
  INBOX: request('inbox.take', {
    body: { since: z.optional(Seq), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))) },
    cost: { frames: 2 },
    reply: 'INBOX',
  }),
  RECEIVED: request('inbox.take', {
    body: Place,
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
  }),
  READ: request('inbox.take', {
    body: { ...Place, channel: z.optional(ChannelAddress), with: z.optional(AgentId) },
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
  }),
  UNREAD: request('talk.read', {
    body: { after: z.optional(ChannelAddress), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxChannelsPage))) },
    cost: { frames: 5 },
    reply: 'UNREAD',
  }),
  STATUS: request('talk.read', {
    body: { msg_id: MsgId },
    cost: { frames: 2 },
    reply: 'STATUS',
  }),
}
