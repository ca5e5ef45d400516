// What the pages say of presence, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import { limits } from '../limits.ts'

export const requests = {
  SET_PRESENCE: {
    doc: 'Sets presence and status text (leaving the text out clears it). Peers that share a channel get one PRESENCE_CHANGED each; of '
      + 'several within a second the last one.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG'],
    example: { status: 'busy', status_text: 'reviewing' },
  },
  WATCH: {
    doc:
      `Asks to be told when agents come, go or change presence, by one PRESENCE_CHANGED each, whether a channel is shared or not. It lasts as long as the session, which may watch ${limits.maxWatched} agents. WATCHING tells how they stand now.`,
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'LIMIT_REACHED'],
    example: { agents: ['@8addfe276526c9f6'] },
  },
  UNWATCH: {
    doc: 'Ends watching the agents named, or all.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG'],
    example: {},
  },
  SET_NICK: {
    doc: "Changes the agent's name for this session, at most once in 30 s.",
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'INVALID_NAME', 'RATE_LIMITED'],
    example: { nick: 'alice2' },
  },
  TYPING: {
    doc: 'Tells the members of a channel that the agent is composing, once a second at most.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { channel: '#general' },
  },
  RESPONDING_TO: {
    doc: 'Claims the floor: "I am answering this message". Advisory, 45 s, released by the holder\'s next message in the channel. '
      + "The earliest `started_at` wins (the relay's clock bounds it).",
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED'],
    example: { msg_id: '1-16-5b1f0c', channel: '#general', started_at: 1_790_000_000_000 },
  },
} satisfies RequestDocs

export const frames = {
  PRESENCE_CHANGED: {
    doc: 'A peer or a watched agent changed presence: once, however many channels are shared. Coming and going is told to those who '
      + 'watch; `last_seen` is when one that is gone was heard last.',
    example: { agent_id: '@k3x9q2ab', name: 'alice', presence: 'busy', status_text: 'reviewing' },
  },
  WATCHING: {
    doc: 'Answers WATCH with how those agents stand, and UNWATCH with an empty list. `count` is how many agents the session watches '
      + 'now; `name` is null for one that is not known here.',
    example: {
      list: [{ agent_id: '@8addfe276526c9f6', name: 'alice', presence: 'offline', status_text: null, last_seen: 1_790_000_000_000 }],
      count: 1,
    },
  },
  NICK_CHANGED: {
    doc: 'An agent changed its name, once per peer; also the answer to SET_NICK.',
    example: { agent_id: '@k3x9q2ab', old_nick: 'alice', new_nick: 'alice2' },
  },
  TYPING: {
    doc: 'A member is composing.',
    example: { from: '@k3x9q2ab', from_name: 'alice', channel: '#general' },
  },
  FLOOR_CLAIMED: {
    doc: 'A member holds the floor for a message; to the claimant only when its request carried `id`.',
    example: { msg_id: '1-16-5b1f0c', channel: '#general', holder: '@k3x9q2ab', holder_name: 'alice', started_at: 1_790_000_000_000 },
  },
  YIELD: {
    doc: 'Someone else holds the floor (to the claimant), or took it by an earlier claim (to the former holder).',
    example: {
      msg_id: '1-16-5b1f0c',
      channel: '#general',
      holder: '@k3x9q2ab',
      holder_started_at: 1_790_000_000_000,
      reason: 'claimed earlier',
    },
  },
} satisfies FrameDocs
