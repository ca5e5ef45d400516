// What is asked about skills.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { Signature } from '../fields.ts'
import { Nonce, optional } from '../request-fields.ts'
import { limits } from '../limits.ts'
import { SkillQuery } from '../skill-query.ts'
import { Skills } from '../skills.ts'

export const requests = {
  REGISTER_SKILLS: request('profile.write', {
    body: { skills: Skills, sig: Signature, sig_v: z.optional(z.literal(2)), sig_ts: z.optional(z.int()), nonce: z.optional(Nonce) },
    cost: { message: true, frames: 20, each: 'skills' },
    reply: 'SKILLS_REGISTERED',
  }),
  SEARCH_SKILLS: request('people.read', {
    body: { query: SkillQuery, query_id: optional(z.string().check(z.maxLength(limits.maxRequestIdChars))) },
    cost: { message: true, frames: 50 },
    reply: 'SEARCH_RESULTS',
  }),
}
