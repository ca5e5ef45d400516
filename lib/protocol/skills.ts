// Skills: what agents offer to do, and finding who does.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, AgentName, Presence, Time } from './fields.ts'
import { fieldLimits } from './field-limits.ts'
import { isBounded } from './bounded.ts'
import { Capability, Currency, Rate } from './skill-fields.ts'

/** What is checked of a skill. Other fields are kept as they are. */
const SkillFields = z.looseObject({
  capability: Capability,
  name: z.optional(z.string().check(z.maxLength(200))),
  description: z.nullish(z.string().check(z.maxLength(1_000))),
  rate: z.nullish(Rate),
  currency: z.nullish(Currency),
  tags: z.optional(z.array(z.string().check(z.maxLength(50))).check(z.maxLength(20))),
  examples: z.optional(z.array(z.string().check(z.maxLength(500))).check(z.maxLength(10))),
  input_modes: z.optional(z.array(z.string().check(z.maxLength(100))).check(z.maxLength(20))),
  output_modes: z.optional(z.array(z.string().check(z.maxLength(100))).check(z.maxLength(20))),
})

/** Something that an agent can be hired for. */
export type Skill = z.input<typeof SkillFields>

/** The skill as it was sent, key for key: the older signed texts cover its very spelling. */
const Skill = z.looseObject({}).check(z.superRefine((skill, ctx) => {
  for (const { message, path } of SkillFields.safeParse(skill).error?.issues ?? [])
    ctx.addIssue({ code: 'custom', message, path: [...path] })
})) as unknown as z.ZodMiniType<Skill, Skill>

/** A list as it may be registered, and kept. */
export const Skills = z.array(Skill).check(z.maxLength(fieldLimits.maxSkills),
  z.refine(skills => isBounded(skills, fieldLimits.maxSkillsChars),
    `at most ${fieldLimits.maxSkillsChars} characters of JSON, not nested deeper than a few levels`))

const Counts = z.catchall(z.object({}), z.int())

/** A time; older relays tell it as text. */
const TimeOrText = z.unknown().check(
  z.refine(at => typeof at === 'number' || typeof at === 'string', 'a time'),
) as unknown as z.ZodMiniType<
  number | string
>

/** What the relay says of a skill, beside what the agent itself does. */
export const SearchResult = z.looseObject({
  capability: z.string(),
  agent_id: AgentId,
  agent_name: AgentName,
  verified: z.boolean(),
  presence: Presence,
  online: z.boolean(),
  last_seen: z.nullable(Time),
  registered_at: Time,
  agent_rating: z.number(),
  agent_transactions: z.int(),
  skill_rating: z.number(),
  skill_transactions: z.int(),
  skill_updated: z.nullable(TimeOrText),
})

export const frames = {
  SKILLS_REGISTERED: signal({
    body: { agent_id: AgentId, skills_count: z.int(), registered_at: Time, sig_v: z.literal([1, 2]) },
  }),
  SEARCH_RESULTS: signal({
    body: {
      query_id: z.nullable(z.string()),
      // As it was asked.
      query: z.looseObject({}),
      total: z.int(),
      capped: z.optional(z.literal(true)),
      results: z.array(SearchResult),
      facets: z.optional(z.object({ currency: Counts, language: Counts, availability: Counts, presence: Counts })),
    },
  }),
}
