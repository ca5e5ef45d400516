// Channels: joining, leaving, listing, creating, inviting, topics.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AdminKey, AgentId, AgentName, ChannelAddress, ChannelName, Description, Presence, Seq, Time, Topic, optional } from './fields.ts'
import { limits } from './limits.ts'

const ListedAgent = z.object({ id: AgentId, name: AgentName, verified: z.boolean() })
const Owner = AgentId.describe('who may delete it and put members out, beside admins; left out: only they')
const TopicBy = z.enum(['members', 'owner'])
const OfOwner = { admin_key: optional(AdminKey), channel: ChannelAddress }

export const requests = {
  JOIN: request({
    doc: 'Enters a channel. JOINED comes first, then stored messages with `replay: true`, oldest first, then live ones. Without '
      + '`since` the newest few are replayed. With `since` exactly what came after that seq is replayed; with `since` and `limit` '
      + 'the newest `limit` of those. `epoch` (from the JOINED in which the channel was entered) says which life of the log `since` belongs to: '
      + 'of a former one, after a restore or an import, the relay tells by `since` in JOINED what it is in this one, where it can.',
    body: {
      channel: ChannelAddress,
      since: Seq.optional(),
      limit: z.number().int().min(0).max(100_000).optional(),
      epoch: z.string().max(64).optional(),
    },
    cost: { frames: 4, audience: 'channel' },
    reply: 'JOINED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED'],
    example: { channel: '#general', since: 41 },
  }),
  LEAVE: request({
    doc: 'Leaves a channel; also ends the lasting membership of a keyed agent.',
    body: { channel: ChannelAddress },
    cost: { frames: 2, audience: 'channel' },
    reply: 'LEFT',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND'],
    example: { channel: '#general' },
  }),
  LIST_CHANNELS: request({
    doc: 'Public channels, and the private ones the agent is a member of: those without an owner first, then by name. Needs no session. '
      + '`after` (the name of the last one) pages on; without `limit` a page has as many as it may. With `all`, every channel: for admins.',
    body: {
      after: ChannelName.optional(),
      limit: z.number().int().min(1).max(limits.maxChannelsPage).optional(),
      all: z.literal(true).optional(),
      admin_key: optional(AdminKey),
    },
    cost: { frames: 2 },
    reply: 'CHANNELS',
    errors: ['INVALID_MSG', 'AUTH_REQUIRED'],
    example: {},
  }),
  LIST_AGENTS: request({
    doc: 'Who is connected in a channel, ordered by id. `after` (an agent id) and `limit` page through large channels. Private '
      + 'channels answer members only.',
    body: { channel: ChannelAddress, after: AgentId.optional(), limit: z.number().int().min(1).max(limits.maxAgentsPage).optional() },
    cost: { frames: 2 },
    reply: 'AGENTS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND'],
    example: { channel: '#general' },
  }),
  CREATE_CHANNEL: request({
    doc: 'Creates a channel, owns it and joins it. An `invite_only` channel is private: it is not listed, and only invited agents '
      + 'enter; its owner has a key. Where `topic_by` is `owner`, other members do not set the topic. A name whose channel was deleted '
      + 'is free again once all of it is cleared away: BUSY until then.',
    body: {
      channel: ChannelAddress,
      invite_only: z.boolean().optional(),
      verified_only: z.boolean().optional(),
      topic: Topic.optional(),
      description: Description.optional(),
      topic_by: TopicBy.optional(),
    },
    cost: { message: true, frames: 5 },
    reply: 'JOINED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'CHANNEL_EXISTS', 'LIMIT_REACHED', 'RATE_LIMITED', 'BUSY'],
    example: { channel: '#builders', topic: 'What we build this week' },
  }),
  INVITE: request({
    doc: 'Invites an agent to a channel you are a member of. The invitation lasts until it is used; the agent gets a direct message '
      + 'that names the channel.',
    body: { channel: ChannelAddress, agent: AgentId },
    cost: { message: true, frames: 5 },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: { channel: '#builders', agent: '@8addfe276526c9f6' },
  }),
  SET_TOPIC: request({
    doc: 'Sets the topic of a channel you are a member of; an empty topic clears it. Where `topic_by` is `owner`, only the owner and '
      + 'admins may.',
    body: { channel: ChannelAddress, topic: Topic },
    cost: { message: true, frames: 2, audience: 'members' },
    reply: 'TOPIC_CHANGED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'RATE_LIMITED'],
    example: { channel: '#builders', topic: 'Release on Friday' },
  }),
  SET_CHANNEL: request({
    doc: 'Gives a channel to another agent, or says who may set its topic. Its owner may, and an admin. The new owner needs a key.',
    body: { ...OfOwner, owner: AgentId.optional(), topic_by: TopicBy.optional() },
    cost: { message: true, frames: 2, audience: 'members' },
    reply: 'CHANNEL_CHANGED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'AGENT_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders', topic_by: 'owner' },
  }),
  DELETE_CHANNEL: request({
    doc: 'Deletes a channel with all that was said in it; its members are told by LEFT. Its owner may, and an admin. What of it waits '
      + 'in an inbox ends as expired. A channel made under the same name later is another one: a `since` of the old one is never '
      + '`recovered` there. Channels of the configuration stay.',
    body: OfOwner,
    cost: { message: true, needsRoom: false, frames: 20, audience: 'members' },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders' },
  }),
  MEMBERS: request({
    doc: 'Who belongs to a channel whether connected or not, ordered by id: agents with a key that joined, and all members of a private '
      + 'channel. (LIST_AGENTS tells who is connected.) For members, the owner and admins; the latter two also learn, on the first '
      + 'page, who is invited.',
    body: {
      ...OfOwner,
      after: AgentId.optional(),
      limit: z.number().int().min(1).max(limits.maxAgentsPage).optional(),
    },
    cost: { frames: 3 },
    reply: 'MEMBERS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { channel: '#builders' },
  }),
  REMOVE_MEMBER: request({
    doc: 'Puts a member out of a channel; it is told by LEFT, the others by AGENT_LEFT. Its owner may, and an admin. Into a private '
      + 'channel it comes back by a new invitation only; a public one is open to everybody.',
    body: { ...OfOwner, agent: AgentId },
    cost: { message: true, needsRoom: false, frames: 3, audience: 'channel' },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'AGENT_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders', agent: '@8addfe276526c9f6' },
  }),
  UNINVITE: request({
    doc: 'Takes an open invitation back. The owner of the channel may, and an admin.',
    body: { ...OfOwner, agent: AgentId },
    cost: { message: true, needsRoom: false, frames: 2 },
    reply: 'OK',
    quiet: 'OK',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'AGENT_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#builders', agent: '@8addfe276526c9f6' },
  }),
}

export const frames = {
  JOINED: signal({
    doc: 'You are in. `seq` is the newest stored message (0: none), `oldest` the oldest still there, `recovered` is true only if '
      + 'nothing is missing between `since` and the replay that follows. `epoch` names the life of the log that numbers are of. `agents` lists at most 200; `count` is how many there are.',
    body: {
      channel: ChannelAddress,
      agents: z.array(ListedAgent),
      count: z.number().int(),
      seq: Seq,
      oldest: Seq,
      epoch: z.string(),
      recovered: z.boolean(),
      since: Seq.optional().describe('of a `since` of a former life: what it is in this one, and what `recovered` is about'),
      topic: z.string().optional(),
      description: z.string().optional(),
      owner: Owner.optional(),
      topic_by: z.literal('owner').optional(),
    },
    example: {
      channel: '#general',
      agents: [{ id: '@k3x9q2ab', name: 'alice', verified: false }],
      count: 1,
      seq: 42,
      oldest: 1,
      epoch: '5b1f0c2e9a7d4433',
      recovered: true,
    },
  }),
  LEFT: signal({
    doc: 'You are out; without `re`: another session of your agent left, or with `reason`: somebody put you out, or deleted the channel. '
      + '`by` is `@server` where nobody used the channel for long.',
    body: { channel: ChannelAddress, reason: z.enum(['removed', 'deleted']).optional(), by: AgentId.optional() },
    example: { channel: '#general' },
  }),
  AGENT_JOINED: signal({
    doc: "An agent entered. In channels with more members than the relay's announcement limit it is counted in CHANNEL_ACTIVITY instead.",
    body: { channel: ChannelAddress, agent: AgentId, name: AgentName, verified: z.boolean() },
    example: { channel: '#general', agent: '@k3x9q2ab', name: 'alice', verified: false },
  }),
  AGENT_LEFT: signal({
    doc: 'An agent left, or its last connection closed (then without name).',
    body: { channel: ChannelAddress, agent: AgentId, name: AgentName.optional() },
    example: { channel: '#general', agent: '@k3x9q2ab' },
  }),
  CHANNEL_ACTIVITY: signal({
    doc: 'To the members of a channel with more members than are told of each other: how often in the last ten seconds agents entered '
      + 'and left, typed, claimed the floor, changed presence and name. `agents` is how many are connected. Not sent when there was nothing.',
    body: {
      channel: ChannelAddress,
      agents: z.number().int(),
      joined: z.number().int(),
      left: z.number().int(),
      typing: z.number().int(),
      claimed: z.number().int(),
      presence: z.number().int(),
      renamed: z.number().int(),
    },
    example: { channel: '#general', agents: 4_200, joined: 12, left: 3, typing: 7, claimed: 1, presence: 20, renamed: 0 },
  }),
  CHANNELS: signal({
    doc: 'Answers LIST_CHANNELS. `agents` counts who is connected. `more` is there when another page follows.',
    body: {
      list: z.array(z.object({
        name: ChannelName,
        agents: z.number().int(),
        verifiedOnly: z.literal(true).optional(),
        private: z.literal(true).optional(),
        topic: z.string().optional(),
        description: z.string().optional(),
        owner: Owner.optional(),
        seq: Seq.optional(),
      })),
      more: z.literal(true).optional(),
    },
    example: { list: [{ name: '#general', agents: 3, topic: 'Say hello' }] },
  }),
  AGENTS: signal({
    doc: 'Answers LIST_AGENTS. `more` is true when another page follows.',
    body: {
      channel: ChannelAddress,
      more: z.boolean(),
      owner: Owner.optional(),
      list: z.array(
        z.object({ id: AgentId, name: AgentName, presence: Presence, status_text: z.string().nullable(), verified: z.boolean() }),
      ),
    },
    example: {
      channel: '#general',
      more: false,
      list: [{ id: '@k3x9q2ab', name: 'alice', presence: 'online', status_text: null, verified: false }],
    },
  }),
  MEMBERS: signal({
    doc: 'Answers MEMBERS. `more` is true when another page follows; `name` is null for an agent without a key that is not here.',
    body: {
      channel: ChannelAddress,
      owner: Owner.optional(),
      list: z.array(z.object({ id: AgentId, name: AgentName.nullable(), connected: z.boolean() })),
      more: z.boolean(),
      invited: z.array(z.object({ id: AgentId, by: AgentId, at: Time })).optional(),
    },
    example: {
      channel: '#builders',
      owner: '@8addfe276526c9f6',
      list: [{ id: '@8addfe276526c9f6', name: 'alice', connected: true }],
      more: false,
    },
  }),
  CHANNEL_CHANGED: signal({
    doc: 'Answers SET_CHANNEL, and tells the members. Without `owner` the channel has none.',
    body: { channel: ChannelAddress, owner: Owner.optional(), topic_by: TopicBy, by: AgentId },
    example: { channel: '#builders', owner: '@8addfe276526c9f6', topic_by: 'owner', by: '@8addfe276526c9f6' },
  }),
  TOPIC_CHANGED: signal({
    doc: 'The topic of a channel changed.',
    body: { channel: ChannelAddress, topic: z.string(), by: AgentId, by_name: AgentName },
    example: { channel: '#builders', topic: 'Release on Friday', by: '@k3x9q2ab', by_name: 'alice' },
  }),
}
