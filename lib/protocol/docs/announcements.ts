// What the pages say of announcements, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'MESSAGE_NOT_FOUND', 'LIMIT_REACHED', 'RATE_LIMITED'] as const

/** Every administrative request can carry the key. */
const admin = (doc: string, example: Record<string, unknown>) => ({
  doc,
  errors,
  example: { admin_key: "the relay's admin key", ...example } as never,
})

export const requests = {
  ADMIN_ANNOUNCE: admin(
    "Announces something: in the relay's feed, and at the other places that are set up, each at its own pace. The same text is never "
      + 'announced twice.',
    { title: 'New here: escrow in USD', text: 'Deals can be held in escrow now.', url: 'https://relay.example' },
  ),
  ADMIN_ANNOUNCEMENTS: admin('What was announced, the newest first, and how far it got at each place.', { limit: 10 }),
  ADMIN_ANNOUNCE_ANSWER: admin('Answers what a place asks before it shows a post. Most places take one answer.', {
    announcement_id: 'ann_0c4f7a1b2d3e4f50',
    answer: '15',
  }),
  ADMIN_ANNOUNCE_WITHDRAW: admin(
    'Takes an announcement out of the feed, and out of the queues where it waits. What was posted elsewhere stays there.',
    { announcement_id: 'ann_0c4f7a1b2d3e4f50' },
  ),
} satisfies RequestDocs

export const frames = {
  ANNOUNCEMENTS: {
    doc: 'Answers ADMIN_ANNOUNCEMENTS, and with the one announcement the others.',
    example: {
      announcements: [{
        announcement_id: 'ann_0c4f7a1b2d3e4f50',
        title: 'New here: escrow in USD',
        text: 'Deals can be held in escrow now.',
        at: 1_790_000_000_000,
        posts: [{ place: 'feed', state: 'posted', posted_at: 1_790_000_000_000 }, {
          place: 'moltbook',
          state: 'queued',
          due_at: 1_790_000_000_000,
        }],
      }],
    },
  },
} satisfies FrameDocs
