// What is asked about messages.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentAddress, Hex32, RequestId, Seq, Signature, TargetAddress } from '../fields.ts'
import { ClientTime, Content, optional } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { Seen } from '../transcripts.ts'
import { FileRef } from './files.ts'

export const requests = {
  MSG: request('talk.write', {
    body: {
      to: TargetAddress,
      content: Content,
      id: z.optional(RequestId),
      sig: optional(Signature),
      sig_v: z.optional(z.literal(2)),
      ts: optional(ClientTime),
      nonce: z.optional(Hex32),
      in_reply_to: optional(z.string().check(z.maxLength(256))),
      ttl_ms: z.optional(z.int().check(z.gte(1), z.lte(limits.maxTtlMs))),
      receipts: z.optional(z.boolean()),
      stream: z.optional(RequestId),
      floor: z.optional(z.literal(true)),
      seen: z.optional(Seen),
      files: z.optional(z.array(FileRef).check(z.minLength(1), z.maxLength(limits.maxFiles))),
    },
    cost: { message: true, frames: 1, audience: 'here' },
    reply: 'ACK',
    quiet: 'ACK',
  }),
  DELTA: request('talk.write', {
    body: { to: TargetAddress, stream: RequestId, n: Seq, text: z.string().check(z.maxLength(limits.maxPieceChars)) },
    cost: { piece: true, needsRoom: false, frames: 1, audience: 'target' },
    reply: 'OK',
    quiet: 'OK',
  }),
  FILE_CHUNK: request('talk.write', {
    body: { to: AgentAddress, content: Content },
    cost: { message: true, needsRoom: false, frames: 1 },
    reply: 'OK',
    quiet: 'OK',
  }),
}
