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
      + 'received. Name exactly one.',
    errors: cursorErrors,
    example: { msg_id: '1-16-5b1f0c' },
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
  STATUS: {
    doc: 'Answers STATUS; and tells the sender of a message with `receipts: true` when the state of one recipient changes. '
      + '`recipients` are the agents in whose inbox it is or was; the state of each is the furthest of stored, offered, received, '
      + 'read and expired, with the times of all it reached.',
    example: {
      re: '7',
      msg_id: '1-16-5b1f0c',
      to: '@8addfe276526c9f6',
      stored_at: 1_790_000_000_000,
      recipients: [{ agent: '@8addfe276526c9f6', state: 'received', offered_at: 1_790_000_000_004, received_at: 1_790_000_000_009 }],
    },
  },
} satisfies FrameDocs
