// What is asked about presence.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress, MsgId, Presence } from '../fields.ts'
import { ClientTime, Nick, optional } from '../request-fields.ts'
import { limits } from '../limits.ts'

export const requests = {
  SET_PRESENCE: request('talk.write', {
    body: { status: Presence, status_text: optional(z.string().check(z.maxLength(limits.maxStatusTextChars))) },
    cost: { frames: 2, audience: 'peers' },
    reply: 'OK',
    quiet: 'OK',
  }),
  WATCH: request('people.read', {
    body: { agents: z.array(AgentId).check(z.minLength(1), z.maxLength(limits.maxWatched)) },
    cost: { frames: 2, each: 'agents' },
    reply: 'WATCHING',
  }),
  UNWATCH: request('people.read', {
    body: { agents: z.optional(z.array(AgentId).check(z.maxLength(limits.maxWatched))) },
    cost: { frames: 2, each: 'agents' },
    reply: 'WATCHING',
  }),
  SET_NICK: request('talk.write', {
    body: { nick: Nick },
    cost: { frames: 2, audience: 'peers' },
    reply: 'NICK_CHANGED',
  }),
  TYPING: request('talk.write', {
    body: { channel: ChannelAddress },
    cost: { frames: 1, audience: 'channel' },
    reply: 'OK',
    quiet: 'OK',
  }),
  RESPONDING_TO: request('channel.act', {
    body: { msg_id: MsgId, channel: ChannelAddress, started_at: ClientTime },
    cost: { frames: 2, audience: 'channel' },
    reply: ['FLOOR_CLAIMED', 'YIELD'],
    quiet: 'FLOOR_CLAIMED',
  }),
}
