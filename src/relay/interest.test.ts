// What a process hears, as the others come to know it: by all that it tells of itself, in pages, and by what it tells of each channel.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { MemoryBus } from '../bus/memory.ts'
import { Hearing } from './hearing.ts'
import { Interest } from './interest.ts'
import { NumberedBus } from './numbered-bus.ts'
import { Snapshots } from './snapshots.ts'
import type { BusMessage } from './told.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const settled = () => new Promise(resolve => setImmediate(resolve))

const newBus = (memory: MemoryBus<BusMessage>, name: string) => new NumberedBus(memory.join(name), 1, { busTold: 0, unanswered: 0 })

/** One that tells which channels it follows, or hears that. */
const snapshotsOf = (bus: NumberedBus, channels: readonly string[]) => {
  const interest = new Interest()
  const snapshots = new Snapshots({
    bus,
    interest,
    hub: { channels } as never,
    roster: { here: () => [], elsewhere: () => [] } as never,
    effects: {} as never,
    hearing: new Hearing({ apply: vi.fn(), missed: vi.fn(), caughtUp: vi.fn() }, { busHeld: 0, busGaps: 0 }),
    missed: vi.fn(),
    settled: () => undefined,
    learned: vi.fn(),
  })
  return { interest, snapshots }
}

test('whoever says nothing hears all; what one hears or not it says, all at once or one by one', () => {
  const interest = new Interest()
  expect(interest.hears('one', '#a')).toBe(true)
  interest.note('one', '#a', false)
  expect(interest.hears('one', '#a')).toBe(true)
  expect(interest.learn('one', ['#a', '#b'])).toEqual(['#a', '#b'])
  expect(interest.learn('one', ['#b', '#c'])).toEqual(['#c'])
  expect(['#a', '#b', '#c'].map(channel => interest.hears('one', channel))).toEqual([false, true, true])
  interest.note('one', '#a', true)
  interest.note('one', '#c', false)
  expect(['#a', '#b', '#c'].map(channel => interest.hears('one', channel))).toEqual([true, true, false])
  expect(interest.learn('one', undefined)).toEqual([])
  expect(interest.hears('one', '#c')).toBe(true)
})

test('very many channels are told in pages, whatever overtakes what', () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 3_500 }), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (count, chance) => {
        const memory = new MemoryBus<BusMessage>()
        const channels = upTo(count).map(n => `#${n}`)
        const { snapshots: one } = snapshotsOf(newBus(memory, 'one'), channels)
        const two = newBus(memory, 'two')
        const pages: Extract<BusMessage, { kind: 'sessions' }>[] = []
        two.hear(message => message.kind === 'sessions' && pages.push(message))
        void two.follow('*')
        one.tell('*')
        await settled()
        expect(pages.length).toBe(Math.max(1, Math.ceil(count / 1_000)))
        for (const { hears } of pages) expect(hears!.length).toBeLessThanOrEqual(1_000)
        const { snapshots, interest } = snapshotsOf(two, [])
        const places = new Map(pages.map(page => [page, chance.next().value]))
        for (const page of pages.toSorted((a, b) => places.get(a)! - places.get(b)!)) {
          expect(interest.hears('one', '#none')).toBe(true)
          snapshots.collect(page, 'one')
        }
        expect(interest.hears('one', '#none')).toBe(false)
        expect(channels.filter(channel => !interest.hears('one', channel))).toEqual([])
      }),
    { numRuns: 20 },
  ))

test('what a process follows on the bus it tells all, in numbers, and what it hears no more', async () => {
  const memory = new MemoryBus<BusMessage>()
  const alone = newBus(memory, 'one')
  void alone.follow('#alone')
  const told = alone.told
  const two = memory.join('two')
  const heard: BusMessage[] = []
  two.hear(message => heard.push(message))
  two.follow('*')
  for (const subject of ['#a', '@agent', '!one', '*']) void alone.follow(subject)
  for (const subject of ['#a', '@agent']) alone.unfollow(subject)
  await settled()
  expect(heard).toMatchObject([
    { kind: 'told', n: told + 1, isAwaited: false, told: { kind: 'hears', channel: '#a', isHeard: true } },
    { kind: 'told', n: told + 2, isAwaited: false, told: { kind: 'hears', channel: '#a', isHeard: false } },
  ])
  expect(heard.length).toBe(2)
})

test('of what nobody else hears it is kept how far it is; whoever begins to hear it is told, the newest, of a few seconds', async () => {
  const memory = new MemoryBus<BusMessage>()
  const bus = newBus(memory, 'one')
  const two = memory.join('two')
  const heard: BusMessage[] = []
  two.hear(message => heard.push(message))
  for (const subject of ['#a', '#b', '!two']) two.follow(subject)
  bus.sparing(channel => channel === '#b')
  const events = (channel: string, last: number, bytes = 1) =>
    bus.publish(channel, { kind: 'events', channel, first: last, last, frames: Buffer.alloc(bytes) })
  events('#a', 4)
  events('#a', 5, 512 * 1024)
  events('#b', 1)
  bus.heads()
  // Sent once more under its id.
  bus.noteHead('#a', 2)
  await settled()
  expect(heard).toMatchObject([{ kind: 'events', channel: '#b' }])
  bus.tellHeads('two', ['#none', '#a'])
  bus.tellHeads('two', ['#none'])
  await settled()
  expect(heard.slice(1)).toEqual([{ kind: 'heads', heads: [['#a', 5]], n: bus.told }])
  for (let second = 0; second < 3; second++) bus.heads()
  bus.tellHeads('two', ['#a'])
  await settled()
  expect(heard.length).toBe(2)
})
