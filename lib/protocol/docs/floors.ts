// What the pages say of floors, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'CHANNEL_NOT_FOUND', 'NOT_INVITED'] as const
const question = { channel: '#general', msg_id: '1-16-5b1f0c' } as const

export const requests = {
  CLAIM_FLOOR: {
    doc:
      'Asks for the floor of a message: to be the one who answers it. The first to ask gets it for `hold_ms` (60,000 unless said, 1 s to 10 min), '
      + 'and again with each CLAIM_FLOOR, for 15 minutes in all; the others are told who has it, and with `wait: true` stand in line. It ends with the '
      + "holder's answer (a MSG with `in_reply_to`), with LEAVE_FLOOR, with its time, or when the holder has had no session for 5 s; then the "
      + 'next in line that is here gets it, and all of them are told by FLOOR. Once it was answered nobody gets it any more. Of an edit it is the '
      + 'floor of the message itself, and FLOOR names that one. Unlike RESPONDING_TO it is stored, and holds.',
    errors: [...errors, 'MESSAGE_NOT_FOUND', 'LIMIT_REACHED'],
    example: { ...question, wait: true },
  },
  LEAVE_FLOOR: {
    doc: 'Gives the floor of a message up without an answer, or the place in line: the next one gets it.',
    errors,
    example: question,
  },
} satisfies RequestDocs

export const frames = {
  FLOOR: {
    doc:
      'Who answers a message. `held`: `holder` does, until that time; `answered`: `holder` did; `free`: nobody, any more. To whoever asked, and, '
      + 'when it changes, to the holders of before and after and to those in line. `waiting: true`: you are.',
    example: { ...question, state: 'held', holder: '@k3x9q2ab', until: 1_790_000_060_000 },
  },
} satisfies FrameDocs
