// How far the inbox was received is told until the relay has heard it, on this connection; one request at a time, of the newest message.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import { Received } from './received.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

/** A relay that answers by a list of refusals, and takes everything from then on. */
const telling = (...refusals: readonly Error[]) => {
  const left = [...refusals]
  const asked: (number | undefined)[] = []
  const received = new Received(({ seq }) => {
    asked.push(seq)
    const refusal = left.shift()
    return refusal === undefined ? Promise.resolve() : Promise.reject(refusal)
  })
  return { received, asked }
}

const busy = (retryAfterMs?: number) => new RelayError('BUSY', 'later', retryAfterMs)

test('what was refused for now is told again when the relay says so, and is told then', async () => {
  const { received, asked } = telling(busy(700), busy(200))
  received.tell({ seq: 1 })
  const told = received.told!
  let isTold = false
  void told.then(() => isTold = true)
  await vi.advanceTimersByTimeAsync(699)
  expect(asked).toEqual([1])
  await vi.advanceTimersByTimeAsync(1)
  expect([asked, isTold]).toEqual([[1, 1], false])
  await vi.advanceTimersByTimeAsync(200)
  expect([asked, isTold]).toEqual([[1, 1, 1], true])
  expect(received.told).toBeUndefined()
})

test.each([
  ['RATE_LIMITED', new RelayError('RATE_LIMITED', 'later')],
  ['STORAGE_UNAVAILABLE', new RelayError('STORAGE_UNAVAILABLE', 'later', 1e12)],
  ['no answer', new TimeoutError('No answer')],
  ['no place among the requests', new ConnectionError('TOO_MANY', 'too many')],
])('%s: it is told again within half a minute, whatever the relay says of that', async (_, refusal) => {
  const { received, asked } = telling(...Array<Error>(5).fill(refusal))
  received.tell({ seq: 1 })
  for (let i = 2; i <= 6; i++) {
    await vi.advanceTimersByTimeAsync(30_000)
    expect(asked.length).toBeGreaterThanOrEqual(i)
  }
  expect(asked).toHaveLength(6)
  expect(received.told).toBeUndefined()
})

test('the newest alone is told, once', async () => {
  const { received, asked } = telling(busy(100))
  received.tell({ seq: 1 })
  received.tell({ seq: 2 })
  await vi.advanceTimersByTimeAsync(50)
  // The one that was refused does not come behind the newer one.
  expect(asked).toEqual([1])
  received.tell({ seq: 3 })
  await vi.advanceTimersByTimeAsync(49)
  expect(asked).toEqual([1])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked).toEqual([1, 3])
})

test('what is refused for good is not told again, and what comes then is', async () => {
  const { received, asked } = telling(new RelayError('INVALID_MSG', 'no'), new ConnectionError('LOST', 'cut'))
  for (const seq of [1, 2, 3]) {
    received.tell({ seq })
    await vi.advanceTimersByTimeAsync(0)
  }
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked).toEqual([1, 2, 3])
})

test('another connection offers again what was not received: nothing of the one before is told there', async () => {
  const { received, asked } = telling(busy(1_000))
  received.tell({ seq: 1 })
  await vi.advanceTimersByTimeAsync(10)
  const told = received.told
  received.lost()
  await told
  received.tell({ seq: 5 })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(asked).toEqual([1, 5])
})

test('a refusal that comes with the end of its connection is of that one', async () => {
  const { received, asked } = telling(busy(1_000))
  received.tell({ seq: 1 })
  received.lost()
  await vi.advanceTimersByTimeAsync(2_000)
  expect([asked, received.told]).toEqual([[1], undefined])
})
