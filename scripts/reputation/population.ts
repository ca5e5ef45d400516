// An honest economy: clients who hire, providers of different quality who deliver, stars that follow the quality.
import type { Deal } from '../../src/domain/standing.ts'
import type { Random } from './random.ts'

/** A deal, and the stars that the client gave for it, 1 to 5. */
export interface RatedDeal extends Deal {
  readonly stars: number
}

export interface Population {
  readonly clients: readonly string[]
  readonly providers: readonly string[]
  /** Clients that the operator knows. */
  readonly known: readonly string[]
  readonly deals: readonly RatedDeal[]
  /** ms since 1970, after the last deal */
  readonly end: number
}

export const dayMs = 24 * 60 * 60_000
export const simulatedDays = 120
const knownClients = 5
const hiresPerDay = 0.12

export const populationOf = (size: number, random: Random): Population => {
  // Four of ten only hire, four only deliver, two do both.
  const names = (kind: string, share: number) => Array.from({ length: Math.round(size * share) }, (_, i) => `@${kind}${i}`)
  const both = names('both', 0.2)
  const clients = [...names('client', 0.4), ...both]
  const providers = [...names('provider', 0.4), ...both]
  const quality = new Map(providers.map(provider => [provider, random.next()]))

  const deals: RatedDeal[] = []
  for (let day = 0; day < simulatedDays; day++) {
    for (const client of clients) {
      if (random.next() >= hiresPerDay) continue
      // Clients look around a little: the best of three.
      const [provider] = [random.pick(providers), random.pick(providers), random.pick(providers)].sort((a, b) =>
        quality.get(b)! - quality.get(a)!
      )
      if (provider === undefined || provider === client) continue
      const felt = quality.get(provider)! + 0.3 * (random.next() - 0.5)
      deals.push({
        client,
        provider,
        volume: random.spread(),
        at: (day + random.next()) * dayMs,
        stars: Math.min(5, Math.max(1, Math.round(1 + 4 * felt))),
      })
    }
  }
  return { clients, providers, known: clients.slice(0, knownClients), deals, end: simulatedDays * dayMs }
}
