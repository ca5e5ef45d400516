import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Account, shareOut } from './account.ts'
import { Callers, type Caller } from './callers.ts'
import { Slices } from './slices.ts'
import type { Visit } from './visit.ts'

const callers = new Callers({
  slices: new Slices({ now: () => 0, later: () => undefined }),
  account: new Account({ ...shareOut(1e9), onOver: () => undefined, onCut: () => undefined }),
  debtMs: () => 0,
  charge: () => undefined,
})
const callerIn = (state: string): Caller => ({ guest: { state }, bodyBytes: 0, aheadBytes: 0 }) as unknown as Caller
const head = (more = '') => `GET / HTTP/1.1\r\nhost: relay.example\r\nx-padding: ${'x'.repeat(300)}\r\n${more}\r\n`
const pieceOf = (text: string, state = 'quiet') => callers.pieceBytes(callerIn(state), Buffer.from(text))

test('a request that nothing is piled up behind is parsed at once, with what is there of its body', () => {
  expect(pieceOf(head())).toBe(head().length)
  const post = `${head('content-length: 9\r\n')}{"a":1}`
  const caller = callerIn('quiet')
  expect(callers.pieceBytes(caller, Buffer.from(post))).toBe(post.length)
  expect(caller.aheadBytes).toBe(7)
})

test('what may be more than one is parsed in small pieces', () => {
  expect(pieceOf(head() + head())).toBe(128)
  expect(pieceOf(head(`y: ${'y'.repeat(2_000)}\r\n`))).toBe(128)
  expect(pieceOf(head().slice(0, -4))).toBe(128)
  expect(pieceOf(head(), 'busy')).toBe(128)
})

test('a body that nobody takes yet is owed by whose request it is, and who owes too much goes', async () => {
  const cut = (debtor: object) => (debtor as Visit).cut()
  const account = new Account({ ...shareOut(2_000_000), onOver: cut, onCut: cut })
  const slices = new Slices({ now: () => 0, later: then => setImmediate(then) })
  const callers = new Callers({ slices, account, debtMs: () => 0, charge: () => undefined })
  const bodies = Array.from({ length: 5 }, () => {
    const socket = new PassThrough()
    let taken = 0
    socket.on('data', (piece: Buffer) => taken += piece.length)
    const request = {
      complete: false,
      readableFlowing: null as boolean | null,
      headers: { 'content-length': '60000' },
      on: () => undefined,
    }
    const caller = { ...callerIn('busy'), address: 'a proxy' }
    callers.read(caller, socket)
    callers.begins(caller, 'somebody', request as never)
    return { socket, request, caller, taken: () => taken }
  })
  const [first, ...others] = bodies
  first!.socket.write(Buffer.alloc(60_000))
  await nextTurn()
  // With what the system has for it at that moment.
  expect([first!.taken(), account.bytes]).toEqual([0, 60_000 + 64 * 1024])
  for (const { socket } of others) socket.write(Buffer.alloc(60_000))
  await nextTurn()
  expect(account.bytes).toBeLessThanOrEqual(500_000)
  expect(bodies.some(({ socket }) => socket.destroyed)).toBe(true)
  for (const { request, caller, taken, socket } of bodies) {
    request.readableFlowing = true
    caller.feed!.goOn()
    expect(taken()).toBe(socket.destroyed ? 0 : 60_000)
  }
  expect(account.bytes).toBe(0)
})
