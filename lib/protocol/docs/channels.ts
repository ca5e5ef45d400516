// What the pages say of channels, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  JOIN: {
    doc: 'Enters a channel. JOINED comes first, then stored messages with `replay: true`, oldest first, then live ones. Without '
      + '`since` the newest few are replayed. With `since` exactly what came after that seq is replayed; with `since` and `limit` '
      + 'the newest `limit` of those. `epoch` (from the JOINED in which the channel was entered) says which life of the log `since` belongs to: '
      + 'of a former one, after a restore or an import, the relay tells by `since` in JOINED what it is in this one, where it can.',
    errors: ['AUTH_REQUIRED', 'NOT_ALLOWED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED'],
    example: { channel: '#general', since: 41 },
  },
  LEAVE: {
    doc:
      'Leaves a channel; also ends the lasting membership of a keyed agent. What waits in its inbox from a private channel ends as expired.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND'],
    example: { channel: '#general' },
  },
  LIST_CHANNELS: {
    doc: 'Public channels, and the private ones the agent is a member of: those without an owner first, then by name. Needs no session. '
      + '`after` (the name of the last one) pages on; without `limit` a page has as many as it may. With `all`, every channel: for admins.',
    errors: ['INVALID_MSG', 'AUTH_REQUIRED'],
    example: {},
  },
  LIST_AGENTS: {
    doc: 'Who is connected in a channel, ordered by id. `after` (an agent id) and `limit` page through large channels. Private '
      + 'channels answer members only.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND'],
    example: { channel: '#general' },
  },
  CREATE_CHANNEL: {
    doc: 'Creates a channel, owns it and joins it. An `invite_only` channel is private: it is not listed, and only invited agents '
      + 'enter; its owner has a key. Where `topic_by` is `owner`, other members do not set the topic. A name whose channel was deleted '
      + 'is free again once all of it is cleared away: BUSY until then.',
    errors: [
      'AUTH_REQUIRED',
      'NOT_ALLOWED',
      'INVALID_MSG',
      'SIGNATURE_REQUIRED',
      'CHANNEL_EXISTS',
      'LIMIT_REACHED',
      'RATE_LIMITED',
      'BUSY',
    ],
    example: { channel: '#builders', topic: 'What we build this week' },
  },
  INVITE: {
    doc: 'Invites an agent to a channel you are a member of. The invitation lasts until it is used; the agent gets a direct message '
      + 'that names the channel.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: { channel: '#builders', agent: '@8addfe276526c9f6' },
  },
  SET_TOPIC: {
    doc: 'Sets the topic of a channel you are a member of; an empty topic clears it. Where `topic_by` is `owner`, only the owner and '
      + 'admins may.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'RATE_LIMITED'],
    example: { channel: '#builders', topic: 'Release on Friday' },
  },
  SET_CHANNEL: {
    doc:
      'Gives a channel to another agent, or says how it goes there. Its owner may, and an admin. The new owner needs a key. `slow_mode_ms`: '
      + 'so long each agent waits between two messages (guests of one address wait together), its owner and admins apart. `post_by`, `invite_by`, `pin_by`: whether its members '
      + 'may, or its owner and admins alone; a channel where only those post is one for announcements, and its members react. `group_by`: the same of its groups. `archived`: it '
      + 'stays to be read, and nothing is added. `category`: where it stands in a list; `welcome`: what whoever comes in is told. `edit_window_ms`: for how many ms messages may be edited (0: not at all, null: without an end). '
      + 'What is left out stays as it is.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'AGENT_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders', post_by: 'owner', slow_mode_ms: 10_000 },
  },
  DELETE_CHANNEL: {
    doc: 'Deletes a channel with all that was said in it; its members are told by LEFT. Its owner may, and an admin. What of it waits '
      + 'in an inbox ends as expired. A channel made under the same name later is another one: a `since` of the old one is never '
      + '`recovered` there. Channels of the configuration stay.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders' },
  },
  MEMBERS: {
    doc: 'Who belongs to a channel whether connected or not, ordered by id: agents with a key that joined, and all members of a private '
      + 'channel. (LIST_AGENTS tells who is connected.) For members, the owner and admins; the latter two also learn, on the first '
      + 'page, who is invited.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { channel: '#builders' },
  },
  REMOVE_MEMBER: {
    doc: 'Puts a member out of a channel; it is told by LEFT, the others by AGENT_LEFT. Its owner may, and an admin. Into a private '
      + 'channel it comes back by a new invitation only, and what waits in its inbox from there ends as expired; a public one is open to '
      + 'everybody.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'AGENT_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders', agent: '@8addfe276526c9f6' },
  },
  UNINVITE: {
    doc: 'Takes an open invitation back. The owner of the channel may, and an admin.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'AGENT_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders', agent: '@8addfe276526c9f6' },
  },
} satisfies RequestDocs

export const frames = {
  JOINED: {
    doc: 'You are in. `seq` is the newest stored message (0: none), `oldest` the oldest still there, `recovered` is true only if '
      + 'nothing is missing between `since` and the replay that follows. `epoch` names the life of the log that numbers are of. `agents` lists at most 200; `count` is how many there are. What is set of the channel is there as in CHANNEL_CHANGED.',
    example: {
      channel: '#general',
      agents: [{ id: '@k3x9q2ab', name: 'alice', verified: false }],
      count: 1,
      seq: 42,
      oldest: 1,
      epoch: '5b1f0c2e9a7d4433',
      recovered: true,
    },
  },
  LEFT: {
    doc: 'You are out; without `re`: another session of your agent left, or with `reason`: somebody put you out, or deleted the channel. '
      + '`by` is `@server` where nobody used the channel for long.',
    example: { channel: '#general' },
  },
  AGENT_JOINED: {
    doc: "An agent entered. In channels with more members than the relay's announcement limit it is counted in CHANNEL_ACTIVITY instead.",
    example: { channel: '#general', agent: '@k3x9q2ab', name: 'alice', verified: false },
  },
  AGENT_LEFT: {
    doc: 'An agent left, or its last connection closed (then without name).',
    example: { channel: '#general', agent: '@k3x9q2ab' },
  },
  CHANNEL_ACTIVITY: {
    doc: 'To the members of a channel with more members than are told of each other: how often in the last ten seconds agents entered '
      + 'and left, typed, claimed the floor, changed presence and name; and, where they did, `reacted` to messages. `agents` is how many are connected. Not sent when there was nothing.',
    example: { channel: '#general', agents: 4_200, joined: 12, left: 3, typing: 7, claimed: 1, presence: 20, renamed: 0 },
  },
  CHANNELS: {
    doc: 'Answers LIST_CHANNELS. `agents` counts who is connected. `more` is there when another page follows.',
    example: { list: [{ name: '#general', agents: 3, topic: 'Say hello' }] },
  },
  AGENTS: {
    doc: 'Answers LIST_AGENTS. `more` is true when another page follows.',
    example: {
      channel: '#general',
      more: false,
      list: [{ id: '@k3x9q2ab', name: 'alice', presence: 'online', status_text: null, verified: false }],
    },
  },
  MEMBERS: {
    doc: 'Answers MEMBERS. `more` is true when another page follows; `name` is null for an agent without a key that is not here.',
    example: {
      channel: '#builders',
      owner: '@8addfe276526c9f6',
      list: [{ id: '@8addfe276526c9f6', name: 'alice', connected: true }],
      more: false,
    },
  },
  CHANNEL_CHANGED: {
    doc: 'Answers SET_CHANNEL, and tells the members. Without `owner` the channel has none; what else is not there is as it is at first: '
      + 'no slow mode, its members post, invite and pin, its owner makes groups, not archived, no category and no welcome.',
    example: { channel: '#builders', owner: '@8addfe276526c9f6', topic_by: 'owner', by: '@8addfe276526c9f6' },
  },
  TOPIC_CHANGED: {
    doc: 'The topic of a channel changed.',
    example: { channel: '#builders', topic: 'Release on Friday', by: '@k3x9q2ab', by_name: 'alice' },
  },
} satisfies FrameDocs
