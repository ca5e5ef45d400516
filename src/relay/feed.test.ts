import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Feed, type Eater } from './feed.ts'
import { Slices } from './slices.ts'
import type { Source } from './turns.ts'

const nextTurn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A socket, who parses it, and one that says whether it may. */
const fed = (pieceBytes = 10) => {
  const read: string[] = []
  const state = { isFree: true, isOver: false, owed: 0, mostOwed: 0, isPaused: false, msPerPiece: 0 }
  const counted = { pauses: 0, resumes: 0 }
  let ms = 0
  const slices = new Slices({ now: () => ms, later: then => setImmediate(then) })
  const socket = new PassThrough()
  socket.on('data', (piece: Buffer) => {
    read.push(piece.toString())
    ms += state.msPerPiece
  })
  const eater: Eater<Source> = {
    pieceBytes: () => pieceBytes,
    mayRead: () => state.isFree,
    isOver: () => state.isOver,
    wasRead: () => undefined,
    waits: (_owner, bytes) => {
      state.owed += bytes
      state.mostOwed = Math.max(state.mostOwed, state.owed)
    },
    pause: () => {
      state.isPaused = true
      counted.pauses++
      socket.pause()
    },
    resume: () => {
      state.isPaused = false
      counted.resumes++
      socket.resume()
    },
  }
  return { socket, read, state, counted, feed: new Feed(socket, slices, eater, { address: '192.0.2.1' }), eater, slices }
}

test('pieces, in order, and nothing waits', async () => {
  const { socket, read, state } = fed()
  socket.write('0123456789abcdefghijklm')
  await nextTurn()
  expect(read).toEqual(['0123456789', 'abcdefghij', 'klm'])
  expect(state).toMatchObject({ owed: 0, isPaused: false })
})

test('whoever is not free stops the socket, what waits counts, and comes first when it goes on', async () => {
  const { socket, read, state, feed } = fed()
  const much = 'x'.repeat(20_000)
  state.isFree = false
  socket.write(Buffer.from(much))
  await nextTurn()
  socket.write(Buffer.from('cd'))
  await nextTurn()
  expect(read).toEqual([])
  expect(state.isPaused).toBe(true)
  // With the chunk that the socket may bring all the same.
  expect(state.owed).toBe(20_000 + 64 * 1_024)
  state.isFree = true
  feed.goOn()
  await nextTurn()
  expect(read.join('')).toBe(`${much}cd`)
  expect(state).toMatchObject({ owed: 0, isPaused: false })
})

test('an address without time goes on in later turns', async () => {
  const { socket, read, state } = fed(1)
  state.msPerPiece = 2
  socket.write('x'.repeat(50))
  await nextTurn()
  const first = read.length
  expect(first).toBeLessThan(10)
  await nextTurn()
  await nextTurn()
  expect(read.length).toBeGreaterThan(first)
  for (let turns = 0; turns < 100 && read.length < 50; turns++) await nextTurn()
  expect(read).toHaveLength(50)
})

test('little that waits does not stop the socket, and counts; much does', async () => {
  for (const [bytes, pauses] of [[100, 0], [17 * 1_024, 1]] as const) {
    const { socket, read, state, counted } = fed(bytes)
    state.msPerPiece = 10
    socket.write(Buffer.alloc(bytes, 'a'))
    socket.write(Buffer.alloc(bytes, 'b'))
    await nextTurn()
    for (let turns = 0; turns < 10 && read.length < 2; turns++) await nextTurn()
    expect(read.map(({ length }) => length)).toEqual([bytes, bytes])
    expect(counted).toEqual({ pauses, resumes: pauses })
    expect(state).toMatchObject({ owed: 0, isPaused: false })
  }
  const { socket, state, counted, feed } = fed()
  state.isFree = false
  socket.write('c')
  await nextTurn()
  expect([counted.pauses, feed.isWaiting]).toEqual([0, true])
  expect(state.owed).toBeGreaterThan(0)
  for (let i = 0; i < 4; i++) {
    socket.write(Buffer.alloc(5_000))
    await nextTurn()
  }
  expect(counted.pauses).toBe(1)
})

test('what comes behind the end is not kept', async () => {
  const { socket, read, state } = fed()
  state.isOver = true
  for (let i = 0; i < 10; i++) socket.write(Buffer.alloc(60_000))
  await nextTurn()
  expect(read).toEqual([])
  expect(state.mostOwed).toBe(0)
})

test('another parser gets what waits', async () => {
  const { socket, read, state, feed, eater, slices } = fed()
  state.isFree = false
  socket.write('first, ')
  await nextTurn()
  const rest = feed.end()
  const second: string[] = []
  socket.on('data', (piece: Buffer) => second.push(piece.toString()))
  state.isFree = true
  const next = new Feed(socket, slices, eater, { address: '192.0.2.1' }, rest)
  next.goOn()
  socket.write('second')
  await nextTurn()
  expect(read).toEqual([])
  expect(second.join('')).toBe('first, second')
})

test('a socket that is torn down: what came is read, if it may be', async () => {
  for (const isFree of [true, false]) {
    const { socket, read, state, feed } = fed()
    state.isFree = false
    socket.write('last words')
    await nextTurn()
    state.isFree = isFree
    socket.destroy()
    await nextTurn()
    feed.goOn()
    expect(read.join('')).toBe(isFree ? 'last words' : '')
    expect(state.owed).toBe(0)
  }
})
