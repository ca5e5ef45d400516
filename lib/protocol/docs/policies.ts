// What the pages say of policies, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  ADMIN_POLICY: {
    doc: 'What a policy of the relay is (docs/CONDITIONS.md), and for `write` and `price` what it says of the newest 1,000 messages. With '
      + '`when` another condition is tried in its place, and nothing is changed: policies are set in the configuration.',
    errors: ['INVALID_MSG', 'AUTH_REQUIRED', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", policy: 'write', when: 'chars < 4000 || verified' },
  },
} satisfies RequestDocs

export const frames = {
  POLICY: {
    doc: 'Answers ADMIN_POLICY. Without `when`: it is not set. `messages`: how many were looked at; `refused` of them would have been; '
      + '`cost`: for how many they would have counted. `items`: some of those that it is about, the newest first.',
    example: {
      policy: 'write',
      when: 'chars < 4000 || verified',
      messages: 1_000,
      refused: 1,
      cost: 1_000,
      items: [{ msg_id: '1-16-5b1f0c', from: '@07097e6443239d36', to: '#builds', ts: 1_790_000_000_000 }],
    },
  },
} satisfies FrameDocs
