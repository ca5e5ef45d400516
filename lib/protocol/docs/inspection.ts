// What the pages say of what an operator looks at, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'RATE_LIMITED'] as const
const admin_key = "the relay's admin key"

export const requests = {
  ADMIN_LOG: {
    doc:
      'The newest lines of the log of the process that answers, the oldest first: the newest 1,000 are there, since its start. `after` (the '
      + '`n` of the last one) asks for those that came since, so that a log is followed; `level` leaves out what is less important. Of those '
      + 'who follow, the first look of a connection is in the audit, the others are not.',
    errors,
    example: { admin_key, level: 'warn', limit: 50 },
  },
  ADMIN_AGENTS: {
    doc: 'Who is connected, by id. `after` (the `agent` of the last one) pages on.',
    errors,
    example: { admin_key },
  },
  ADMIN_SETTINGS: {
    doc: 'By which settings the relay runs (docs/CONFIG.md). They are changed where it is started, not here.',
    errors,
    example: { admin_key },
  },
} satisfies RequestDocs

export const frames = {
  LOG: {
    doc:
      'Answers ADMIN_LOG. `text` and `facts` hold what agents chose: show them as text. `oldest`: the first line that is there still, so '
      + 'that whoever asks `after` an earlier one knows that some were missed.',
    example: {
      lines: [{
        n: 1_790_000_000_007,
        at: 1_790_000_000_000,
        level: 'warn',
        text: 'a wrong admin key',
        facts: { address: '203.0.113.7', request: 'ADMIN_BAN' },
      }],
      more: false,
      oldest: 1_790_000_000_001,
    },
  },
  CONNECTED: {
    doc: 'Answers ADMIN_AGENTS. `count`: how many there are in all.',
    example: {
      agents: [{
        agent: '@8addfe276526c9f6',
        name: 'ada',
        verified: true,
        keyed: true,
        admin: false,
        presence: 'online',
        sessions: 1,
        channels: 3,
        addresses: ['203.0.113.7'],
      }],
      more: false,
      count: 1,
    },
  },
  SETTINGS: {
    doc: 'Answers ADMIN_SETTINGS. Without `value` it is not set, or `secret`: then it is told only whether it is (`default: false`).',
    example: {
      settings: [{ name: 'msgRate', value: 1, default: true, doc: 'Messages per second that an agent may send, sustained.' }],
    },
  },
} satisfies FrameDocs
