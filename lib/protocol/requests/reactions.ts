// What is asked about reactions.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress, MsgId, Time } from '../fields.ts'
import { limits } from '../limits.ts'

/** One sign or a short word: no space, no control character, none that is not seen or that turns the text around it. */
const Kind = z.string().check(
  z.minLength(1),
  z.maxLength(limits.maxReactionChars),
  z.regex(
    /^(?=.*[\p{L}\p{N}\p{P}\p{S}])[^\s\p{Cc}\p{Cs}\p{Co}\p{Cn}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]+$/u,
    'a reaction: one sign or a short word, without spaces',
  ),
)

const Reaction = { msg_id: MsgId, kind: Kind }

export const requests = {
  REACT: request('talk.write', {
    body: Reaction,
    cost: { message: true, frames: 4 },
    reply: 'REACTED',
  }),
  UNREACT: request('talk.write', {
    body: Reaction,
    cost: { message: true, needsRoom: false, frames: 4 },
    reply: 'REACTED',
  }),
  REACTIONS: request('talk.read', {
    body: {
      msg_id: z.optional(MsgId),
      kind: z.optional(Kind),
      after: z.optional(AgentId),
      channel: z.optional(ChannelAddress),
      with: z.optional(AgentId),
      since: z.optional(Time),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxAgentsPage))),
    },
    cost: { frames: 3 },
    reply: 'REACTIONS',
  }),
}
