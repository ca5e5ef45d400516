// Announcing a relay to a directory.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { ServerId, Time } from './fields.ts'

export const frames = {
  ANNOUNCED: signal({
    body: {
      server_id: ServerId,
      status: z.literal(['pending', 'listed']),
      expires_at: Time,
      problem: z.optional(z.string()),
    },
  }),
}
