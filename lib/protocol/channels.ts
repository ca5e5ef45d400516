// Channels: joining, leaving, listing, creating, inviting, topics.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, ChannelAddress, Presence, Seq, Time } from './fields.ts'

const ListedAgent = z.object({ id: AgentId, name: AgentName, verified: z.boolean() })
// A schema of its own, for the pages to say who that is.
const Owner = z.optional(z.clone(AgentId))
export const TopicBy = z.literal(['members', 'owner'])

/** What is set of a channel; each is left out where it is as it was at first. */
const Settings = {
  slow_mode_ms: z.optional(z.int()),
  post_by: z.optional(z.literal('owner')),
  invite_by: z.optional(z.literal('owner')),
  pin_by: z.optional(z.literal('owner')),
  group_by: z.optional(z.literal('members')),
  archived: z.optional(z.literal(true)),
  category: z.optional(z.string()),
  welcome: z.optional(z.string()),
  edit_window_ms: z.optional(Seq),
}

export const frames = {
  JOINED: signal({
    body: {
      channel: ChannelAddress,
      agents: z.array(ListedAgent),
      count: z.int(),
      seq: Seq,
      oldest: Seq,
      epoch: z.string(),
      recovered: z.boolean(),
      since: z.optional(Seq),
      stale_since: z.optional(Time),
      topic: z.optional(z.string()),
      description: z.optional(z.string()),
      owner: Owner,
      topic_by: z.optional(z.literal('owner')),
      ...Settings,
    },
  }),
  LEFT: signal({
    body: { channel: ChannelAddress, reason: z.optional(z.literal(['removed', 'deleted'])), by: z.optional(AgentId) },
  }),
  AGENT_JOINED: signal({
    body: { channel: ChannelAddress, agent: AgentId, name: AgentName, verified: z.boolean() },
  }),
  AGENT_LEFT: signal({
    body: { channel: ChannelAddress, agent: AgentId, name: z.optional(AgentName) },
  }),
  CHANNEL_ACTIVITY: signal({
    body: {
      channel: ChannelAddress,
      agents: z.int(),
      joined: z.int(),
      left: z.int(),
      typing: z.int(),
      claimed: z.int(),
      presence: z.int(),
      renamed: z.int(),
      reacted: z.optional(z.int()),
    },
  }),
  CHANNELS: signal({
    body: {
      list: z.array(z.object({
        name: ChannelAddress,
        agents: z.int(),
        verifiedOnly: z.optional(z.literal(true)),
        private: z.optional(z.literal(true)),
        topic: z.optional(z.string()),
        description: z.optional(z.string()),
        owner: Owner,
        seq: z.optional(Seq),
        archived: Settings.archived,
        category: Settings.category,
      })),
      more: z.optional(z.literal(true)),
    },
  }),
  AGENTS: signal({
    body: {
      channel: ChannelAddress,
      more: z.boolean(),
      owner: Owner,
      list: z.array(
        z.object({ id: AgentId, name: AgentName, presence: Presence, status_text: z.nullable(z.string()), verified: z.boolean() }),
      ),
    },
  }),
  MEMBERS: signal({
    body: {
      channel: ChannelAddress,
      owner: Owner,
      list: z.array(z.object({ id: AgentId, name: z.nullable(AgentName), connected: z.boolean() })),
      more: z.boolean(),
      invited: z.optional(z.array(z.object({ id: AgentId, by: AgentId, at: Time }))),
    },
  }),
  CHANNEL_CHANGED: signal({
    body: { channel: ChannelAddress, owner: Owner, topic_by: TopicBy, by: AgentId, ...Settings },
  }),
  TOPIC_CHANGED: signal({
    body: { channel: ChannelAddress, topic: z.string(), by: AgentId, by_name: AgentName },
  }),
}
