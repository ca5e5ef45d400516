// Messages to channels and agents, and their acknowledgement.
import * as z from 'zod/mini'
import { event, signal } from './define.ts'
import { FileFacts } from './files.ts'
import { AgentId, ChannelName, MsgId, Seq, TargetAddress, Time } from './fields.ts'

/** A stored event inside a page: exactly what was sent when it was new. */
export const StoredEvent = z.looseObject({ type: z.string(), ts: Time, seq: z.optional(Seq) })

/** What changes a message: which one, and what its author signed. An edit has its number, and the hash of the text that it replaces. */
const Change = z.optional(z.object({
  of: MsgId,
  n: z.optional(z.int()),
  prev: z.optional(z.string()),
  kept: z.optional(z.literal(true)),
  sig: z.optional(z.string()),
  sig_ts: z.optional(z.number()),
  nonce: z.optional(z.string()),
  relay: z.optional(z.string()),
}))

export const frames = {
  MSG: event({
    body: {
      from: AgentId,
      from_name: z.string(),
      to: TargetAddress,
      content: z.string(),
      msg_id: z.optional(MsgId),
      verified: z.optional(z.boolean()),
      sig: z.optional(z.string()),
      sig_v: z.optional(z.int()),
      sig_ts: z.optional(z.number()),
      nonce: z.optional(z.string()),
      relay: z.optional(z.string()),
      pub_id: z.optional(z.string()),
      in_reply_to: z.optional(z.string()),
      seen: z.optional(z.object({ seq: Seq, root: z.string() })),
      thread: z.optional(MsgId),
      redacted: z.optional(z.literal(true)),
      erased: z.optional(z.literal(true)),
      hash: z.optional(z.string()),
      edit: Change,
      retract: Change,
      invite: z.optional(ChannelName),
      expires_at: z.optional(Time),
      stream: z.optional(z.string()),
      files: z.optional(z.array(FileFacts)),
    },
  }),
  ACK: signal({
    body: { msg_id: MsgId, to: TargetAddress, seq: Seq, duplicate: z.optional(z.literal(true)), pending: z.optional(z.literal(true)) },
  }),
  DELTA: signal({
    body: { from: AgentId, from_name: z.string(), to: TargetAddress, stream: z.string(), n: Seq, text: z.string() },
  }),
  FILE_CHUNK: signal({
    body: { from: AgentId, to: AgentId, content: z.string() },
  }),
}
