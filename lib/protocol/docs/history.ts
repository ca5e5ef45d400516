// What the pages say of history, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  HISTORY: {
    doc: 'A page of a channel, or of the direct messages with an agent, oldest first. `after` pages forward from that seq; `before` '
      + '(or neither: the newest page) pages backward. Name exactly one of `channel` and `with`. With `reactions: true` the sums of what was reacted to come along.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'],
    example: { channel: '#general', before: 42, limit: 20 },
  },
} satisfies RequestDocs

export const frames = {
  HISTORY: {
    doc: 'Answers HISTORY. `events` are the stored texts, unchanged; `more` is true when the next page in the same direction is not '
      + 'empty; `seq` is the newest and `oldest` the oldest still there. `changes` are the newest edits and retractions of what is in the page, but '
      + 'for those that are in it themselves, as far as there is room; `threads` tells of each that was answered how often, and when last. '
      + '`reactions`, where asked for: of the messages that have some, as in REACTIONS; none of a channel that is mirrored: those are at its home.',
    example: { re: '9', channel: '#general', events: [], more: false, seq: 42, oldest: 1, epoch: '5b1f0c2e9a7d4433' },
  },
} satisfies FrameDocs
