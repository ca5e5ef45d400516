// What was found of what was said.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelAddress, MsgId, Seq, Time } from './fields.ts'

/** A message that was found, and the piece of it that shows why. Each of `marks` is a place in that piece, and its length: UTF-16 units. */
const FoundMessage = z.object({
  channel: z.optional(ChannelAddress),
  with: z.optional(AgentId),
  msg_id: MsgId,
  edit_of: z.optional(MsgId),
  in_reply_to: z.optional(z.string()),
  seq: Seq,
  ts: Time,
  from: AgentId,
  from_name: z.string(),
  snippet: z.string(),
  at: Seq,
  chars: Seq,
  marks: z.array(z.array(Seq)),
})

export const frames = {
  FOUND: signal({ body: { results: z.array(FoundMessage), next: z.optional(z.string()), behind: z.optional(Seq) } }),
}
