// What a ring can do with N fakes and a budget. Money that a fake pays to a fake comes back and is spent again, every day.
import { dayMs, simulatedDays, type Population, type RatedDeal } from './population.ts'
import type { Random } from './random.ts'

export interface Ring {
  /** Who is to shine. */
  readonly target: string
  readonly members: readonly string[]
  readonly budget: number
}

export const ringOf = (size: number, budget: number): Ring => {
  const members = Array.from({ length: size }, (_, i) => `@fake${i}`)
  return { target: members[0]!, members, budget }
}

interface Setting {
  readonly ring: Ring
  readonly population: Population
  readonly random: Random
}
const full = { stars: 5 } as const
const helpersOf = ({ target, members }: Ring) => members.filter(member => member !== target)

/** Every helper hires the target every day; the money comes back behind the relay's back. */
const star = ({ ring }: Setting): readonly RatedDeal[] => {
  const helpers = helpersOf(ring)
  return days(day =>
    helpers.map((client, i) => ({ client, provider: ring.target, volume: ring.budget / helpers.length, at: day + i, ...full }))
  )
}

/** The budget goes round the ring once a day, in deals that look like any others. */
const round = ({ ring: { members, budget } }: Setting): readonly RatedDeal[] =>
  days(day =>
    members.map((client, i) => ({ client, provider: members[(i + 1) % members.length]!, volume: budget, at: day + i * 1_000, ...full }))
  )

/** Helpers hire honest providers until the budget is gone, to look like good clients; then they hire the target. */
const hire = (setting: Setting): readonly RatedDeal[] => {
  const { ring, population, random } = setting
  const helpers = helpersOf(ring)
  return [
    ...spend(ring.budget, random,
      (volume, at) => ({ client: random.pick(helpers), provider: random.pick(population.providers), volume, at, stars: 3 })),
    ...star(setting),
  ]
}

/** Clients outside the ring sell their good name: they are paid to hire the target, one for one. Nothing comes back. */
const bribe = (setting: Setting): readonly RatedDeal[] => {
  const { ring, population, random } = setting
  return [
    ...spend(ring.budget, random,
      (volume, at) => ({ client: random.pick(population.clients), provider: ring.target, volume, at, ...full })),
    ...star(setting),
  ]
}

/** What fakes can do by themselves … */
export const ringAttacks = { star, round, hire } as const
/** … and what they can buy of others. */
export const attacks = { ...ringAttacks, bribe } as const
export type AttackName = keyof typeof attacks

const days = (of: (at: number) => readonly RatedDeal[]): readonly RatedDeal[] =>
  Array.from({ length: simulatedDays }, (_, day) => of(day * dayMs)).flat()

/** Ordinary deals, one after the other, until the budget is spent. */
export const spend = (budget: number, random: Random, deal: (volume: number, at: number) => RatedDeal): readonly RatedDeal[] => {
  const deals: RatedDeal[] = []
  for (let left = budget; left > 0;) {
    const volume = Math.min(left, random.spread())
    deals.push(deal(volume, random.next() * simulatedDays * dayMs))
    left -= volume
  }
  return deals
}
