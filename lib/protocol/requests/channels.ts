// What is asked about channels.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress, Seq } from '../fields.ts'
import { AdminKey, Description, Topic, optional } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { TopicBy } from '../channels.ts'

/** A few words on one line. */
const Label = z.string().check(z.maxLength(limits.maxCategoryChars), z.regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'words on one line'))
const OfOwner = { admin_key: optional(AdminKey), channel: ChannelAddress }

export const requests = {
  JOIN: request('talk.write', {
    body: {
      channel: ChannelAddress,
      since: z.optional(Seq),
      limit: z.optional(z.int().check(z.gte(0), z.lte(100_000))),
      epoch: z.optional(z.string().check(z.maxLength(64))),
    },
    cost: { frames: 4, audience: 'channel' },
    reply: 'JOINED',
  }),
  LEAVE: request('talk.write', {
    body: { channel: ChannelAddress },
    cost: { frames: 2, audience: 'channel' },
    reply: 'LEFT',
  }),
  LIST_CHANNELS: request('relay.look', {
    body: {
      after: z.optional(ChannelAddress),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxChannelsPage))),
      all: z.optional(z.literal(true)),
      admin_key: optional(AdminKey),
    },
    cost: { frames: 2 },
    reply: 'CHANNELS',
  }),
  LIST_AGENTS: request('talk.read', {
    body: { channel: ChannelAddress, after: z.optional(AgentId), limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxAgentsPage))) },
    cost: { frames: 2 },
    reply: 'AGENTS',
  }),
  CREATE_CHANNEL: request('channel.make', {
    body: {
      channel: ChannelAddress,
      invite_only: z.optional(z.boolean()),
      verified_only: z.optional(z.boolean()),
      topic: z.optional(Topic),
      description: z.optional(Description),
      topic_by: z.optional(TopicBy),
    },
    cost: { message: true, frames: 5 },
    reply: 'JOINED',
  }),
  INVITE: request('channel.arrange', {
    body: { channel: ChannelAddress, agent: AgentId },
    cost: { message: true, frames: 5 },
    reply: 'OK',
    quiet: 'OK',
  }),
  SET_TOPIC: request('channel.arrange', {
    body: { channel: ChannelAddress, topic: Topic },
    cost: { message: true, frames: 2, audience: 'members' },
    reply: 'TOPIC_CHANGED',
  }),
  SET_CHANNEL: request('channel.rule', {
    body: {
      ...OfOwner,
      owner: z.optional(AgentId),
      topic_by: z.optional(TopicBy),
      slow_mode_ms: z.optional(z.int().check(z.gte(0), z.lte(limits.maxSlowModeMs))),
      post_by: z.optional(TopicBy),
      invite_by: z.optional(TopicBy),
      pin_by: z.optional(TopicBy),
      group_by: z.optional(TopicBy),
      archived: z.optional(z.boolean()),
      category: z.optional(Label),
      welcome: z.optional(Description),
      edit_window_ms: z.optional(z.nullable(Seq)),
    },
    cost: { message: true, frames: 2, audience: 'members' },
    reply: 'CHANNEL_CHANGED',
  }),
  DELETE_CHANNEL: request('channel.rule', {
    body: OfOwner,
    cost: { message: true, needsRoom: false, frames: 20, audience: 'members' },
    reply: 'OK',
    quiet: 'OK',
  }),
  MEMBERS: request('talk.read', {
    body: {
      ...OfOwner,
      after: z.optional(AgentId),
      limit: z.optional(z.int().check(z.gte(1), z.lte(limits.maxAgentsPage))),
    },
    cost: { frames: 3 },
    reply: 'MEMBERS',
  }),
  REMOVE_MEMBER: request('channel.rule', {
    body: { ...OfOwner, agent: AgentId },
    cost: { message: true, needsRoom: false, frames: 3, audience: 'channel' },
    reply: 'OK',
    quiet: 'OK',
  }),
  UNINVITE: request('channel.rule', {
    body: { ...OfOwner, agent: AgentId },
    cost: { message: true, needsRoom: false, frames: 2 },
    reply: 'OK',
    quiet: 'OK',
  }),
}
