import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  arbiterChange,
  availableStake,
  completionChanges,
  disputeChanges,
  mutualFaultChanges,
  mutualVerdictChanges,
  newcomer,
  verdictChanges,
  type Rating,
} from './rating.ts'

const first = { amount: 0, before: 0, sinceLastMs: undefined }
const hour = 3_600_000
const changes = (pair: readonly { readonly change: number }[] | undefined) => pair?.map(({ change }) => change)

describe('completion', () => {
  test('two new agents gain 8 each', () => {
    expect(completionChanges(newcomer, newcomer, first)).toEqual([
      { oldRating: 1_200, newRating: 1_208, change: 8, transactions: 1 },
      { oldRating: 1_200, newRating: 1_208, change: 8, transactions: 1 },
    ])
  })

  test('the gain of a pair is divided by how often it met, and is never less than 1', () => {
    expect([0, 1, 2, 3, 30].map(before => changes(completionChanges(newcomer, newcomer, { ...first, before, sinceLastMs: hour }))?.[0]))
      .toEqual([8, 4, 3, 2, 1])
  })

  test('a pair is rated once an hour', () => {
    expect(completionChanges(newcomer, newcomer, { amount: 5, before: 1, sinceLastMs: hour - 1 })).toBeUndefined()
    expect(completionChanges(newcomer, newcomer, { amount: 5, before: 1, sinceLastMs: hour })).toBeDefined()
  })

  test('larger work counts up to three times', () => {
    const gain = (amount: number) => changes(completionChanges(newcomer, newcomer, { ...first, amount }))![0]
    // m = 1 + log10(10) = 2; capped at 3 from 99 on
    expect([0, 9, 99, 1_000_000].map(gain)).toEqual([8, 16, 24, 24])
  })

  test('experience makes steps smaller, and the weaker gains more', () => {
    const at = (transactions: number) => changes(completionChanges({ rating: 1_200, transactions }, newcomer, first))![0]
    expect([29, 30, 99, 100].map(at)).toEqual([8, 6, 6, 4])
    // E of 1200 against 1600 is 1/11: full 29 and 3, halved and rounded
    expect(changes(completionChanges(newcomer, { rating: 1_600, transactions: 0 }, first))).toEqual([15, 2])
  })
})

describe('dispute', () => {
  test('a new agent that loses a stake of 50 loses 66, and the other gains 58', () => {
    expect(changes(disputeChanges(newcomer, { ...newcomer, stake: 50 }, 0))).toEqual([58, -66])
  })

  test('nobody falls below the floor', () => {
    const [, loser] = disputeChanges(newcomer, { rating: 120, transactions: 3, stake: 20 }, 0)
    expect(loser).toMatchObject({ oldRating: 120, newRating: 100, transactions: 4 })
  })

  test('when both are at fault both lose, and their stakes too', () => {
    expect(changes(mutualFaultChanges({ ...newcomer, stake: 10 }, { ...newcomer, stake: 30 }, 9))).toEqual([-42, -62])
  })
})

describe('verdict', () => {
  test('K is 16, whoever it is; the winner gets half', () => {
    expect(changes(verdictChanges(newcomer, { rating: 1_200, transactions: 500 }))).toEqual([4, -8])
    expect(changes(verdictChanges({ rating: 2_400, transactions: 0 }, { rating: 400, transactions: 0 }))).toEqual([1, -1])
    expect(changes(mutualVerdictChanges(newcomer, newcomer))).toEqual([-8, -8])
  })

  test('arbiters', () => {
    expect((['majority', 'dissent', 'absent'] as const).map(part => arbiterChange(newcomer, part).change)).toEqual([5, 0, -25])
  })
})

test('what can be staked is what is neither staked nor the floor', () => {
  expect(availableStake(newcomer, 0)).toBe(1_100)
  expect(availableStake(newcomer, 1_000)).toBe(100)
  expect(availableStake({ rating: 150, transactions: 0 }, 90)).toBe(0)
})

test('whatever happens, ratings stay whole numbers at or above the floor, and it counts as one transaction', () => {
  const agent = fc.record({ rating: fc.integer({ min: 100, max: 4_000 }), transactions: fc.nat(1_000), stake: fc.nat(500) })
  fc.assert(fc.property(agent, agent, fc.double({ min: 0, max: 1e15, noNaN: true }), fc.nat(1_000), (a, b, amount, before) => {
    const all = [
      completionChanges(a, b, { amount, before, sinceLastMs: undefined })!,
      disputeChanges(a, b, amount),
      mutualFaultChanges(a, b, amount),
      verdictChanges(a, b),
      mutualVerdictChanges(a, b),
    ]
    for (const pair of all) {
      for (const [i, self] of [a, b].entries() as ArrayIterator<[number, Rating]>) {
        const { newRating, oldRating, transactions } = pair[i]!
        expect(Number.isSafeInteger(newRating) && newRating >= 100).toBe(true)
        expect([oldRating, transactions]).toEqual([self.rating, self.transactions + 1])
      }
    }
  }), { numRuns: 200 })
})
