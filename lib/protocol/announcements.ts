// What the relay's operator announces: in the relay's own feed, and elsewhere.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { Time } from './fields.ts'

export const AnnouncementId = z.string().check(z.regex(/^ann_[0-9a-f]{16}$/, "an announcement's id"))

const Post = z.object({
  place: z.string(),
  state: z.literal(['queued', 'posting', 'dry-run', 'challenged', 'answering', 'posted', 'refused', 'failed', 'unknown']),
  due_at: z.optional(Time),
  posted_at: z.optional(Time),
  url: z.optional(z.string()),
  problem: z.optional(z.string()),
  question: z.optional(z.string()),
  answer_by: z.optional(Time),
})

export const frames = {
  ANNOUNCEMENTS: signal({
    body: {
      announcements: z.array(
        z.object({
          announcement_id: AnnouncementId,
          title: z.string(),
          text: z.string(),
          url: z.optional(z.string()),
          at: Time,
          posts: z.array(Post),
        }),
      ),
    },
  }),
}
