// What the pages say of leases, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED'] as const
const lease = '12-1-9f86d081884c7d65'

export const requests = {
  CLAIM: {
    doc:
      'Takes inbox entries that nobody holds, the oldest first, for `lease_ms` (60,000 unless said, 1 s to 1 h): up to `limit` (1). Until the '
      + 'lease ends no other session of the agent gets them; then they go to whoever claims next. Taken five times and not done, an entry has '
      + 'failed, and its sender is told. An agent whose budget of wakes is spent gets none before `next_at` (SET_BUDGET). Sessions that claim log in '
      + 'with `inbox: "manual"`. Keyed agents only.',
    errors: [...errors, 'LIMIT_REACHED'],
    example: { lease_ms: 60_000, limit: 1 },
  },
  EXTEND: {
    doc: 'Holds an entry for `lease_ms` from now on.',
    errors: [...errors, 'LEASE_OVER'],
    example: { lease, lease_ms: 60_000 },
  },
  DONE: {
    doc:
      'Says that an entry is dealt with: `read` (unless said), or `failed`, with a reason that its sender is told. The cursor of the inbox '
      + 'moves once all entries before it are.',
    errors: [...errors, 'LEASE_OVER'],
    example: { lease, outcome: 'read' },
  },
  UNCLAIM: {
    doc: 'Gives an entry back: others may claim it, after `delay_ms` where that is given.',
    errors: [...errors, 'LEASE_OVER'],
    example: { lease, delay_ms: 5_000 },
  },
  LEASES: {
    doc:
      'Entries that were claimed and are not forgotten: held, waiting to be claimed again, done behind one that is not, or failed. Failed ones '
      + 'stay for 30 days.',
    errors,
    example: { state: 'failed' },
  },
  REQUEUE: {
    doc: 'Lets a failed entry be claimed again, from its first attempt on.',
    errors: [...errors, 'MESSAGE_NOT_FOUND'],
    example: { seq: 12 },
  },
  DROP: {
    doc: 'Forgets a failed entry.',
    errors: [...errors, 'MESSAGE_NOT_FOUND'],
    example: { seq: 12 },
  },
} satisfies RequestDocs

const event = {
  type: 'MSG',
  ts: 1_790_000_000_000,
  from: '@8addfe276526c9f6',
  to: '@k3x9q2ab',
  content: 'Translate this, please',
  msg_id: '1-16-5b1f0c',
  seq: 42,
} as const

export const frames = {
  CLAIMED: {
    doc:
      'Answers CLAIM. Each item is an inbox entry, its event as it is stored, and the lease under which it is held until `until`; `attempt` '
      + 'counts from 1. `more`: others can be claimed now; `next_at`: when the next that is held or waits is free, where none was left.',
    example: { items: [{ seq: 12, event, lease, until: 1_790_000_060_000, attempt: 1 }], more: false },
  },
  LEASES: {
    doc: 'Answers LEASES, in the order of the inbox. `until`: the end of the lease, or when it may be claimed again.',
    example: {
      items: [{
        seq: 12,
        msg_id: '1-16-5b1f0c',
        state: 'failed',
        attempts: 5,
        failed_at: 1_790_000_400_000,
        reason: 'five leases ran out',
      }],
      more: false,
    },
  },
} satisfies FrameDocs
