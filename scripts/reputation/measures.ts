// Three ways to say how good an agent is, over the same deals.
import { completionChanges, newcomer, type Rating } from '../../src/domain/rating.ts'
import { standings } from '../../src/domain/standing.ts'
import type { Population, RatedDeal } from './population.ts'

/** Agent → its number. */
export type Measure = (deals: readonly RatedDeal[], population: Population) => (agent: string) => number

/** Ordinary deals are this much in the currency that the rating looks at. */
const amountOfDeal = 10

const standing: Measure = (deals, { known, end }) => {
  const all = standings(deals, { anchors: new Map(known.map(agent => [agent, 1])), now: end })
  return agent => all.of(agent).standing
}

/** What the deals make of agents' ratings. */
export const ratingsOf = (deals: readonly RatedDeal[]): ReadonlyMap<string, Rating> => {
  const ratings = new Map<string, Rating>()
  const pairs = new Map<string, { readonly before: number, readonly at: number }>()
  const of = (agent: string) => ratings.get(agent) ?? newcomer
  for (const { client, provider, volume, at } of [...deals].sort((a, b) => a.at - b.at)) {
    const key = [client, provider].sort().join('|')
    const pair = pairs.get(key)
    const changes = completionChanges(of(client), of(provider), {
      amount: volume * amountOfDeal,
      before: pair?.before ?? 0,
      sinceLastMs: pair && at - pair.at,
    })
    if (changes === undefined) continue
    for (const [i, agent] of [client, provider].entries())
      ratings.set(agent, { rating: changes[i]!.newRating, transactions: changes[i]!.transactions })
    pairs.set(key, { before: (pair?.before ?? 0) + 1, at })
  }
  return ratings
}

const elo: Measure = deals => {
  const ratings = ratingsOf(deals)
  return agent => (ratings.get(agent) ?? newcomer).rating
}

const mean: Measure = deals => {
  const sums = new Map<string, { sum: number, count: number }>()
  for (const { provider, stars } of deals) {
    const { sum, count } = sums.get(provider) ?? { sum: 0, count: 0 }
    sums.set(provider, { sum: sum + stars, count: count + 1 })
  }
  return agent => {
    const of = sums.get(agent)
    return of === undefined ? 0 : of.sum / of.count
  }
}

export const measures = { standing, elo, mean } as const
export type MeasureName = keyof typeof measures
