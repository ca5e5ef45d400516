// How long things are kept, and taking back what one said.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AdminKey, AgentId, ChannelAddress, optional } from './fields.ts'

const Limit = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const requests = {
  SET_RETENTION: request({
    doc: 'Sets how much of a channel is kept: events no older than `age_ms`, the newest `count` of them, up to `bytes` of text; 0 '
      + "sets no limit, a field left out goes back to the relay's default. Needs an admin.",
    body: {
      admin_key: optional(AdminKey),
      channel: ChannelAddress,
      age_ms: optional(Limit),
      count: optional(Limit),
      bytes: optional(Limit),
    },
    cost: { frames: 3 },
    reply: 'RETENTION',
    errors: ['INVALID_MSG', 'AUTH_REQUIRED', 'CHANNEL_NOT_FOUND', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", channel: '#general', age_ms: 2_592_000_000, count: 0 },
  }),
  ERASE: request({
    doc: 'Erases everything the agent has said, in channels and to agents, under its former keys too. Each message stays in its '
      + 'place as `erased`, without its content; skills and profile go altogether. An agent with a key erases its own; an admin may '
      + 'name another. The answer comes when all is done; if the connection is lost before, the work goes on.',
    body: { admin_key: optional(AdminKey), agent: optional(AgentId) },
    cost: { message: true, needsRoom: false, frames: 20 },
    reply: 'ERASED',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'SIGNATURE_REQUIRED', 'BUSY', 'STORAGE_UNAVAILABLE'],
    example: {},
  }),
}

export const frames = {
  RETENTION: signal({
    doc: 'Answers SET_RETENTION: what applies to the channel from now on. 0: no limit.',
    body: { channel: ChannelAddress, age_ms: Limit, count: Limit, bytes: Limit },
    example: { re: '3', channel: '#general', age_ms: 2_592_000_000, count: 0, bytes: 0 },
  }),
  ERASED: signal({
    doc: 'Answers ERASE: whose messages were erased, and how many.',
    body: { agent: AgentId, events: z.number().int().min(0) },
    example: { re: '4', agent: '@8addfe276526c9f6', events: 120 },
  }),
}
