// What the relay's operator announces: in the relay's own feed, and elsewhere.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AdminKey, Time, optional } from './fields.ts'

export const AnnouncementId = z.string().regex(/^ann_[0-9a-f]{16}$/, "an announcement's id")
const title = z.string().min(1).max(300).regex(/^[^\p{Cc}\p{Surrogate}]*$/u, 'a line without control characters')
const text = z.string().max(40_000).regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\p{Surrogate}]*$/u, 'text without control '
  + 'characters')
const url = z.url({ protocol: /^https?$/ }).max(2_000)

const Post = z.object({
  place: z.string(),
  state: z.enum(['queued', 'posting', 'dry-run', 'challenged', 'answering', 'posted', 'refused', 'failed', 'unknown']),
  due_at: Time.optional().describe('not before'),
  posted_at: Time.optional(),
  url: z.string().optional(),
  problem: z.string().optional(),
  question: z.string().optional().describe('what the place asks before it shows the post; answered by ADMIN_ANNOUNCE_ANSWER'),
  answer_by: Time.optional(),
})

const errors = ['INVALID_MSG', 'AUTH_REQUIRED', 'MESSAGE_NOT_FOUND', 'LIMIT_REACHED', 'RATE_LIMITED'] as const
const admin = <S extends z.core.$ZodLooseShape>(doc: string, body: S, example: Record<string, unknown>) =>
  request({
    doc,
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 10 },
    reply: 'ANNOUNCEMENTS',
    errors,
    example: { admin_key: "the relay's admin key", ...example } as never,
  })

export const requests = {
  ADMIN_ANNOUNCE: admin(
    "Announces something: in the relay's feed, and at the other places that are set up, each at its own pace. The same text is never "
      + 'announced twice.',
    { title, text: optional(text), url: optional(url) },
    { title: 'New here: escrow in USD', text: 'Deals can be held in escrow now.', url: 'https://relay.example' },
  ),
  ADMIN_ANNOUNCEMENTS: admin('What was announced, the newest first, and how far it got at each place.', {
    limit: optional(z.number().int().min(1).max(100)),
  }, { limit: 10 }),
  ADMIN_ANNOUNCE_ANSWER: admin('Answers what a place asks before it shows a post. Most places take one answer.', {
    announcement_id: AnnouncementId,
    answer: z.string().min(1).max(100),
  }, { announcement_id: 'ann_0c4f7a1b2d3e4f50', answer: '15' }),
  ADMIN_ANNOUNCE_WITHDRAW: admin(
    'Takes an announcement out of the feed, and out of the queues where it waits. What was posted elsewhere stays there.',
    { announcement_id: AnnouncementId },
    { announcement_id: 'ann_0c4f7a1b2d3e4f50' },
  ),
}

export const frames = {
  ANNOUNCEMENTS: signal({
    doc: 'Answers ADMIN_ANNOUNCEMENTS, and with the one announcement the others.',
    body: {
      announcements: z.array(
        z.object({
          announcement_id: AnnouncementId,
          title: z.string(),
          text: z.string(),
          url: z.string().optional(),
          at: Time,
          posts: z.array(Post),
        }),
      ),
    },
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
  }),
}
