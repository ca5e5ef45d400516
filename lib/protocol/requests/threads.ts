// What is asked about threads.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { MsgId, Seq } from '../fields.ts'
import { limits } from '../limits.ts'

export const requests = {
  THREAD: request('talk.read', {
    body: { msg_id: MsgId, after: z.optional(Seq), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))) },
    cost: { frames: 3 },
    reply: 'THREAD',
  }),
  MUTE_THREAD: request('talk.write', {
    body: { msg_id: MsgId, muted: z.optional(z.boolean()) },
    cost: { message: true, frames: 2 },
    reply: 'OK',
    quiet: 'OK',
  }),
}
