import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createMetrics } from '../base/metrics.ts'
import { Account } from './account.ts'
import type { Connection } from './connection.ts'
import { Outbox } from './outbox.ts'

/** As much of connections as an outbox sees, whose sockets take everything. */
const setUp = (count: number) => {
  const metrics = createMetrics()
  const account = new Account<object>({
    maxBytes: 1e9,
    maxAddressBytes: 1e9,
    maxPartingBytes: 1e9,
    onOver: () => undefined,
    onCut: () => undefined,
  })
  const outbox = new Outbox({ maxPendingBytes: 1e9, onSlow: () => undefined, onTaken: () => undefined }, account, metrics.counts)
  const writes: number[] = []
  /** What the first one took. */
  const socket0 = { text: '' }
  const connections = Array.from({ length: count }, (_, i) => {
    const write = (bytes: Buffer) => {
      writes.push(i)
      if (i === 0 && bytes.length < 100) socket0.text += bytes.toString()
    }
    const socket = { writableLength: 0, write, cork: () => undefined, uncork: () => undefined }
    return { open: true, socket } as unknown as Connection
  })
  const say = (bytes: number) => {
    for (const connection of connections) outbox.add(connection, Buffer.alloc(bytes))
  }
  return { outbox, writes, say, connections, socket: socket0, [Symbol.dispose]: () => metrics.close() }
}

test('a turn writes to a thousand sockets, however often it is told that something is ready', async () => {
  using set = setUp(5_000)
  const { outbox, writes, say } = set
  say(10)
  const turns: number[] = []
  while (writes.length < 5_000) {
    // As many batches end in a turn, and each has something for everybody.
    for (let batch = 0; batch < 4; batch++) {
      say(10)
      outbox.flush()
    }
    await nextTurn()
    turns.push(writes.length)
  }
  // The first is asked before its end as well.
  expect(turns).toEqual([2_000, 3_000, 4_000, 5_000])
  // In the order in which they were first due.
  expect(writes.slice(0, 5_000)).toEqual(Array.from({ length: 5_000 }, (_, i) => i))
})

test('a turn writes no more bytes than it has room for', async () => {
  using set = setUp(40)
  set.say(512 * 1024)
  set.outbox.flush()
  expect(set.writes).toHaveLength(16)
  await nextTurn()
  expect(set.writes).toHaveLength(32)
  await nextTurn()
  expect(set.writes).toHaveLength(40)
})

test('where a turn has no room for all, each address is written in its turn', async () => {
  using set = setUp(1_001)
  const { outbox, writes, connections, say } = set
  const [quiet, ...loud] = connections
  Object.assign(quiet!, { address: 'quiet' })
  for (const connection of loud) Object.assign(connection, { address: 'loud' })
  // Eight to each, and more than are copied together: a turn has room for 125.
  for (let i = 0; i < 8; i++) say(1_000)
  outbox.flush()
  expect(writes).toHaveLength(1_000)
  // All the others wait, and were there before.
  outbox.add(quiet!, Buffer.alloc(9))
  await nextTurn()
  expect(writes).toHaveLength(2_001)
  expect(writes.slice(1_000).filter(i => i === 0)).toHaveLength(1)
  while (writes.length < 8_009) await nextTurn()
  expect(new Set(writes).size).toBe(1_001)
})

test('it is told when all that was ready is handed over, and not before', async () => {
  using set = setUp(40)
  const { outbox, writes, say } = set
  const told: number[] = []
  outbox.whenWritten(() => told.push(writes.length))
  expect(told).toEqual([0])
  say(512 * 1024)
  outbox.whenWritten(() => told.push(writes.length))
  while (told.length < 2) {
    await nextTurn()
    // What comes meanwhile is not waited for.
    outbox.add({ ...set.connections[0]!, out: undefined } as Connection, Buffer.alloc(512 * 1024))
  }
  expect(told[1]).toBeGreaterThanOrEqual(40)
  expect(told[1]).toBeLessThan(48)
})

test('what waits for others to know it is held, and nothing before it, even if more is held on and on', async () => {
  using set = setUp(1)
  const { outbox, connections: [connection], socket } = set
  const waits: (() => void)[] = []
  const say = (text: string) => outbox.add(connection!, Buffer.from(text))
  const held = (text: string) => {
    const from = connection!.out?.length ?? 0
    say(text)
    outbox.hold(connection!, from, new Promise(resolve => waits.push(resolve)))
  }
  say('a')
  held('B')
  say('c')
  await nextTurn()
  expect(socket.text).toBe('a')
  held('D')
  say('e')
  waits[0]!()
  await nextTurn()
  await nextTurn()
  expect(socket.text).toBe('aBc')
  // The later one first: what is before it waits still.
  held('F')
  say('g')
  waits[2]!()
  await nextTurn()
  expect(socket.text).toBe('aBc')
  waits[1]!()
  await nextTurn()
  await nextTurn()
  expect(socket.text).toBe('aBcDeFg')
  expect(connection!.out).toBeUndefined()
  held('H')
  // It ends, and says so behind all there is.
  outbox.flushOne(connection!, true)
  expect(socket.text).toBe('aBcDeFgH')
})
