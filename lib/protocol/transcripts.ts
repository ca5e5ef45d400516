// What a relay signs of a stream: how far it is, and what is under it.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { limits } from './limits.ts'
import { AgentId, ChannelAddress, Seq, Time } from './fields.ts'

/** A node of a tree: SHA-256, base64. */
const Node = z.string()

/** What an author had of the stream: how many events, and the root over them. */
export const Seen = z.object({ seq: Seq, root: z.string().check(z.regex(/^[A-Za-z0-9+/]{43}=$/, 'base64 of 32 bytes')) })

export const frames = {
  HEAD: signal({
    body: {
      channel: z.optional(ChannelAddress),
      with: z.optional(AgentId),
      size: Seq,
      oldest: Seq,
      checkpoint: z.string(),
      consistency: z.optional(z.array(Node)),
      inclusion: z.optional(z.array(Node)),
      peaks: z.optional(z.array(Node)),
      witnessed: z.optional(z.array(z.string()).check(z.maxLength(limits.maxWitnesses))),
      stale_since: z.optional(Time),
    },
  }),
  ERASURES: signal({ body: { channel: ChannelAddress, epoch: z.string(), seqs: z.array(Seq), upto: Seq, more: z.boolean() } }),
}
