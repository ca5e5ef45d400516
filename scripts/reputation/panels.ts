// Keys that cost nothing want to judge. Who of them may, where a rating makes an arbiter and where standing does, and how often a panel
// of three would be theirs.
import { jurorsAmong, jurorTerms } from '../../src/domain/jury.ts'
import { standings } from '../../src/domain/standing.ts'
import { spend } from './attacks.ts'
import { ratingsOf } from './measures.ts'
import { dayMs, populationOf, simulatedDays, type Population, type RatedDeal } from './population.ts'
import { randomFrom, type Random } from './random.ts'
import { median } from './simulation.ts'

export interface PanelSetting {
  readonly honest: number
  readonly keys: number
  /** in ordinary deals */
  readonly budget: number
  /** Fewer that may judge are no panel: the operator rules. */
  readonly minArbiters: number
  readonly seeds: readonly number[]
}

/** Who may judge under a rule; medians over the seeds. */
export interface Panel {
  readonly rule: 'rating' | 'standing'
  /** Honest agents and keys of the attacker that may judge, of those that are there: a quarter of the honest, and every key. */
  readonly honest: number
  readonly keys: number
  /** The chance that at least two of three drawn are the attacker's, 0 to 1. */
  readonly lost: number
}

const seats = 3
const isThere = 0.25

/**
 * Every two of the keys deal once, for nothing and well apart. What money there is they spend on honest providers, all of them alike, so
 * that those vouch for them.
 */
const attack = (keys: readonly string[], budget: number, { providers }: Population, random: Random): readonly RatedDeal[] => [
  ...keys.flatMap((client, i) =>
    keys.slice(i + 1).map((provider, n) => ({ client, provider, volume: 0, at: (i * keys.length + n) * dayMs / 24, stars: 5 }))
  ),
  ...spend(budget, random, (volume, at) => ({ client: random.pick(keys), provider: random.pick(providers), volume, at, stars: 3 })),
]

const drain = <T>(search: Generator<unknown, T>): T => {
  for (let step = search.next();; step = search.next()) if (step.done === true) return step.value
}

const pools: Readonly<
  Record<Panel['rule'], (deals: readonly RatedDeal[], there: readonly string[], population: Population) => readonly string[]>
> = {
  rating(deals, there) {
    const ratings = ratingsOf(deals)
    return there.filter(agent => {
      const { rating, transactions } = ratings.get(agent) ?? { rating: 0, transactions: 0 }
      return rating >= jurorTerms.rating && transactions >= jurorTerms.transactions
    })
  },
  standing(deals, there, population) {
    const all = standings(deals.filter(({ volume }) => volume > 0), {
      anchors: new Map(population.known.map(agent => [agent, 1])),
      now: simulatedDays * dayMs,
    })
    return drain(jurorsAmong(pools.rating(deals, there, population), all))
  },
}

/** The chance that a draw of three out of so many has two of theirs at least. */
export const lostChance = (honest: number, keys: number): number => {
  const all = choose(honest + keys, seats)
  return all === 0 ? 0 : (choose(keys, 2) * honest + choose(keys, 3)) / all
}

const choose = (n: number, k: number): number => {
  let ways = 1
  for (let i = 0; i < k; i++) ways *= (n - i) / (i + 1)
  return Math.max(0, ways)
}

export const panels = ({ honest, keys: count, budget, minArbiters, seeds }: PanelSetting): readonly Panel[] => {
  const keys = Array.from({ length: count }, (_, i) => `@key${i}`)
  const found: Record<Panel['rule'], { readonly honest: number, readonly keys: number, readonly lost: number }[]> = {
    rating: [],
    standing: [],
  }
  for (const seed of seeds) {
    const population = populationOf(honest, randomFrom(seed))
    const random = randomFrom(seed + 2_000_003)
    const deals = [...population.deals, ...attack(keys, budget, population, random)]
    const there = [...new Set([...population.clients, ...population.providers])].filter(() => random.next() < isThere)
    for (const rule of ['rating', 'standing'] as const) {
      const pool = pools[rule](deals, [...there, ...keys], population)
      const theirs = pool.filter(agent => keys.includes(agent)).length
      const isPanel = rule === 'rating' || pool.length >= minArbiters
      found[rule].push({ honest: pool.length - theirs, keys: theirs, lost: isPanel ? lostChance(pool.length - theirs, theirs) : 0 })
    }
  }
  return (['rating', 'standing'] as const).map(rule => ({
    rule,
    honest: median(found[rule].map(run => run.honest)),
    keys: median(found[rule].map(run => run.keys)),
    lost: median(found[rule].map(run => run.lost)),
  }))
}
