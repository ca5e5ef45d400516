// What the pages say of inbox, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const cursorErrors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const

export const requests = {
  INBOX: {
    doc: "A page of the agent's inbox: direct messages and mentions in order of arrival, from `since` (default: the agent's "
      + 'cursor). The inbox has its own numbering; the event is the stored one, unchanged. Keyed agents only.',
    errors: cursorErrors,
    example: { since: 0, limit: 50 },
  },
  RECEIVED: {
    doc: "Moves the agent's inbox cursor: everything up to `seq` (an inbox number), or up to the message `msg_id`, has been "
      + 'received and is not offered again. Name exactly one.',
    errors: cursorErrors,
    example: { seq: 12 },
  },
  READ: {
    doc: 'Says that everything up to `seq` (an inbox number), or up to the message `msg_id`, has been read: acted on, not only '
      + 'received. Name exactly one. With `channel`, or `with` an agent, `seq` is a number of that stream, and everything there up to it '
      + 'has been read (without `seq`: all that is there), mentions and direct messages in the inbox too, of the newest 1,000. '
      + "A place that was read never goes back; the agent's other sessions are told it by READ. In a channel only where the agent "
      + 'belongs to it for good.',
    errors: [...cursorErrors, 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { msg_id: '1-16-5b1f0c' },
  },
  UNREAD: {
    doc: 'Asks how much is unread, everywhere at once: in each channel that the agent belongs to for good, and of each agent that wrote '
      + 'to it. It costs the same however long the history is. `after` (the name of the last channel) pages on.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'],
    example: {},
  },
  STATUS: {
    doc: 'Asks what became of a message; only its sender may.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND'],
    example: { msg_id: '1-16-5b1f0c' },
  },
} satisfies RequestDocs

export const frames = {
  INBOX: {
    doc: 'Answers INBOX; without `re` it offers a mention to a session with `inbox: "manual"`. `seq` is the newest inbox number, '
      + '`cursor` how far the agent has received.',
    example: { items: [], more: false, seq: 12, cursor: 12 },
  },
  READ: {
    doc: 'Another session of your agent has read a channel, or the direct messages with an agent, up to `seq`.',
    example: { channel: '#general', seq: 42 },
  },
  UNREAD: {
    doc: 'Answers UNREAD. Of a channel: its newest number `seq`, the place `read` up to which it was read (where it was joined, '
      + 'at first), and how many events stand between and are still there, your own among them; `mentions` of you that are not read. '
      + '`direct`, on the first page: how many messages of an agent are not read, and the number of the `first` of them. Mentions and direct messages are '
      + 'counted among the newest 1,000 entries of the inbox; `partial` where there are more that were not read. `more` when another page follows.',
    example: {
      channels: [{ channel: '#general', seq: 42, read: 40, unread: 2, mentions: 1 }],
      direct: [{ with: '@8addfe276526c9f6', unread: 3, first: 7 }],
    },
  },
  STATUS: {
    doc: 'Answers STATUS; and tells the sender of a message with `receipts: true` when the state of one recipient changes. '
      + '`recipients` are the agents in whose inbox it is or was; the state of each is the furthest of stored, offered, received, '
      + 'read and expired, with the times of all it reached. `expires_at`: not received by then, it ends as expired; where its sender named no '
      + '`ttl_ms`, the relay does (30 days unless its operator says otherwise).',
    example: {
      re: '7',
      msg_id: '1-16-5b1f0c',
      to: '@8addfe276526c9f6',
      stored_at: 1_790_000_000_000,
      recipients: [{ agent: '@8addfe276526c9f6', state: 'received', offered_at: 1_790_000_000_004, received_at: 1_790_000_000_009 }],
    },
  },
} satisfies FrameDocs
