// Pages of stored events, both ways.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AgentId, ChannelAddress, Seq } from './fields.ts'
import { limits } from './limits.ts'
import { StoredEvent } from './messages.ts'

export const requests = {
  HISTORY: request({
    doc: 'A page of a channel, or of the direct messages with an agent, oldest first. `after` pages forward from that seq; `before` '
      + '(or neither: the newest page) pages backward. Name exactly one of `channel` and `with`.',
    body: {
      channel: ChannelAddress.optional(),
      with: AgentId.optional(),
      before: Seq.optional(),
      after: Seq.optional(),
      limit: z.number().int().min(1).max(limits.maxPage).optional(),
    },
    cost: { frames: 2 },
    reply: 'HISTORY',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { channel: '#general', before: 42, limit: 20 },
  }),
}

export const frames = {
  HISTORY: signal({
    doc: 'Answers HISTORY. `events` are the stored texts, unchanged; `more` is true when the next page in the same direction is not '
      + 'empty; `seq` is the newest and `oldest` the oldest still there.',
    body: {
      channel: ChannelAddress.optional(),
      with: AgentId.optional(),
      events: z.array(StoredEvent),
      more: z.boolean(),
      seq: Seq,
      oldest: Seq,
      epoch: z.string(),
    },
    example: { re: '9', channel: '#general', events: [], more: false, seq: 42, oldest: 1, epoch: '5b1f0c2e9a7d4433' },
  }),
}
