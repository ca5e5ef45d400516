// What another process told is applied once and in its order, however it comes; what does not come is asked for, once.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Hearing } from './hearing.ts'
import type { Told } from './told.ts'

const told = (n: number): Told => ({ kind: 'tokens', agent: `@${n}` })
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

const newHearing = () => {
  const applied: string[] = []
  const missed: string[] = []
  const known: number[] = []
  const hearing = new Hearing({
    apply: each => void applied.push((each as Extract<Told, { kind: 'tokens' }>).agent),
    missed: from => void missed.push(from),
    caughtUp: (_from, n) => void known.push(n),
  }, { busHeld: 0, busGaps: 0 })
  return { hearing, applied, missed, known }
}

test('in any order, some twice: each is applied once, in its order, and that it is known is told', () => {
  fc.assert(fc.property(fc.shuffledSubarray([...upTo(20), ...upTo(20).map(n => n + 100)], { minLength: 40 }), numbers => {
    const { hearing, applied, missed, known } = newHearing()
    hearing.learned('two', 0)
    for (const each of numbers) hearing.hear(told(each % 100), each % 100, true, 'two')
    expect(applied).toEqual(upTo(20).map(n => `@${n}`))
    expect(known.at(-1)).toBe(20)
    expect(known).toEqual([...known].sort((a, b) => a - b))
    expect(missed).toEqual([])
    expect(hearing.behind).toBe(0)
  }))
})

test('what is missing is asked for after a while; what it is said to be part of is known then, and nothing is applied twice', async () => {
  const { hearing, applied, missed, known } = newHearing()
  hearing.hear(told(7), 7, true, 'two')
  expect([applied, missed, known]).toEqual([['@7'], ['two'], []])
  hearing.learned('two', 7)
  expect(known).toEqual([7])
  hearing.hear(told(9), 9, true, 'two')
  expect(hearing.behind).toBe(2)
  while (missed.length < 2) await new Promise(resolve => setTimeout(resolve, 10))
  expect(applied).toEqual(['@7', '@9'])
  hearing.learned('two', 9)
  expect(known).toEqual([7, 9])
  hearing.hear(told(9), 9, true, 'two')
  hearing.hear(told(8), 8, true, 'two')
  expect(applied).toEqual(['@7', '@9'])
  // It says that it told more: that does not come either.
  hearing.expect('two', 10)
  while (missed.length < 3) await new Promise(resolve => setTimeout(resolve, 10))
})
