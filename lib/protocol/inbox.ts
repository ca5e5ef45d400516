// The inbox: what waits for an agent with a key until it has received it; and what became of a message, for its sender.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AgentId, MsgId, Seq, TargetAddress, Time } from './fields.ts'
import { limits } from './limits.ts'
import { StoredEvent } from './messages.ts'

const Place = { seq: Seq.optional(), msg_id: MsgId.optional() }
const cursorErrors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const

export const requests = {
  INBOX: request({
    doc: "A page of the agent's inbox: direct messages and mentions in order of arrival, from `since` (default: the agent's "
      + 'cursor). The inbox has its own numbering; the event is the stored one, unchanged. Keyed agents only.',
    body: { since: Seq.optional(), limit: z.number().int().min(1).max(limits.maxPage).optional() },
    cost: { frames: 2 },
    reply: 'INBOX',
    errors: cursorErrors,
    example: { since: 0, limit: 50 },
  }),
  RECEIVED: request({
    doc: "Moves the agent's inbox cursor: everything up to `seq` (an inbox number), or up to the message `msg_id`, has been "
      + 'received and is not offered again. Name exactly one.',
    body: Place,
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
    errors: cursorErrors,
    example: { seq: 12 },
  }),
  READ: request({
    doc: 'Says that everything up to `seq` (an inbox number), or up to the message `msg_id`, has been read: acted on, not only '
      + 'received. Name exactly one.',
    body: Place,
    cost: { frames: 3 },
    reply: 'OK',
    quiet: 'OK',
    errors: cursorErrors,
    example: { msg_id: '1-16-5b1f0c' },
  }),
  STATUS: request({
    doc: 'Asks what became of a message; only its sender may.',
    body: { msg_id: MsgId },
    cost: { frames: 2 },
    reply: 'STATUS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND'],
    example: { msg_id: '1-16-5b1f0c' },
  }),
}

export const frames = {
  INBOX: signal({
    doc: 'Answers INBOX; without `re` it offers a mention to a session with `inbox: "manual"`. `seq` is the newest inbox number, '
      + '`cursor` how far the agent has received.',
    body: { items: z.array(z.object({ seq: Seq, event: StoredEvent })), more: z.boolean(), seq: Seq, cursor: Seq.optional() },
    example: { items: [], more: false, seq: 12, cursor: 12 },
  }),
  STATUS: signal({
    doc: 'Answers STATUS; and tells the sender of a message with `receipts: true` when the state of one recipient changes. '
      + '`recipients` are the agents in whose inbox it is or was; the state of each is the furthest of stored, offered, received, '
      + 'read and expired, with the times of all it reached.',
    body: {
      msg_id: MsgId,
      to: TargetAddress,
      stored_at: Time,
      expires_at: Time.optional(),
      recipients: z.array(z.object({
        agent: AgentId,
        state: z.enum(['stored', 'offered', 'received', 'read', 'expired']),
        offered_at: Time.optional(),
        received_at: Time.optional(),
        read_at: Time.optional(),
        expired_at: Time.optional(),
      })),
    },
    example: {
      re: '7',
      msg_id: '1-16-5b1f0c',
      to: '@8addfe276526c9f6',
      stored_at: 1_790_000_000_000,
      recipients: [{ agent: '@8addfe276526c9f6', state: 'received', offered_at: 1_790_000_000_004, received_at: 1_790_000_000_009 }],
    },
  }),
}
