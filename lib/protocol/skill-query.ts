// What skills are searched by.
import * as z from 'zod/mini'
import { optional } from './request-fields.ts'
import { limits } from './limits.ts'
import { Availability, Currency, Language, Rate } from './skill-fields.ts'

export const SkillQuery = z.object({
  capability: optional(z.string().check(z.maxLength(limits.maxCapabilityChars))),
  text: optional(
    z.string().check(z.maxLength(200)),
  ),
  max_rate: optional(Rate),
  currency: optional(Currency),
  language: optional(Language),
  availability: optional(Availability),
  online: optional(z.boolean()),
  sort: optional(
    z.literal(['rating', 'relevance', 'newest', 'rate']),
  ),
  limit: optional(z.int().check(z.gte(1))),
  offset: optional(z.int().check(z.gte(0), z.lte(100_000))),
  facets: optional(z.boolean()),
})

/** What skills are searched by. */
export type SkillQuery = z.output<typeof SkillQuery>
