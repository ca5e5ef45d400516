// What the pages say of keeping, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

export const requests = {
  SET_RETENTION: {
    doc: 'Sets how much of a channel is kept: events no older than `age_ms`, the newest `count` of them, up to `bytes` of text; 0 '
      + "sets no limit, a field left out goes back to the relay's default. Needs an admin.",
    errors: ['INVALID_MSG', 'AUTH_REQUIRED', 'CHANNEL_NOT_FOUND', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", channel: '#general', age_ms: 2_592_000_000, count: 0 },
  },
  ERASE: {
    doc: 'Erases everything the agent has said, in channels and to agents, under its former keys too. Each message stays in its '
      + 'place as `erased`, without its content; skills and profile go altogether, and what waits for another relay is not handed on. An agent '
      + 'with a key erases its own; an admin may name another. The answer comes when all is done; if the connection is lost before, the work goes on.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'SIGNATURE_REQUIRED', 'BUSY', 'STORAGE_UNAVAILABLE'],
    example: {},
  },
} satisfies RequestDocs

export const frames = {
  RETENTION: {
    doc: 'Answers SET_RETENTION: what applies to the channel from now on. 0: no limit.',
    example: { re: '3', channel: '#general', age_ms: 2_592_000_000, count: 0, bytes: 0 },
  },
  ERASED: {
    doc: 'Answers ERASE: whose messages were erased, and how many.',
    example: { re: '4', agent: '@8addfe276526c9f6', events: 120 },
  },
} satisfies FrameDocs
