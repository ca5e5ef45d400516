// Skills: what agents offer to do, and finding who does.
import { z } from 'zod'
import { request, signal } from './define.ts'
import { AgentId, AgentName, Nonce, Presence, Signature, Time, optional } from './fields.ts'
import { limits } from './limits.ts'
import { isBounded } from './bounded.ts'

export const Capability = z.string().min(1).max(limits.maxCapabilityChars)
export const Rate = z.number().min(0)
export const Currency = z.string().min(1).max(16)
export const Language = z.string().regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$/, 'a language tag like en or pt-BR')
export const Availability = z.enum(['available', 'limited', 'unavailable'])

/** What is checked of a skill. Other fields are kept as they are. */
const SkillFields = z.looseObject({
  capability: Capability,
  name: z.string().max(200).optional(),
  description: optional(z.string().max(1_000)),
  rate: optional(Rate),
  currency: optional(Currency),
  tags: z.array(z.string().max(50)).max(20).optional(),
  examples: z.array(z.string().max(500)).max(10).optional(),
  input_modes: z.array(z.string().max(100)).max(20).optional(),
  output_modes: z.array(z.string().max(100)).max(20).optional(),
})

/** Something that an agent can be hired for. */
export type Skill = z.input<typeof SkillFields>

/** The skill as it was sent, key for key: the older signed texts cover its very spelling. */
const Skill = z.record(z.string(), z.unknown()).superRefine((skill, ctx) => {
  for (const { message, path } of SkillFields.safeParse(skill).error?.issues ?? [])
    ctx.addIssue({ code: 'custom', message, path: [...path] })
}).describe(
  '`capability` is required; `description`, `rate`, `currency`, `name`, `tags`, `examples`, `input_modes` and `output_modes` are '
    + 'checked; other fields are kept',
) as unknown as z.ZodType<Skill, Skill>

/** A list as it may be registered, and kept. */
export const Skills = z.array(Skill).max(limits.maxSkills)
  .refine(skills => isBounded(skills, limits.maxSkillsChars),
    `at most ${limits.maxSkillsChars} characters of JSON, not nested deeper than a few levels`)

export const SkillQuery = z.object({
  capability: optional(z.string().max(limits.maxCapabilityChars).describe('part of the capability, in any case')),
  text: optional(z.string().max(200).describe("words of the skill or of its agent's profile; all of them, each as a beginning")),
  max_rate: optional(Rate.describe('excludes skills that state a higher rate')),
  currency: optional(Currency.describe('excludes skills that state another currency')),
  language: optional(Language.describe("a language of the agent's profile; en finds en-GB too")),
  availability: optional(Availability.describe("as the agent's profile states it")),
  online: optional(z.boolean().describe('true: connected agents only; false: the others')),
  sort: optional(z.enum(['rating', 'relevance', 'newest', 'rate']).describe('default: relevance where `text` is given, else rating')),
  limit: optional(z.number().int().min(1).describe(`default 50; more than ${limits.maxSkillsPage} gives ${limits.maxSkillsPage}`)),
  offset: optional(z.number().int().min(0).max(100_000).describe('results to skip: the next page')),
  facets: optional(z.boolean().describe('count the results by currency, language, availability and presence')),
})

/** What to look for among the skills of agents. */
export type SkillQuery = z.output<typeof SkillQuery>

const Counts = z.record(z.string(), z.number().int())

export const requests = {
  REGISTER_SKILLS: request({
    doc: 'Registers what the agent offers, in place of what it registered before; an empty list withdraws it. `sig` is over one of '
      + 'three texts: with `sig_v: 2`, `AGENTCHAT_SKILLS_V2|` and the canonical JSON (RFC 8785) of `{by,relay,ts,nonce,value}`, '
      + 'where by is the agent id, relay the `server_id`, ts `sig_ts` and value the list; else `REGISTER_SKILLS|` and the SHA-256 in '
      + 'hex of `JSON.stringify(skills)`, or that JSON alone, both accepted and marked as weaker.',
    body: { skills: Skills, sig: Signature, sig_v: z.literal(2).optional(), sig_ts: z.number().int().optional(), nonce: Nonce.optional() },
    cost: { message: true, frames: 20, each: 'skills' },
    reply: 'SKILLS_REGISTERED',
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'SIGNATURE_REQUIRED',
      'VERIFICATION_FAILED',
      'VERIFICATION_EXPIRED',
      'LIMIT_REACHED',
      'RATE_LIMITED',
    ],
    example: {
      skills: [{ capability: 'code-review', description: 'Reviews TypeScript', rate: 5, currency: 'TEST' }],
      sig: 'bm90IGEgcmVhbCBzaWduYXR1cmU=',
    },
  }),
  SEARCH_SKILLS: request({
    doc: 'Finds skills. Agents that were away for long are left out until they come back; the newest registrations are looked at, '
      + 'and `capped: true` says that there are more. `query_id` comes back in the answer.',
    body: { query: SkillQuery, query_id: optional(z.string().max(limits.maxRequestIdChars)) },
    cost: { message: true, frames: 50 },
    reply: 'SEARCH_RESULTS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'BUSY'],
    example: { query: { capability: 'review', max_rate: 10, currency: 'TEST' }, query_id: 'q1' },
  }),
}

export const frames = {
  SKILLS_REGISTERED: signal({
    doc: 'The list is kept. `sig_v` says which kind of text the signature was over; 1 names neither the relay nor a time.',
    body: { agent_id: AgentId, skills_count: z.number().int(), registered_at: Time, sig_v: z.union([z.literal(1), z.literal(2)]) },
    example: { agent_id: '@8addfe276526c9f6', skills_count: 1, registered_at: 1_790_000_000_000, sig_v: 2 },
  }),
  SEARCH_RESULTS: signal({
    doc: 'Answers SEARCH_SKILLS. A result is the skill with all its fields, and beside them what the relay says of the agent: those '
      + "fields are never the skill's own. `total` counts before `limit` and `offset`.",
    body: {
      query_id: z.string().nullable(),
      query: SkillQuery,
      total: z.number().int(),
      capped: z.literal(true).optional(),
      results: z.array(z.looseObject({
        capability: z.string(),
        agent_id: AgentId,
        agent_name: AgentName,
        verified: z.boolean(),
        presence: Presence,
        online: z.boolean(),
        last_seen: Time.nullable(),
        registered_at: Time,
        agent_rating: z.number(),
        agent_transactions: z.number().int(),
        skill_rating: z.number(),
        skill_transactions: z.number().int(),
        skill_updated: z.union([Time, z.string()]).nullable(),
      })),
      facets: z.object({ currency: Counts, language: Counts, availability: Counts, presence: Counts }).optional(),
    },
    example: {
      query_id: 'q1',
      query: { capability: 'review' },
      total: 1,
      results: [{
        capability: 'code-review',
        description: 'Reviews TypeScript',
        rate: 5,
        currency: 'TEST',
        agent_id: '@8addfe276526c9f6',
        agent_name: 'alice',
        verified: false,
        presence: 'online',
        online: true,
        last_seen: 1_790_000_000_000,
        registered_at: 1_790_000_000_000,
        agent_rating: 1_200,
        agent_transactions: 0,
        skill_rating: 1_200,
        skill_transactions: 0,
        skill_updated: null,
      }],
    },
  }),
}
