// What is asked about the transcript of a stream.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentAddress, ChannelAddress, Seq } from '../fields.ts'
import { limits } from '../limits.ts'
import { optional } from '../request-fields.ts'

export const requests = {
  HEAD: request('talk.read', {
    body: {
      channel: optional(ChannelAddress),
      with: optional(AgentAddress),
      from: optional(Seq),
      seq: optional(Seq),
      peaks: z.optional(z.literal(true)),
      witnessed: z.optional(z.literal(true)),
    },
    cost: { frames: 20 },
    reply: 'HEAD',
  }),
  COSIGN: request('link.witness', {
    body: { channel: ChannelAddress, checkpoint: z.string().check(z.maxLength(limits.maxCosignedChars)) },
    cost: { frames: 10 },
    reply: 'OK',
  }),
  ERASURES: request('talk.read', {
    body: { channel: ChannelAddress, after: optional(Seq) },
    cost: { frames: 2 },
    reply: 'ERASURES',
  }),
}
