// What the pages say of searching, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  SEARCH: {
    doc:
      'Finds messages by their words, in all that you may read: channels that are open to you or that you are in, and your own direct messages. '
      + 'All words have to be there; `"a phrase"` stands as it is written, and `wor*` is any word that begins so. Case and accents do not count. '
      + '`channel`, `with` (direct messages with an agent), `from`, `has` (a link, an answer to another message, files) and times (`after`, `before`, in ms) narrow it. The newest come first; `sort: "best"` '
      + 'puts those first of the newest two hundred that say little else.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED', 'BUSY'],
    example: { text: 'deploy "on friday" roll*', channel: '#general', limit: 20 },
  },
} satisfies RequestDocs

export const frames = {
  FOUND: {
    doc:
      'Answers SEARCH. `snippet` is a piece of the message, from the place `at` of its `chars`; each of `marks` is a place in the snippet and its length '
      + '(UTF-16 units): what was sought. An edit names the message that it changes (`edit_of`). With `next` there may be more: ask again with that as the `cursor`, also where `results` is empty, because one request looks at a '
      + 'bounded part of what there is. `behind` messages, the newest but for a thousand, are not in the index yet.',
    example: {
      re: '12',
      results: [{
        channel: '#general',
        msg_id: '1-16-5b1f0c',
        seq: 42,
        ts: 1_767_225_600_000,
        from: '@k3x9q2ab',
        from_name: 'kit',
        snippet: 'no deploy on Friday: the rollback failed',
        at: 0,
        chars: 40,
        marks: [[3, 6], [10, 9], [25, 8]],
      }],
      next: '3f2',
    },
  },
} satisfies FrameDocs
