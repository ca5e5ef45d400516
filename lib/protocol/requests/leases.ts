// What is asked about leases.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { Lease, Seq } from '../fields.ts'
import { limits } from '../limits.ts'

const LeaseMs = z.int().check(z.gte(1_000), z.lte(3_600_000))

export const requests = {
  CLAIM: request('inbox.take', {
    body: { lease_ms: z.optional(LeaseMs), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxClaimed))) },
    cost: { frames: 5 },
    reply: 'CLAIMED',
  }),
  EXTEND: request('inbox.take', {
    body: { lease: Lease, lease_ms: z.optional(LeaseMs) },
    cost: { frames: 2 },
    reply: 'OK',
    quiet: 'OK',
  }),
  DONE: request('inbox.take', {
    body: {
      lease: Lease,
      outcome: z.optional(z.literal(['read', 'failed'])),
      reason: z.optional(z.string().check(z.maxLength(limits.maxReasonChars))),
    },
    cost: { frames: 5 },
    reply: 'OK',
    quiet: 'OK',
  }),
  UNCLAIM: request('inbox.take', {
    body: { lease: Lease, delay_ms: z.optional(z.int().check(z.gte(0), z.lte(24 * 3_600_000))) },
    cost: { frames: 2 },
    reply: 'OK',
    quiet: 'OK',
  }),
  LEASES: request('inbox.take', {
    body: {
      state: z.optional(z.literal(['held', 'waiting', 'done', 'failed'])),
      after: z.optional(Seq),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxPage))),
    },
    cost: { frames: 2 },
    reply: 'LEASES',
  }),
  REQUEUE: request('inbox.take', {
    body: { seq: Seq },
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
  }),
  DROP: request('inbox.take', {
    body: { seq: Seq },
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
  }),
}
