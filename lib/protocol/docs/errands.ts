// What the pages say of errands, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'RATE_LIMITED'] as const
const ofOne = [...errors, 'MESSAGE_NOT_FOUND'] as const

/** Every administrative request can carry the key. */
const admin = (doc: string, codes: typeof errors | typeof ofOne, example: Record<string, unknown>) => ({
  doc,
  errors: codes,
  example: { admin_key: "the relay's admin key", ...example } as never,
})

export const requests = {
  ADMIN_ERRANDS: admin(
    'What the relay has to do outside of it (posts of webhooks), in the order in which it was written down, and how many are in which '
      + 'state. `after` (the `errand` of the last one) pages on.',
    errors,
    { state: 'dead', limit: 20 },
  ),
  ADMIN_ERRAND: admin('One errand, with what its worker is told.', ofOne, { errand: 7 }),
  ADMIN_ERRAND_RETRY: admin('Has an errand that waits or was given up done now, as if it had not been tried.', ofOne, { errand: 7 }),
  ADMIN_ERRAND_DROP: admin('Takes an errand out: nobody does it. Of one that a worker holds what comes of it is not noted.', ofOne, {
    errand: 7,
  }),
} satisfies RequestDocs

export const frames = {
  ERRANDS: {
    doc: 'Answers ADMIN_ERRANDS, and with the one errand the others; of one that was dropped as it was. `at`: when it may be taken, when '
      + 'its lease ends, or when it was given up.',
    example: {
      items: [{
        errand: 7,
        kind: 'webhook',
        owner: '@8addfe276526c9f6',
        ref: 'wh_kX3f90aBq1',
        state: 'dead',
        attempts: 10,
        at: 1_790_086_400_000,
        made_at: 1_790_000_000_000,
        problem: 'no answer in time',
      }],
      more: false,
      waiting: 3,
      leased: 1,
      dead: 1,
    },
  },
} satisfies FrameDocs
