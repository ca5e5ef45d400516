// Thousands of hostile frames from several sockets at once; then the relay is asked whether it is well.
// A failure prints the seed and the shortest list of frames. FUZZ_SEED and FUZZ_RUNS choose others.
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { maxDebtMs } from '../src/relay/dispatch.ts'
import { requestDocs } from '../lib/protocol/index.ts'
import { rawSocket } from './kit/raw-socket.ts'
import { startKeptRelay } from './kit/kept.ts'
import type { TestRelay } from './kit/relay.ts'
import { expectExchange, metricsOf } from './kit/vitals.ts'
import { newKey, type Wire } from './kit/wire.ts'

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101)
const numRuns = Number(process.env['FUZZ_RUNS'] ?? 60)
const framesPerRun = 120

type Json = Record<string, unknown>

const examples: readonly Json[] = Object.entries(requestDocs).map(([type, { example }]) => ({ type, ...example }))
const fieldNames = [...new Set(examples.flatMap(example => Object.keys(example)))]

/** Values at the edges of what fields allow, and beyond. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 0, 0.5, 1e300, Number.MAX_SAFE_INTEGER, '', ' ', '#', '@', '#general', '#ops', '@server',
    '__proto__', 'constructor', '\ud800', '\u0000', 'x'.repeat(33), 'x'.repeat(5_000), [], {}, [[]], [null], { length: 1 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 }),
)

const change: fc.Arbitrary<(frame: Json) => Json> = fc.oneof(
  fc.tuple(fc.constantFrom(...fieldNames), oddValue).map(([name, value]) => (frame: Json) => ({ ...frame, [name]: value })),
  fc.constantFrom(...fieldNames).map(name => (frame: Json) => ({ ...frame, [name]: undefined })),
  fc.tuple(fc.string(), oddValue).map(([name, value]) => (frame: Json) => Object.fromEntries([...Object.entries(frame), [name, value]])),
  fc.constantFrom(...examples).map(other => (frame: Json) => ({ ...other, type: frame['type'] })),
)

const mutated: fc.Arbitrary<string> = fc.tuple(fc.constantFrom(...examples), fc.array(change, { maxLength: 3 }))
  .map(([example, changes]) => JSON.stringify(changes.reduce((frame, apply) => apply(frame), example)))

const hostileFrame: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 10, arbitrary: mutated },
  { weight: 2, arbitrary: fc.tuple(mutated, fc.nat(200)).map(([text, end]) => text.slice(0, end)) },
  {
    weight: 2,
    arbitrary: fc.tuple(mutated, fc.nat(200), fc.nat(255)).map(([text, at, byte]) => {
      const bytes = Buffer.from(text)
      bytes[at % bytes.length] = byte
      return bytes
    }),
  },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array().map(bytes => Buffer.from(bytes)) },
)

/** Those who send: sessions with and without a key, and, last, a socket that has none. */
const key = newKey()
const openSenders = (relay: TestRelay): Promise<readonly Wire[]> =>
  Promise.all([relay.login('ann'), relay.login('bob'), relay.login('carol', { key }), relay.connect()])
const senderCount = 4

/** Everything a sender sent is decided, or the relay has shut it out. */
const settle = async (wire: Wire): Promise<void> => {
  try {
    await wire.barrier()
  } catch (error) {
    if (!wire.isClosed) throw error
  }
}

/** Bytes on a socket that was a WebSocket until then. */
const writeRaw = async (relay: TestRelay, bytes: Uint8Array): Promise<void> => {
  const socket = await rawSocket(relay.url)
  socket.end(bytes)
  await new Promise(resolve => socket.once('close', resolve))
}

test(`a live relay withstands hostile frames (seed ${seed})`, { timeout: 120_000 }, async () => {
  const stray: unknown[] = []
  const onStray = (error: unknown) => {
    stray.push(error)
  }
  process.on('unhandledRejection', onStray).on('uncaughtException', onStray)
  // The admin key is the one in the examples: what an admin can break counts too.
  await using relay = await startKeptRelay({ adminKey: "the relay's admin key", addressRate: 0, frameRate: 0, maxConnectionsPerIp: 0 }, [
    key,
  ])
  let sent = 0

  const step = fc.record({ by: fc.nat(senderCount - 1), frame: hostileFrame })
  const raw = fc.uint8Array({ minLength: 1, maxLength: 300 })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: framesPerRun, maxLength: framesPerRun, size: 'max' }), raw, async (steps, bytes) => {
      const wires = await openSenders(relay)
      for (const { by, frame } of steps) wires[by]!.send(frame)
      sent += steps.length
      // The one without a session is read no further than its small allowance.
      await Promise.all([...wires.slice(0, -1).map(settle), writeRaw(relay, bytes)])
      for (const wire of wires) await wire[Symbol.asyncDispose]()
      await expectExchange(relay.url)
      expect(stray).toEqual([])
      expect(await metricsOf(relay.httpUrl)).not.toHaveProperty(['agentchat_errors_sent_total{code="INTERNAL"}'])
    }),
    { seed, numRuns, endOnFailure: process.env['CI'] !== undefined },
  )

  // Who has no session and owes for what it asked is read to its end once that is paid: after `maxDebtMs` at the latest.
  await vi.waitFor(async () =>
    expect(await metricsOf(relay.httpUrl)).toMatchObject({
      agentchat_connections: 0,
      agentchat_agents: 0,
      agentchat_queue_frames: 0,
      agentchat_paused_sockets: 0,
    }), { timeout: maxDebtMs + 5_000, interval: 100 })
  const counted = await metricsOf(relay.httpUrl)
  expect(counted['agentchat_frames_received_total']).toBeGreaterThan(sent / 2)
  expect(counted['agentchat_frames_invalid_total']).toBeGreaterThan(sent / 10)
  expect(counted['agentchat_frames_invalid_total']).toBeLessThan(counted['agentchat_frames_received_total']!)
  expect(counted['agentchat_errors_sent_total{code="INVALID_MSG"}']).toBeGreaterThanOrEqual(counted['agentchat_frames_invalid_total']!)
  expect(Object.entries(counted).filter(([name, value]) => name.startsWith('agentchat_') && !(value >= 0))).toEqual([])
  process.off('unhandledRejection', onStray).off('uncaughtException', onStray)
})
