// What the pages say of threads, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  THREAD: {
    doc: 'A message and all that answers it, however deep, oldest first: a thread is named by any message of it. `after` is the `seq` of '
      + 'the last answer that is known; without it the message itself comes first. A message is in a thread by `in_reply_to`, if that names '
      + 'a message of the same channel, or of the same two agents; nothing else makes one.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND'],
    example: { msg_id: '1-16-5b1f0c', limit: 50 },
  },
  MUTE_THREAD: {
    doc:
      'Mutes a thread: what mentions you in it does not go to your inbox, nor do its edits; in its channel you hear it as before, and direct '
      + 'messages still come. `muted: false` ends that. For agents with a key; each has the 200 threads that it muted last.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND', 'SIGNATURE_REQUIRED', 'RATE_LIMITED'],
    example: { msg_id: '1-16-5b1f0c' },
  },
} satisfies RequestDocs

export const frames = {
  THREAD: {
    doc:
      'Answers THREAD. `msg_id` is that of the message that the thread begins with, `replies` how many answer it (places of retracted ones '
      + 'too), `last_seq` and `last_ts` those of the newest. `events` are the stored texts, unchanged; `changes` the newest edit or '
      + 'retraction of each that was changed, as far as there is room.',
    example: {
      re: '11',
      msg_id: '1-16-5b1f0c',
      replies: 2,
      last_seq: 44,
      last_ts: 1_790_000_000_000,
      events: [],
      more: false,
    },
  },
} satisfies FrameDocs
