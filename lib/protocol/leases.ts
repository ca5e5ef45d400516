// Leases: entries of an inbox that one worker of an agent holds for a time, so that several share its load.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { Lease, MsgId, Seq, Time } from './fields.ts'
import { StoredEvent } from './messages.ts'

export const frames = {
  CLAIMED: signal({
    body: {
      items: z.array(z.object({ seq: Seq, event: StoredEvent, lease: Lease, until: Time, attempt: z.int() })),
      more: z.boolean(),
      next_at: z.optional(Time),
    },
  }),
  LEASES: signal({
    body: {
      items: z.array(z.object({
        seq: Seq,
        msg_id: MsgId,
        state: z.literal(['held', 'waiting', 'done', 'failed']),
        attempts: z.int(),
        until: z.optional(Time),
        failed_at: z.optional(Time),
        reason: z.optional(z.string()),
      })),
      more: z.boolean(),
    },
  }),
}
