import { expect, test } from 'vitest'
import { Fifo, Turns } from './turns.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
const all = <T>(turns: Turns<T>): readonly T[] => upTo(turns.length).map(() => turns.take()!)

test('what one connection asks stays in order', () => {
  const turns = new Turns<number>()
  const source = { address: 'a' }
  for (const i of upTo(5_000)) turns.push(source, i)
  expect(all(turns)).toEqual(upTo(5_000))
  expect([turns.length, turns.sources, turns.take()]).toEqual([0, 0, undefined])
})

test('an address takes turns with the others, however many connections it has, and they with each other', () => {
  const turns = new Turns<string>()
  const many = upTo(250).map(i => ({ address: 'a', i }))
  for (const source of many) for (const i of upTo(10)) turns.push(source, `a${source.i}.${i}`)
  for (const i of upTo(3)) turns.push({ address: 'b' }, `b.${i}`)
  turns.push({ address: 'c' }, 'c.0')
  expect(turns.sources).toBe(254)
  expect(upTo(8).map(() => turns.take())).toEqual(['a0.0', 'b.0', 'c.0', 'a1.0', 'b.1', 'a2.0', 'b.2', 'a3.0'])
  // The rest of the first round, and then the second items of all.
  const rest = all(turns)
  expect(rest.slice(0, 246)).toEqual(upTo(246).map(i => `a${4 + i}.0`))
  expect(rest.slice(246, 248)).toEqual(['a0.1', 'a1.1'])
  expect(rest).toHaveLength(2_496)
})

test('whoever comes back to an empty line stands behind those who waited', () => {
  const turns = new Turns<string>()
  const [a, b] = [{ address: 'a' }, { address: 'b' }]
  turns.push(a, 'a1')
  turns.push(b, 'b1')
  turns.push(b, 'b2')
  expect(turns.take()).toBe('a1')
  expect([turns.has(a), turns.has(b)]).toEqual([false, true])
  turns.push(a, 'a2')
  expect(all(turns)).toEqual(['b1', 'a2', 'b2'])
})

test('a queue gives back what it was given, in order, however it grows and shrinks', () => {
  const queue = new Fifo<number>()
  const taken: number[] = []
  let given = 0
  for (const round of upTo(200)) {
    for (const _ of upTo(round % 40)) queue.push(given++)
    for (const _ of upTo(round % 31)) {
      const item = queue.shift()
      if (item !== undefined) taken.push(item)
    }
  }
  while (queue.length > 0) taken.push(queue.shift()!)
  expect(taken).toEqual(upTo(given))
})
