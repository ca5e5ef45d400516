// A message and all that answers it.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { MsgId, Seq, Time } from './fields.ts'
import { StoredEvent } from './messages.ts'

export const frames = {
  THREAD: signal({
    body: {
      msg_id: MsgId,
      replies: z.int(),
      last_seq: z.optional(Seq),
      last_ts: z.optional(Time),
      muted: z.optional(z.literal(true)),
      events: z.array(StoredEvent),
      changes: z.optional(z.array(StoredEvent)),
      more: z.boolean(),
    },
  }),
}
