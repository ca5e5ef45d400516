// The simulator, in small: on the same worlds, what a ring reaches under each measure.
import { describe, expect, test } from 'vitest'
import { ringAttacks, type AttackName } from '../scripts/reputation/attacks.ts'
import { panels } from '../scripts/reputation/panels.ts'
import { measures } from '../scripts/reputation/measures.ts'
import { populationOf } from '../scripts/reputation/population.ts'
import { randomFrom } from '../scripts/reputation/random.ts'
import { climbs, worst } from '../scripts/reputation/simulation.ts'

const ring = Object.keys(ringAttacks) as readonly AttackName[]
const seeds = [1, 2, 3]

describe('a ring of fakes', () => {
  const all = climbs({ honest: 60, fakes: 8, budget: 50, seeds })
  const reached = Object.fromEntries((['standing', 'elo', 'mean'] as const).map(measure => [measure, worst(all, measure, ring)]))

  test('moves standing least', () => {
    expect(reached['elo']!.above).toBeGreaterThan(0.95)
    expect(reached['mean']!.above).toBeGreaterThan(0.95)
    expect(reached['standing']!.above).toBeLessThan(0.5)
    expect(reached['standing']!.after).toBeLessThan(reached['standing']!.honest)
  })

  test('gets nothing at all by dealing with itself', () => {
    for (const attack of ['star', 'round'] as const) {
      expect(worst(all, 'standing', [attack]).after).toBe(0)
      expect(worst(all, 'elo', [attack]).after).toBeGreaterThan(1_300)
    }
  })
})

test('what a ring gets by itself does not grow with its size when its budget does not', () => {
  const [few, many] = [4, 40].map(fakes => climbs({ honest: 60, fakes, budget: 20, seeds }))
  expect(worst(many!, 'standing', ring).after).toBeLessThan(2 * worst(few!, 'standing', ring).after)
  expect(worst(many!, 'standing', ring).after).toBeLessThan(worst(many!, 'standing', ring).honest)
  // Under the rating that older clients show, size is everything.
  expect(worst(many!, 'elo', ring).after - 1_200).toBeGreaterThan(4 * (worst(few!, 'elo', ring).after - 1_200))
})

test.each([[20, 0], [20, 100], [120, 0], [120, 1_000]])(
  'twelve free keys among %i honest agents, with a budget of %i: the rating lets them all judge, standing none',
  (honest, budget) => {
    const [rating, standing] = panels({ honest, keys: 12, budget, minArbiters: 7, seeds })
    expect(rating).toMatchObject({ rule: 'rating', keys: 12 })
    expect(rating!.lost).toBeGreaterThan(honest === 20 ? 0.8 : 0.15)
    expect(standing).toMatchObject({ rule: 'standing', keys: 0, lost: 0 })
    // Honest agents are not shut out with them.
    if (honest === 120) expect(standing!.honest).toBeGreaterThanOrEqual(5)
  },
)

test('standing still tells honest providers apart: it follows what they were paid', () => {
  const population = populationOf(100, randomFrom(7))
  const number = measures.standing(population.deals, population)
  const paid = (agent: string) => population.deals.filter(({ provider }) => provider === agent).reduce((sum, { volume }) => sum + volume, 0)
  const sorted = [...population.providers].sort((a, b) => paid(b) - paid(a))
  const mean = (agents: readonly string[]) => agents.reduce((sum, agent) => sum + number(agent), 0) / agents.length
  const third = Math.floor(sorted.length / 3)
  expect(mean(sorted.slice(0, third))).toBeGreaterThan(3 * mean(sorted.slice(-third)))
})

test('the same seed makes the same world', () => {
  expect(populationOf(40, randomFrom(3))).toEqual(populationOf(40, randomFrom(3)))
  expect(populationOf(40, randomFrom(3)).deals).not.toEqual(populationOf(40, randomFrom(4)).deals)
})
