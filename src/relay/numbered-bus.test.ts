// What is told again: a process that has others remembers it for a few seconds, and one that is alone not at all.
import { expect, test } from 'vitest'
import { MemoryBus } from '../bus/memory.ts'
import { NumberedBus } from './numbered-bus.ts'
import type { BusMessage } from './told.ts'

test('of events that are more than one message is to carry it is told how far they are', async () => {
  const memory = new MemoryBus<BusMessage>()
  const heard: BusMessage[] = []
  const two = memory.join('two')
  two.hear(message => heard.push(message))
  two.follow('#a')
  const bus = new NumberedBus(memory.join('one'), 1, { busTold: 0, unanswered: 0 })
  bus.publish('#a', { kind: 'events', channel: '#a', first: 1, last: 1, frames: Buffer.alloc(256 * 1024) })
  bus.publish('#a', { kind: 'events', channel: '#a', first: 2, last: 9, frames: Buffer.alloc(256 * 1024 + 1) })
  await new Promise(resolve => setImmediate(resolve))
  expect(heard).toMatchObject([{ kind: 'events', last: 1 }, { kind: 'heads', heads: [['#a', 9]] }])
})

test('whoever is alone remembers nothing; with others what was written to is told again for three seconds', () => {
  const memory = new MemoryBus<BusMessage>()
  const bus = new NumberedBus(memory.join('one'), 1, { busTold: 0, unanswered: 0 })
  bus.noteHead('#a', 1)
  expect(bus.heads()).toEqual([])
  memory.join('two')
  bus.noteHead('#a', 2)
  bus.noteHead('#a', 1)
  for (let second = 0; second < 3; second++) expect(bus.heads()).toEqual([['#a', 2]])
  expect(bus.heads()).toEqual([])
})
