import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Connection } from './connection.ts'
import { frameOfStored } from './encode.ts'
import { MemoryBus } from '../bus/memory.ts'
import { Filters } from './filters.ts'
import { Hub, type HubDeps } from './hub.ts'
import { Reads } from './reads.ts'
import { Replayer } from './replay.ts'

const channel = '#c'
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** The seqs in frames that were joined. */
const seqsIn = (bytes: Buffer): readonly number[] => [...bytes.toString('latin1').matchAll(/"seq":(\d+)/g)].map(match => Number(match[1]))

interface Listener extends Connection {
  /** Where it began: it hears what is behind; undefined: from whenever. */
  from: number | undefined
  heard: number[]
}

/** A log, a hub and its listeners. `readTurns`: how long a page takes. */
const world = (readTurns: () => number = () => 0, bus: HubDeps['bus'] = new MemoryBus<never>().join('n1')) => {
  /** Commits, each of so many events. */
  const batches: { readonly first: number, readonly last: number, readonly frames: Buffer }[] = []
  const rows: { readonly seq: number, readonly text: Buffer }[] = []
  const listeners: Listener[] = []
  const lost: unknown[] = []
  const counts = { deliveries: 0, repairedEvents: 0, replayedEvents: 0 }
  let pages = 0
  const head = () => rows.at(-1)?.seq ?? 0
  const log = {
    newestOf: (channels: readonly string[]) => Promise.resolve(new Map(channels.map(channel => [channel, head()]))),
    async page(_: string, { after, limit }: { readonly after?: number, readonly limit: number }) {
      pages++
      await turns(readTurns())
      return rows.filter(row => row.seq > after!).slice(0, limit)
    },
  }
  const outbox = { add: (connection: Listener, bytes: Buffer) => connection.heard.push(...seqsIn(bytes)), flushOne: () => undefined }
  const hub = new Hub({
    bus,
    outbox: outbox as never,
    filters: new Filters({ outbox: outbox as never, clock: { now: () => 0 }, groupsOf: () => undefined }),
    counts: counts as never,
    log: log as never,
    onLost: (_, error) => lost.push(error),
  })
  const replayer = new Replayer({
    store: { read: { log } },
    hub,
    outbox,
    clock: { now: () => 0 },
    counts,
    reads: new Reads(),
    room: () => undefined,
    onSent: () => undefined,
    onOffered: () => undefined,
  } as never)
  const newListener = (from: number | undefined): Listener => {
    const listener = { from, heard: [], open: true, channels: new Set<string>(), address: 'x', drained: () => Promise.resolve() }
    listeners.push(listener as never)
    return listener as never
  }
  const join = (listener: Listener, from: number) => {
    Object.assign(listener, { from, heard: [] })
    const catchUp = hub.subscribe(listener, channel, head())
    if (!hub.goLive(catchUp, from)) void replayer.channel(catchUp, from)
  }
  return {
    hub,
    batches,
    listeners,
    lost,
    counts,
    newListener,
    join,
    head,
    pages: () => pages,
    commit(size: number) {
      const first = head() + 1
      for (let seq = first; seq < first + size; seq++) rows.push({ seq, text: Buffer.from(JSON.stringify({ seq })) })
      const frames = Buffer.concat(rows.slice(-size).map(({ text }) => frameOfStored(text)))
      batches.push({ first, last: head(), frames })
    },
    tell(index: number) {
      const { first, last, frames } = batches[index]!
      hub.publish(channel, first, last, frames)
    },
    /** What was erased. */
    erase: (upTo: number) => rows.splice(0, rows.findIndex(({ seq }) => seq > upTo)),
    async settle() {
      for (let i = 0; i < 4; i++) {
        await vi.advanceTimersByTimeAsync(60)
        await turns(8)
      }
    },
  }
}

const upTo = (first: number, last: number) => Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)

test('whatever the bus does with events, each subscriber hears 1, 2, 3, …', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), size: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('tell' as const), back: fc.nat({ max: 5 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), back: fc.nat({ max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), who: fc.nat({ max: 5 }), back: fc.nat({ max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat({ max: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('listen' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 60 }) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 5 }),
      async (steps, waits) => {
        let read = 0
        const { hub, batches, listeners, lost, ...it } = world(() => waits[read++ % waits.length]!)
        for (const each of steps) {
          if (each.kind === 'commit') it.commit(each.size)
          // Early, late, again, or never.
          else if (each.kind === 'tell' && batches.length > each.back) it.tell(batches.length - 1 - each.back)
          else if (each.kind === 'join') it.join(it.newListener(0), Math.max(0, it.head() - each.back))
          else if (each.kind === 'again' && listeners[each.who]?.open === true)
            it.join(listeners[each.who]!, Math.max(0, it.head() - each.back))
          else if (each.kind === 'leave' && listeners[each.who] !== undefined) {
            listeners[each.who]!.open = false
            hub.unsubscribe(listeners[each.who]!, channel)
          } else if (each.kind === 'listen') hub.listen(it.newListener(undefined), channel)
          else if (each.kind === 'turns') await turns(each.count)
          else if (each.kind === 'time') await vi.advanceTimersByTimeAsync(each.ms)
        }
        // The last ones may be what was lost: some day somebody says how far the log goes.
        hub.noteStored(channel, it.head())
        await it.settle()
        expect(lost).toEqual([])
        for (const { from, heard, open } of listeners) {
          const first = from ?? (heard[0] ?? 1) - 1
          const last = open && from !== undefined ? it.head() : heard.at(-1) ?? first
          expect(heard).toEqual(upTo(first + 1, last))
        }
        expect(hub.heldBytes).toBe(0)
      }),
    { numRuns: 400 },
  )
}, 60_000)

test('what comes early waits for what is missing; nothing is read when that comes in time', async () => {
  const { hub, tell, commit, ...it } = world()
  const listener = it.newListener(0)
  it.join(listener, 0)
  for (const size of [1, 2, 1]) commit(size)
  tell(2)
  tell(1)
  expect(listener.heard).toEqual([])
  tell(0)
  expect(listener.heard).toEqual([1, 2, 3, 4])
  await it.settle()
  expect(it.pages()).toBe(0)
  expect(it.counts.repairedEvents).toBe(0)
  expect(hub.lastOf(channel)).toBe(4)
})

test('however much comes early, a bounded part of it is held; the rest is read', async () => {
  const { hub, tell, commit, ...it } = world()
  const listener = it.newListener(0)
  it.join(listener, 0)
  for (const _ of upTo(0, 200)) commit(1)
  for (const i of upTo(1, 200)) tell(i)
  expect(hub.heldBytes).toBeLessThan(64 * 20)
  await it.settle()
  expect(listener.heard).toEqual(upTo(1, 201))
  expect(hub.heldBytes).toBe(0)
})

test('what was erased before it could be read is passed over', async () => {
  const { tell, commit, erase, ...it } = world()
  const listener = it.newListener(0)
  it.join(listener, 0)
  for (const _ of upTo(1, 4)) commit(1)
  tell(3)
  erase(2)
  await it.settle()
  expect(listener.heard).toEqual([3, 4])
})

test('where the log does not have what was told of, those who hear the channel come back and resume', async () => {
  const { tell, commit, hub, ...it } = world()
  const listener = it.newListener(0)
  it.join(listener, 0)
  commit(1)
  tell(0)
  hub.noteStored(channel, 3)
  await it.settle()
  expect(it.lost).toMatchObject([{ message: `the log of ${channel} ends at 1, before an event that was told of` }])
  expect(listener.heard).toEqual([1])
})

describe('where following takes a while', () => {
  const slowBus = () => {
    const followed: (() => void)[] = []
    const subjects = new Set<string>()
    const bus: HubDeps['bus'] = {
      follow(subject) {
        subjects.add(subject)
        return new Promise(resolve => followed.push(resolve))
      },
      unfollow: subject => void subjects.delete(subject),
    }
    return { followed, subjects, bus }
  }

  test('what was published until a channel is followed is read', async () => {
    const { bus, followed } = slowBus()
    const { commit, tell, ...it } = world(undefined, bus)
    commit(2)
    const listener = it.newListener(0)
    it.join(listener, 2)
    // It is not followed yet: nobody tells of it here.
    commit(1)
    followed[0]!()
    await it.settle()
    expect(listener.heard).toEqual([3])
    commit(1)
    tell(2)
    expect(listener.heard).toEqual([3, 4])
  })

  test('a channel that is kept knows how far it is before anybody listens', async () => {
    const { bus, followed, subjects } = slowBus()
    const { commit, tell, hub, ...it } = world(undefined, bus)
    commit(2)
    const kept = hub.keep(channel)
    followed[0]!()
    await kept
    const listener = it.newListener(undefined)
    hub.listen(listener, channel)
    commit(1)
    commit(1)
    tell(2)
    await it.settle()
    expect(listener.heard).toEqual([3, 4])
    hub.unsubscribe(listener, channel)
    expect([...subjects]).toEqual([channel])
    hub.end(channel)
    expect([...subjects]).toEqual([])
  })
})

test.each([
  ['has come', [0], true],
  ['comes afterwards', [], true],
  ['does not come, and is read', [], false],
])('what is told behind an event that %s is done when it was heard', async (_, before, comes) => {
  const { hub, listeners: _all, ...it } = world()
  const listener = it.newListener(0)
  it.join(listener, 0)
  it.commit(1)
  for (const index of before) it.tell(index)
  let heard: number[] | undefined
  hub.behind({ channel, seq: 1 }, () => heard = [...listener.heard])
  expect(heard).toEqual(before.length > 0 ? [1] : undefined)
  if (comes) it.tell(0)
  await it.settle()
  expect(heard).toEqual([1])
  // Of a channel that nobody hears here there is nothing to wait for.
  let isDone = false
  hub.behind({ channel: '#other', seq: 9 }, () => isDone = true)
  hub.behind(undefined, () => isDone &&= true)
  expect(isDone).toBe(true)
})
