// Pits rings against measures: on each seed one honest economy, every attack on it, and how far each measure lets the ring's target climb.
import { attacks, ringOf, type AttackName } from './attacks.ts'
import { measures, type MeasureName } from './measures.ts'
import { populationOf } from './population.ts'
import { randomFrom } from './random.ts'

export interface Setting {
  readonly honest: number
  readonly fakes: number
  /** in ordinary deals */
  readonly budget: number
  readonly seeds: readonly number[]
}

/** Where one attack brings the target under one measure; medians over the seeds. */
export interface Climb {
  readonly measure: MeasureName
  readonly attack: AttackName
  readonly before: number
  readonly after: number
  /** Share of the honest providers that the target is above then, 0 to 1. */
  readonly above: number
  /** The number of the honest provider in the middle, under the same attack. */
  readonly honest: number
}

export const climbs = ({ honest, fakes, budget, seeds }: Setting): readonly Climb[] => {
  const found = new Map<string, Climb[]>()
  for (const seed of seeds) {
    const population = populationOf(honest, randomFrom(seed))
    const ring = ringOf(fakes, budget)
    for (const [measure, measured] of entries(measures)) {
      const before = measured(population.deals, population)(ring.target)
      for (const [attack, dealsOf] of entries(attacks)) {
        const number = measured([...population.deals, ...dealsOf({ ring, population, random: randomFrom(seed + 1_000_003) })], population)
        const after = number(ring.target)
        const numbers = population.providers.map(number)
        const above = numbers.filter(other => other < after).length / numbers.length
        const key = `${measure} ${attack}`
        found.set(key, [...found.get(key) ?? [], { measure, attack, before, after, above, honest: median(numbers) }])
      }
    }
  }
  return [...found.values()].map(runs => ({
    ...runs[0]!,
    before: median(runs.map(run => run.before)),
    after: median(runs.map(run => run.after)),
    above: median(runs.map(run => run.above)),
    honest: median(runs.map(run => run.honest)),
  }))
}

/** What does most against a measure, among some attacks. */
export const worst = (all: readonly Climb[], measure: MeasureName, among: readonly AttackName[]): Climb =>
  all.filter(climb => climb.measure === measure && among.includes(climb.attack)).reduce((most, climb) =>
    climb.above > most.above || (climb.above === most.above && climb.after > most.after) ? climb : most
  )

const entries = <K extends string, V>(table: Readonly<Record<K, V>>) => Object.entries(table) as [K, V][]

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
