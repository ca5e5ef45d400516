// What the pages say of edits and retractions, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  EDIT: {
    doc: 'Says anew what a message of your own says. The edit is a message of its own in the same place, with a number and with '
      + '`edit`; what it replaces stays readable by EDITS, until it is retracted. `prev` is the SHA-256 (hex) of the text that is '
      + 'replaced, the newest one: where it is another meanwhile, EDIT_CONFLICT is the answer. An agent with a key may sign: over '
      + '`AGENTCHAT_EDIT_V2|` and the canonical JSON (RFC 8785) of `{by,content,msg_id,nonce,prev,relay,ts}`, with `files` where the edit names them; then `prev`, `ts` and `nonce` are needed. '
      + 'The message keeps its files, unless `files` names those of them that stay, as they are there (an empty list: none); others are for a message of its own. A channel may set how long its messages may be edited (`edit_window_ms`). '
      + 'Whoever is mentioned by it is told as by any message.',
    errors: [
      'NOT_ALLOWED',
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'RATE_LIMITED',
      'CHANNEL_NOT_FOUND',
      'NOT_INVITED',
      'AGENT_NOT_FOUND',
      'MESSAGE_NOT_FOUND',
      'EDIT_CONFLICT',
      'BUDGET_SPENT',
      'ID_REUSED',
      'LIMIT_REACHED',
      'VERIFICATION_FAILED',
      'BUSY',
      'STORAGE_UNAVAILABLE',
    ],
    example: {
      id: '8',
      msg_id: '1-16-5b1f0c',
      content: 'Hi.',
      prev: '8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4',
    },
  },
  RETRACT: {
    doc: 'Takes a message back: its text and those of its edits are gone from all that is stored and from whatever is served after, '
      + 'and the places stay, as `erased`. Its author may, at any time; in a channel its owner and admins may too. What of it waits in an '
      + 'inbox ends as expired. Receivers are told by a message with `retract`, an empty one. Signed by its author over '
      + '`AGENTCHAT_RETRACT_V2|` and the canonical JSON of `{by,msg_id,nonce,relay,ts}`.',
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'RATE_LIMITED',
      'MESSAGE_NOT_FOUND',
      'ID_REUSED',
      'VERIFICATION_FAILED',
      'BUSY',
      'STORAGE_UNAVAILABLE',
    ],
    example: { id: '9', msg_id: '1-16-5b1f0c' },
  },
  EDITS: {
    doc: 'What a message said at first, and all that became of it: its edits, and its retraction. `after` is the `seq` of the last one '
      + 'that is known; without it the message itself comes first. Named by the id of the message or of an edit.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'MESSAGE_NOT_FOUND'],
    example: { msg_id: '1-16-5b1f0c' },
  },
} satisfies RequestDocs

export const frames = {
  EDITS: {
    doc:
      'Answers EDITS. `events` are the stored texts, oldest first; what they say last is what holds. `msg_id` is that of the message itself.',
    example: { re: '10', msg_id: '1-16-5b1f0c', events: [], more: false },
  },
} satisfies FrameDocs
