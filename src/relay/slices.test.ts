import { expect, test } from 'vitest'
import { Slices } from './slices.ts'
import type { Source } from './turns.ts'

/** A loop whose time is told: `work` takes ms, `turn` begins the next turn. */
const loop = () => {
  let ms = 0
  let next: (() => void)[] = []
  const slices = new Slices({ now: () => ms, later: then => next.push(then) })
  return {
    slices,
    work: (took: number) => ms += took,
    turn: () => {
      const now = next
      next = []
      for (const then of now) then()
    },
  }
}

const [a, b]: readonly Source[] = [{ address: '192.0.2.1' }, { address: '192.0.2.2' }]

test('an address has a few milliseconds of a turn, whatever others take of it', () => {
  const { slices, work, turn } = loop()
  const take = (source: Source, took: number) => {
    const at = slices.begin()
    work(took)
    slices.end(source, at)
  }
  while (slices.hasTime(a!)) take(a!, 1)
  expect(slices.hasTime({ address: a!.address })).toBe(false)
  expect(slices.hasTime(b!)).toBe(true)
  take(b!, 100)
  expect(slices.hasTime(b!)).toBe(false)
  turn()
  expect([slices.hasTime(a!), slices.hasTime(b!)]).toEqual([true, true])
})

test('forty addresses that come in one turn take no more of it than a few do, and one that comes behind them is served', () => {
  const { slices, work } = loop()
  let took = 0
  const crowd = Array.from({ length: 40 }, (_, i) => ({ address: `192.0.2.${i + 10}` }))
  for (let round = 0; round < 40; round++) {
    for (const source of crowd) {
      if (!slices.hasTime(source)) continue
      const at = slices.begin()
      work(0.1)
      took += 0.1
      slices.end(source, at)
    }
  }
  expect(took).toBeLessThan(25)
  expect(slices.hasTime(b!)).toBe(true)
})

test('what waits goes on by turns: one slice of each address, and not all in one turn', () => {
  const { slices, work, turn } = loop()
  const done = new Map<string, number>()
  const goOn = (source: Source, left: number): void => {
    while (left > 0 && slices.hasTime(source)) {
      work(0.25)
      done.set(source.address, (done.get(source.address) ?? 0) + 1)
      left--
    }
    if (left > 0) slices.wait(source, () => goOn(source, left))
  }
  const many = Array.from({ length: 100 }, () => ({ address: a!.address }))
  for (const source of many) slices.wait(source, () => goOn(source, 40))
  slices.wait(b!, () => goOn(b!, 4))
  turn()
  // The second address waited for one slice of the first, though a hundred of that one's were in line before it.
  expect(done.get(b!.address)).toBe(4)
  expect(done.get(a!.address)).toBeLessThanOrEqual(12)
  expect(slices.waiting).toBe(100)
  for (let turns = 0; turns < 1_000 && slices.waiting > 0; turns++) turn()
  expect(done.get(a!.address)).toBe(4_000)
})

test('one that is alone goes on in every turn', () => {
  const { slices, work, turn } = loop()
  let times = 0
  const again = (): void => {
    times++
    work(10)
    slices.wait(a!, again)
  }
  slices.wait(a!, again)
  for (let i = 0; i < 5; i++) turn()
  expect(times).toBe(5)
})

test('those who wait are read before what the turn asked for is committed', () => {
  const order: string[] = []
  const next: (() => void)[] = []
  const slices = new Slices({ now: () => 0, later: then => next.push(then) })
  const at = slices.begin()
  // As the committer does, in the midst of it.
  next.push(() => order.push('committed'))
  slices.wait(a!, () => order.push('read'))
  slices.end(a!, at)
  for (const then of next) then()
  expect(order).toEqual(['read', 'committed'])
})
