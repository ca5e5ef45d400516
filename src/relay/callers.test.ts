import { expect, test } from 'vitest'
import { Callers, type Caller } from './callers.ts'
import { Slices } from './slices.ts'

const callers = new Callers({
  slices: new Slices({ now: () => 0, later: () => undefined }),
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
