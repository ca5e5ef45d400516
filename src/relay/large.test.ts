import { expect, test } from 'vitest'
import { LargeFrames } from './large.ts'
import type { Source } from './turns.ts'

const large = 200_000

/** Senders with so many large frames each, that begin when they may; in which order they did, and what ends the oldest under way. */
const senders = (...of: readonly [address: string, frames: number][]) => {
  const begun: string[] = []
  const underWay: number[] = []
  const frames = new Map<Source, number>(of.map(([address, count]) => [{ address }, count]))
  const turns = new LargeFrames<Source>(sender => goOn(sender))
  const goOn = (sender: Source) => {
    while (frames.get(sender)! > 0 && turns.mayBegin(sender, large)) {
      frames.set(sender, frames.get(sender)! - 1)
      begun.push(sender.address)
      underWay.push(large)
      turns.begin(large)
    }
  }
  for (const sender of frames.keys()) goOn(sender)
  return { turns, begun, underWay, end: () => turns.end(underWay.shift()!) }
}

test('one after the other, each address in its turn', () => {
  const { begun, end, underWay } = senders(['a', 4], ['b', 2], ['c', 1])
  expect(begun).toEqual(['a'])
  // The first waits with its second frame before the others come.
  while (underWay.length > 0) end()
  expect(begun).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a'])
})

test('a small frame waits for no large one, and as many of the large go together as there is room for', () => {
  const turns = new LargeFrames<Source>(() => undefined)
  const sender = { address: 'c' }
  turns.begin(150_000)
  expect(turns.mayBegin(sender, 16 * 1024)).toBe(true)
  expect(turns.mayBegin(sender, 100_000)).toBe(true)
  turns.begin(100_000)
  expect(turns.mayBegin(sender, 16 * 1024)).toBe(true)
  expect(turns.mayBegin(sender, 17_000)).toBe(false)
})

test('one that is larger than all that may be under way goes alone', () => {
  const told: Source[] = []
  const turns = new LargeFrames<Source>(sender => told.push(sender))
  const [a, b] = [{ address: 'a' }, { address: 'b' }]
  expect(turns.mayBegin(a, 2_000_000)).toBe(true)
  turns.begin(2_000_000)
  expect(turns.mayBegin(b, 2_000_000)).toBe(false)
  expect(turns.mayBegin(b, 2_000_000)).toBe(false)
  turns.end(2_000_000)
  expect(told).toEqual([b])
})

test('whoever has gone, or may not go on for another reason, holds nobody up', () => {
  const begun: string[] = []
  const turns = new LargeFrames<Source>(({ address }) => {
    if (address === 'gone') return
    begun.push(address)
    turns.begin(large)
    turns.end(large)
  })
  turns.begin(large)
  for (const address of ['gone', 'b', 'c']) expect(turns.mayBegin({ address }, large)).toBe(false)
  turns.end(large)
  expect(begun).toEqual(['b', 'c'])
})
