// What a relay signs of a stream: how far it is, and what is under it.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelName, Seq } from './fields.ts'

/** A node of a tree: SHA-256, base64. */
const Node = z.string()

export const frames = {
  HEAD: signal({
    body: {
      channel: z.optional(ChannelName),
      with: z.optional(AgentId),
      size: Seq,
      oldest: Seq,
      checkpoint: z.string(),
      consistency: z.optional(z.array(Node)),
      inclusion: z.optional(z.array(Node)),
    },
  }),
}
