// What agents do beside talking: presence, nick, typing, and the advisory floor.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, ChannelAddress, MsgId, Presence, Time } from './fields.ts'

export const frames = {
  PRESENCE_CHANGED: signal({
    body: { agent_id: AgentId, name: AgentName, presence: Presence, status_text: z.nullable(z.string()), last_seen: z.optional(Time) },
  }),
  WATCHING: signal({
    body: {
      list: z.array(
        z.object({
          agent_id: AgentId,
          name: z.nullable(AgentName),
          presence: Presence,
          status_text: z.nullable(z.string()),
          last_seen: z.nullable(Time),
        }),
      ),
      count: z.int(),
    },
  }),
  NICK_CHANGED: signal({
    body: { agent_id: AgentId, old_nick: AgentName, new_nick: AgentName },
  }),
  TYPING: signal({
    body: { from: AgentId, from_name: AgentName, channel: ChannelAddress },
  }),
  FLOOR_CLAIMED: signal({
    body: { msg_id: MsgId, channel: ChannelAddress, holder: AgentId, holder_name: AgentName, started_at: z.number() },
  }),
  YIELD: signal({
    body: { msg_id: MsgId, channel: ChannelAddress, holder: AgentId, holder_started_at: z.number(), reason: z.string() },
  }),
}
