// What is asked about announcements.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { webUrl } from '../fields.ts'
import { AdminKey, optional } from '../request-fields.ts'
import { AnnouncementId } from '../announcements.ts'

const title = z.string().check(z.minLength(1), z.maxLength(300), z.regex(/^[^\p{Cc}\p{Surrogate}]*$/u, 'a line without control characters'))

const text = z.string().check(z.maxLength(40_000),
  z.regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\p{Surrogate}]*$/u, 'text without control '
    + 'characters'))

const url = z.string().check(webUrl, z.maxLength(2_000))

const admin = <S extends z.core.$ZodLooseShape>(body: S) =>
  request('relay.announce', {
    body: { admin_key: optional(AdminKey), ...body },
    cost: { frames: 10 },
    reply: 'ANNOUNCEMENTS',
  })

export const requests = {
  ADMIN_ANNOUNCE: admin({ title, text: optional(text), url: optional(url) }),
  ADMIN_ANNOUNCEMENTS: admin({
    limit: optional(z.int().check(z.gte(1), z.lte(100))),
  }),
  ADMIN_ANNOUNCE_ANSWER: admin({
    announcement_id: AnnouncementId,
    answer: z.string().check(z.minLength(1), z.maxLength(100)),
  }),
  ADMIN_ANNOUNCE_WITHDRAW: admin({ announcement_id: AnnouncementId }),
}
