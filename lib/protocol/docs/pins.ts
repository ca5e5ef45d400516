// What the pages say of pinned messages, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'] as const

export const requests = {
  PIN: {
    doc:
      'Pins a message of a channel you are a member of. Its members may, or its owner and admins alone where `pin_by` is `owner`. A channel '
      + 'has a bounded number of pins.',
    errors: [...errors, 'MESSAGE_NOT_FOUND', 'LIMIT_REACHED', 'RATE_LIMITED'],
    example: { channel: '#general', msg_id: '1-16-5b1f0c' },
  },
  UNPIN: {
    doc: 'Takes a pin away; where there is none, nothing changes. Whoever may pin may.',
    errors: [...errors, 'MESSAGE_NOT_FOUND', 'RATE_LIMITED'],
    example: { channel: '#general', msg_id: '1-16-5b1f0c' },
  },
  PINS: {
    doc: 'All pins of a channel, in the order of their messages, and those as they are stored.',
    errors,
    example: { channel: '#general' },
  },
} satisfies RequestDocs

export const frames = {
  PINNED: {
    doc: 'Answers PIN and UNPIN, and tells the members. `removed`: it is pinned no more.',
    example: { channel: '#general', msg_id: '1-16-5b1f0c', seq: 42, by: '@k3x9q2ab' },
  },
  PINS: {
    doc: 'Answers PINS. `events` are the stored texts, unchanged, as many as one page takes.',
    example: { channel: '#general', list: [{ msg_id: '1-16-5b1f0c', seq: 42, by: '@k3x9q2ab', at: 1_790_000_000_000 }], events: [] },
  },
} satisfies FrameDocs
