// A worker at a relay that refuses for now, goes away and comes back: what came of an entry is said until the relay knows, and nobody works
// on an entry whose time is over.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import { work, type Job, type JobEnd, type WorkOptions } from './work.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const leaseMs = 60_000
const lost = () => new ConnectionError('LOST', 'cut')
const busy = (retryAfterMs?: number) => new RelayError('BUSY', 'later', retryAfterMs)
const leaseOver = () => new RelayError('LEASE_OVER', 'over')

/** A relay with one entry. How it answers: by the list of a request's kind, then by what is set for it, and with OK. */
class Relay {
  readonly asked: { readonly type: string, readonly at: number, readonly body: Readonly<Record<string, unknown>> }[] = []
  readonly answers: Record<string, (Error | undefined)[]> = {}
  /** What each request of a kind is refused with from now on. */
  readonly refuses: Record<string, Error | undefined> = {}
  /** How long it takes to give the entry. */
  claimMs = 0
  readonly #begun = performance.now()

  async request(type: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.asked.push({ type, at: performance.now() - this.#begun, body })
    const refusal = this.answers[type]?.shift() ?? this.refuses[type]
    if (refusal !== undefined) throw refusal
    if (type !== 'CLAIM') return { type: 'OK' }
    if (this.claimMs > 0) await new Promise(resolve => setTimeout(resolve, this.claimMs))
    return { type: 'CLAIMED', ts: 0, more: false, items: [{ seq: 1, event: { type: 'JOB' }, lease: '1-1-a', until: leaseMs, attempt: 1 }] }
  }

  of(...types: readonly string[]) {
    return this.asked.filter(({ type }) => types.includes(type))
  }

  work(handler: (job: Job) => JobEnd | void | Promise<JobEnd | void>, options: WorkOptions = {}) {
    const over = { is: false }
    const working = work({ ...this.client(), signatureOf: () => 'none' } as never, handler, { leaseMs, maxJobs: 1, ...options })
      .finally(() => over.is = true)
    return { working, over }
  }

  client() {
    return { request: (type: string, body: Readonly<Record<string, unknown>>) => this.request(type, body), on: () => () => undefined }
  }
}

const long = () => {
  let end = (_: JobEnd) => {}
  const ended = new Promise<JobEnd>(resolve => end = resolve)
  return { ended, end }
}

describe('what came of an entry', () => {
  test.each<[string, string, JobEnd, Record<string, unknown>]>([
    ['done', 'DONE', undefined, { lease: '1-1-a' }],
    ['failed', 'DONE', { failed: 'no' }, { lease: '1-1-a', outcome: 'failed', reason: 'no' }],
    ['to be tried again', 'UNCLAIM', { again: true, delayMs: 5 }, { lease: '1-1-a', delay_ms: 5 }],
  ])('%s: is said until the relay takes it, and the entry is held meanwhile', async (_, type, end, body) => {
    const relay = new Relay()
    relay.answers[type] = [
      busy(2_500),
      new RelayError('RATE_LIMITED', 'later', 30_000),
      new RelayError('STORAGE_UNAVAILABLE', 'later', 30_000),
      new TimeoutError('No answer'),
      lost(),
    ]
    const handler = vi.fn(() => end)
    const { over } = relay.work(handler)
    await vi.advanceTimersByTimeAsync(2_499)
    expect(relay.of(type)).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(relay.of(type)).toHaveLength(2)
    // Longer than the lease that it was given.
    await vi.advanceTimersByTimeAsync(59_999)
    expect(relay.of(type)).toHaveLength(3)
    expect(relay.of('EXTEND').map(({ at }) => at)).toEqual([20_000, 40_000, 60_000])
    expect(over.is).toBe(false)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([over.is, relay.of(type).map(each => each.body)]).toEqual([true, Array(6).fill(body)])
    expect(handler).toHaveBeenCalledTimes(1)
  })

  test('is not said any more when the relay says that the lease is over, to that or to an EXTEND', async () => {
    for (const type of ['DONE', 'EXTEND']) {
      const relay = new Relay()
      relay.answers['DONE'] = [busy(1_000), ...Array<Error>(3).fill(busy(10_000))]
      if (type === 'DONE') relay.answers['DONE'].splice(1, 0, leaseOver())
      else relay.refuses['EXTEND'] = leaseOver()
      const { over } = relay.work(() => undefined)
      await vi.advanceTimersByTimeAsync(type === 'DONE' ? 1_000 : 20_000)
      expect(over.is).toBe(true)
      expect(relay.of('DONE')).toHaveLength(type === 'DONE' ? 2 : 3)
    }
  })

  test('is said no longer than the lease lasts at a relay that stays away', async () => {
    const relay = new Relay()
    const { over } = relay.work(() => {
      for (const type of ['DONE', 'EXTEND']) relay.refuses[type] = lost()
    })
    await vi.advanceTimersByTimeAsync(leaseMs - 1)
    expect(over.is).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(over.is).toBe(true)
  })

  test('a worker that is told to end tries thrice in all, and what is refused for good ends it', async () => {
    const relay = new Relay()
    const stop = new AbortController()
    relay.refuses['DONE'] = busy(25_000)
    const { over } = relay.work(() => undefined, { signal: stop.signal, maxJobs: 2 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(relay.of('DONE')).toHaveLength(1)
    stop.abort()
    // It does not wait for the time that it was told.
    await vi.advanceTimersByTimeAsync(0)
    expect(relay.of('DONE')).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(25_000)
    expect([over.is, relay.of('DONE').length]).toEqual([true, 3])

    const strict = new Relay()
    strict.refuses['DONE'] = new RelayError('AUTH_REQUIRED', 'no')
    await expect(strict.work(() => undefined).working).rejects.toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(strict.of('DONE')).toHaveLength(1)
  })
})

describe('the time of an entry', () => {
  test('is over while the relay is away: counted from when what it granted last was asked', async () => {
    const relay = new Relay()
    const { ended, end } = long()
    let job: Job | undefined
    const { over } = relay.work(given => {
      job = given
      return ended
    })
    await vi.advanceTimersByTimeAsync(20_000)
    relay.refuses['EXTEND'] = lost()
    await vi.advanceTimersByTimeAsync(59_999)
    expect(job!.lost.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(job!.lost.aborted).toBe(true)
    expect(job!.lost.reason).toBeInstanceOf(TimeoutError)
    const extended = relay.of('EXTEND').length
    relay.refuses['EXTEND'] = undefined
    await vi.advanceTimersByTimeAsync(leaseMs)
    // It is others' now: it is not held anew, and what came of it is said once, should the relay not have given it to anybody yet.
    expect(relay.of('EXTEND')).toHaveLength(extended)
    relay.refuses['DONE'] = lost()
    end(undefined)
    await vi.advanceTimersByTimeAsync(0)
    expect([over.is, relay.of('DONE').length]).toEqual([true, 1])
  })

  test('a relay that comes back in time extends it: it is asked soon again', async () => {
    const relay = new Relay()
    const { ended, end } = long()
    let job: Job | undefined
    const { working } = relay.work(given => {
      job = given
      return ended
    })
    relay.refuses['EXTEND'] = lost()
    await vi.advanceTimersByTimeAsync(leaseMs - 1_500)
    relay.refuses['EXTEND'] = undefined
    await vi.advanceTimersByTimeAsync(10 * leaseMs)
    expect(job!.lost.aborted).toBe(false)
    end(undefined)
    await working
    expect(relay.of('DONE')).toHaveLength(1)
  })

  test('counts while the answer to CLAIM is on its way; what comes too late is given back, and nobody works on it', async () => {
    const relay = new Relay()
    relay.claimMs = leaseMs - 1
    relay.refuses['EXTEND'] = lost()
    const { ended, end } = long()
    let job: Job | undefined
    const { working } = relay.work(given => {
      job = given
      return ended
    })
    await vi.advanceTimersByTimeAsync(leaseMs - 1)
    expect(job!.lost.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(job!.lost.aborted).toBe(true)
    end(undefined)
    await working

    const late = new Relay()
    late.claimMs = leaseMs
    const handler = vi.fn(() => undefined)
    const { over } = late.work(handler)
    await vi.advanceTimersByTimeAsync(leaseMs)
    expect([over.is, handler.mock.calls.length, late.of('UNCLAIM', 'DONE').map(({ type }) => type)]).toEqual([true, 0, ['UNCLAIM']])
  })

  test('the end of an entry that is done is nobody’s loss', async () => {
    const relay = new Relay()
    let job: Job | undefined
    await relay.work(given => {
      job = given
    }).working
    await vi.advanceTimersByTimeAsync(2 * leaseMs)
    expect([job!.lost.aborted, relay.of('EXTEND')]).toEqual([false, []])
  })
})
