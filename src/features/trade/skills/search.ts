// Search: what the index finds, narrowed by who is here, sorted, counted, and one page of it with its texts.
import type { FrameBody, SkillQuery } from '../../../../lib/protocol/index.ts'
import { limits } from '../../../../lib/protocol/index.ts'
import { searchSkills, skillsOf, type FoundSkill } from '../../../store/people.ts'
import type { Db } from '../../../store/store.ts'
import { presenceOf, type RosterView } from '../../../relay/feature.ts'

/** What dealings say of an agent, and of single skills of it. */
export interface Standing {
  readonly rating: number
  readonly transactions: number
  /** by capability */
  readonly skills?: Readonly<
    Record<string, { readonly rating: number, readonly transactions: number, readonly updated: number | string | null }>
  >
}

export type Ratings = (db: Db, agents: readonly string[]) => Promise<ReadonlyMap<string, Standing>>

/** Where existing clients expect an agent to begin. */
const newcomer: Standing = { rating: 1_200, transactions: 0 }
const nobodyKnown: Ratings = async () => new Map()

/** Skills that one search looks at, and of those that fit how many it sorts, the newest: what bounds its cost. */
const bounds = { maxScanned: 5_000, maxFound: 1_000 }
/** Who is here was noted within this time; the rest of them are told apart by the roster. */
const notedMs = 5 * 60_000
const defaultLimit = 50

interface Match extends FoundSkill {
  readonly presence: ReturnType<typeof presenceOf>
  readonly standing: Standing
  readonly skillRating: number
}

type Order = (a: Match, b: Match) => number
const byRating: Order = (a, b) => b.skillRating - a.skillRating || b.standing.rating - a.standing.rating || b.registeredAt - a.registeredAt
const orders: Readonly<Record<NonNullable<SkillQuery['sort']>, Order>> = {
  rating: byRating,
  relevance: (a, b) => a.rank - b.rank || byRating(a, b),
  newest: (a, b) => b.registeredAt - a.registeredAt,
  // What states no rate is not free of charge: it comes last.
  rate: (a, b) => (a.rate ?? Infinity) === (b.rate ?? Infinity) ? byRating(a, b) : (a.rate ?? Infinity) - (b.rate ?? Infinity),
}

export const search = async (
  db: Db,
  roster: RosterView,
  query: SkillQuery,
  now: number,
  ratings: Ratings = nobodyKnown,
): Promise<Omit<FrameBody<'SEARCH_RESULTS'>, 'ts' | 're' | 'query' | 'query_id'>> => {
  const { capability, text, max_rate: maxRate, currency, language, availability, online, offset = 0 } = query
  const { found, isAll } = await searchSkills(db, {
    capability,
    text,
    maxRate,
    currency,
    language,
    availability,
    ...(online === true && { seenSince: now - notedMs }),
  }, bounds)
  const here = found.map(skill => ({ ...skill, presence: presenceOf(roster, skill.agent, skill.lastSeen) }))
    .filter(({ presence }) => online === undefined || online === (presence.presence !== 'offline'))
  const standings = await ratings(db, [...new Set(here.map(({ agent }) => agent))])
  const matches: readonly Match[] = here.map(skill => {
    const standing = standings.get(skill.agent) ?? newcomer
    return { ...skill, standing, skillRating: standing.skills?.[skill.capability]?.rating ?? newcomer.rating }
  }).sort(orders[query.sort ?? (text === undefined ? 'rating' : 'relevance')])

  const page = matches.slice(offset, offset + Math.min(query.limit ?? defaultLimit, limits.maxSkillsPage))
  const texts = await skillsOf(db, [...new Set(page.map(({ agent }) => agent))])
  return {
    total: matches.length,
    ...(!isAll && { capped: true as const }),
    results: page.flatMap(match => {
      const { agent, n, name, verified, registeredAt, presence, standing, skillRating, capability } = match
      const skill = texts.get(agent)?.[n]
      const dealt = standing.skills?.[capability]
      // What the relay says stands behind the skill's own fields: nobody speaks in its name.
      return skill === undefined ? [] : [{
        ...skill,
        agent_id: agent,
        agent_name: roster.agent(agent)?.name ?? name,
        verified: verified === 1,
        presence: presence.presence,
        online: presence.presence !== 'offline',
        last_seen: presence.last_seen,
        registered_at: registeredAt,
        agent_rating: standing.rating,
        agent_transactions: standing.transactions,
        skill_rating: skillRating,
        skill_transactions: dealt?.transactions ?? 0,
        skill_updated: dealt?.updated ?? null,
      }]
    }),
    ...(query.facets === true && { facets: facetsOf(matches) }),
  }
}

/** Values counted per facet; rare ones beyond are left out. */
const maxFacetValues = 50

const facetsOf = (matches: readonly Match[]): NonNullable<FrameBody<'SEARCH_RESULTS'>['facets']> => {
  const count = (values: (match: Match) => readonly string[]): Record<string, number> => {
    const counts = new Map<string, number>()
    for (const match of matches) for (const value of values(match)) counts.set(value, (counts.get(value) ?? 0) + 1)
    return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a).slice(0, maxFacetValues))
  }
  return {
    currency: count(({ currency }) => currency === null ? [] : [currency]),
    language: count(({ languages }) => languages === null ? [] : JSON.parse(languages) as string[]),
    availability: count(({ availability }) => availability === null ? [] : [availability]),
    presence: count(({ presence }) => [presence.presence]),
  }
}
