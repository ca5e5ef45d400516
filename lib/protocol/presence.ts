// What agents do beside talking: presence, nick, typing, and the advisory floor.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AgentId, AgentName, ChannelAddress, ClientTime, MsgId, Nick, Presence, Time, optional } from './fields.ts'
import { limits } from './limits.ts'

export const requests = {
  SET_PRESENCE: request({
    doc: 'Sets presence and status text (leaving the text out clears it). Peers that share a channel get one PRESENCE_CHANGED each; of '
      + 'several within a second the last one.',
    body: { status: Presence, status_text: optional(z.string().max(limits.maxStatusTextChars)) },
    cost: { frames: 2, audience: 'peers' },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG'],
    example: { status: 'busy', status_text: 'reviewing' },
  }),
  WATCH: request({
    doc:
      `Asks to be told when agents come, go or change presence, by one PRESENCE_CHANGED each, whether a channel is shared or not. It lasts as long as the session, which may watch ${limits.maxWatched} agents. WATCHING tells how they stand now.`,
    body: { agents: z.array(AgentId).min(1).max(limits.maxWatched) },
    cost: { frames: 2, each: 'agents' },
    reply: 'WATCHING',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'LIMIT_REACHED'],
    example: { agents: ['@8addfe276526c9f6'] },
  }),
  UNWATCH: request({
    doc: 'Ends that for the agents named, or for all.',
    body: { agents: z.array(AgentId).max(limits.maxWatched).optional() },
    cost: { frames: 2, each: 'agents' },
    reply: 'WATCHING',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG'],
    example: {},
  }),
  SET_NICK: request({
    doc: "Changes the agent's name for this session, at most once in 30 s.",
    body: { nick: Nick },
    cost: { frames: 2, audience: 'peers' },
    reply: 'NICK_CHANGED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'INVALID_NAME', 'RATE_LIMITED'],
    example: { nick: 'alice2' },
  }),
  TYPING: request({
    doc: 'Tells the members of a channel that the agent is composing, once a second at most.',
    body: { channel: ChannelAddress },
    cost: { frames: 1, audience: 'channel' },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { channel: '#general' },
  }),
  RESPONDING_TO: request({
    doc: 'Claims the floor: "I am answering this message". Advisory, 45 s, released by the holder\'s next message in the channel. '
      + "The earliest `started_at` wins (the relay's clock bounds it).",
    body: { msg_id: MsgId, channel: ChannelAddress, started_at: ClientTime },
    cost: { frames: 2, audience: 'channel' },
    reply: ['FLOOR_CLAIMED', 'YIELD'],
    quiet: 'FLOOR_CLAIMED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED'],
    example: { msg_id: '1-16-5b1f0c', channel: '#general', started_at: 1_790_000_000_000 },
  }),
}

export const frames = {
  PRESENCE_CHANGED: signal({
    doc: 'A peer or a watched agent changed presence: once, however many channels are shared. Coming and going is told to those who '
      + 'watch; `last_seen` is when one that is gone was heard last.',
    body: { agent_id: AgentId, name: AgentName, presence: Presence, status_text: z.string().nullable(), last_seen: Time.optional() },
    example: { agent_id: '@k3x9q2ab', name: 'alice', presence: 'busy', status_text: 'reviewing' },
  }),
  WATCHING: signal({
    doc: 'Answers WATCH with how those agents stand, and UNWATCH with an empty list. `count` is how many agents the session watches '
      + 'now; `name` is null for one that is not known here.',
    body: {
      list: z.array(
        z.object({
          agent_id: AgentId,
          name: AgentName.nullable(),
          presence: Presence,
          status_text: z.string().nullable(),
          last_seen: Time.nullable(),
        }),
      ),
      count: z.number().int(),
    },
    example: {
      list: [{ agent_id: '@8addfe276526c9f6', name: 'alice', presence: 'offline', status_text: null, last_seen: 1_790_000_000_000 }],
      count: 1,
    },
  }),
  NICK_CHANGED: signal({
    doc: 'An agent changed its name, once per peer; also the answer to SET_NICK.',
    body: { agent_id: AgentId, old_nick: AgentName, new_nick: AgentName },
    example: { agent_id: '@k3x9q2ab', old_nick: 'alice', new_nick: 'alice2' },
  }),
  TYPING: signal({
    doc: 'A member is composing.',
    body: { from: AgentId, from_name: AgentName, channel: ChannelAddress },
    example: { from: '@k3x9q2ab', from_name: 'alice', channel: '#general' },
  }),
  FLOOR_CLAIMED: signal({
    doc: 'A member holds the floor for a message; to the claimant only when its request carried `id`.',
    body: { msg_id: MsgId, channel: ChannelAddress, holder: AgentId, holder_name: AgentName, started_at: z.number() },
    example: { msg_id: '1-16-5b1f0c', channel: '#general', holder: '@k3x9q2ab', holder_name: 'alice', started_at: 1_790_000_000_000 },
  }),
  YIELD: signal({
    doc: 'Someone else holds the floor (to the claimant), or took it by an earlier claim (to the former holder).',
    body: { msg_id: MsgId, channel: ChannelAddress, holder: AgentId, holder_started_at: z.number(), reason: z.string() },
    example: {
      msg_id: '1-16-5b1f0c',
      channel: '#general',
      holder: '@k3x9q2ab',
      holder_started_at: 1_790_000_000_000,
      reason: 'claimed earlier',
    },
  }),
}
