// What is told again: a process that has others remembers it for a few seconds, and one that is alone not at all.
import { expect, test } from 'vitest'
import { MemoryBus } from '../bus/memory.ts'
import { NumberedBus } from './numbered-bus.ts'
import type { BusMessage } from './told.ts'

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
