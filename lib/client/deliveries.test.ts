// One who has a message ends another who was to have it too, before it does: it holds nothing back, and is told of nothing any more.
import { expect, test, vi } from 'vitest'
import type { Frame } from '../protocol/index.ts'
import { Deliveries } from './deliveries.ts'
import { listen } from './listener.ts'
import type { Message } from './message.ts'
import { messageStream } from './stream.ts'

const reply = () => Promise.reject(new Error('nobody to send it to'))

/** Deliveries with a first listener that calls `first`; a message that comes says whether it was handled. */
const world = async (first: () => void) => {
  const deliveries = new Deliveries({ maxWaiting: 5, maxWaitingChars: 1_000, changed: () => undefined, missed: () => undefined })
  const failures: unknown[] = []
  listen(deliveries, first, { ack: 'auto', reply, failed: error => failures.push(error) })
  const come = () => {
    const state = { isHandled: false }
    deliveries.dispatch({
      facts: { from: '@c', to: '@me', content: 'x', seq: 1, frame: { type: 'MSG' } as Frame<'MSG'> } as never,
      stream: '@c',
      chars: 1,
      order: 1,
      handled: () => state.isHandled = true,
      letGo: () => undefined,
      isOpen: () => !state.isHandled,
    })
    return state
  }
  const streamOf = (signal?: AbortSignal) => messageStream(deliveries, { ack: 'auto', reply, streams: 'all', wants: () => true, signal })
  await Promise.resolve()
  return { deliveries, come, streamOf, failures }
}

test.each([['that is asked for the next one', true], ['that nobody reads', false]])(
  'a loop %s ends with the signal, and the message is handled',
  async (_, isAsked) => {
    const stop = new AbortController()
    const { deliveries, come, streamOf } = await world(() => stop.abort())
    const messages = streamOf(stop.signal)
    const next = isAsked ? messages.next() : undefined
    expect([come().isHandled, deliveries.held]).toEqual([true, { count: 0, chars: 0 }])
    await deliveries.idle()
    expect(await (next ?? messages.next())).toEqual({ value: undefined, done: true })
  },
)

test.each([['gently', false], ['at once', true]])('a loop that waits when the client ends %s holds nothing back', async (_, isOver) => {
  const { deliveries, come, streamOf } = await world(() => deliveries.end(undefined, isOver))
  const next = streamOf().next()
  expect([come().isHandled, deliveries.held.count]).toEqual([true, 0])
  expect(await next).toEqual({ value: undefined, done: true })
})

test('a loop that has not come to its next one when the client ends gently still has the message', async () => {
  const { deliveries, come, streamOf } = await world(() => deliveries.end(undefined, false))
  const messages = streamOf()
  const state = come()
  expect(state.isHandled).toBe(false)
  expect((await messages.next()).value).toMatchObject({ content: 'x' })
  expect(await messages.next()).toEqual({ value: undefined, done: true })
  expect(state.isHandled).toBe(true)
})

test.each([['that listens', false], ['that has only begun to', true]])('a listener %s is not called once it was taken off',
  async (_, isNew) => {
    let off = () => {}
    const { deliveries, come, failures } = await world(() => off())
    const called: Message[] = []
    off = listen(deliveries, message => called.push(message), { ack: 'auto', reply, failed: error => failures.push(error) })
    if (!isNew) await Promise.resolve()
    expect([come().isHandled, deliveries.held.count]).toEqual([true, 0])
    await Promise.resolve()
    expect([called, failures]).toEqual([[], []])
  })

test('what a listener that was taken off gives back is for others, and does not come to it again', async () => {
  vi.useFakeTimers()
  try {
    const { deliveries, come } = await world(() => undefined)
    const called: Message[] = []
    const off = listen(deliveries, message => {
      called.push(message)
      off()
      message.nack(10)
    }, { ack: 'auto', reply, failed: () => undefined })
    await Promise.resolve()
    const state = come()
    expect(state.isHandled).toBe(false)
    await vi.advanceTimersByTimeAsync(10)
    expect([called.length, state.isHandled, deliveries.held.count]).toEqual([1, true, 0])
  } finally {
    vi.useRealTimers()
  }
})
