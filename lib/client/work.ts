// Work: what waits in an agent's inbox, an entry at a time for as long as it is held, beside every other worker of the agent.
import type { SignatureState } from '../identity/index.ts'
import { fieldLimits } from '../protocol/field-limits.ts'
import type { Frame } from '../protocol/index.ts'
import { backoffMs, defaultBackoff } from './backoff.ts'
import type { AgentChatClient } from './client.ts'
import { isPassing, RelayError, TimeoutError } from './errors.ts'
import { after } from './timer.ts'

type Claimed = Frame<'CLAIMED'>['items'][number]

/** An entry that this worker holds. */
export interface Job {
  /** its number in the inbox */
  readonly seq: number
  /** the event as it is stored, in the protocol's own words */
  readonly event: Claimed['event']
  /** of a message: whether its author signed it */
  readonly signature: SignatureState | undefined
  /** counts from 1 */
  readonly attempt: number
  /** Aborts when the entry is not this worker's any more, also while the relay is away: what comes of it counts no more. */
  readonly lost: AbortSignal
}

/** How it ended: done where nothing is given; given up, with a reason that its sender is told; or to be tried again, after a while. */
export type JobEnd = { readonly failed: string } | { readonly again: true, readonly delayMs?: number } | undefined

/** How a worker works. */
export interface WorkOptions {
  /** Entries that are worked on at once; default 1. */
  readonly concurrency?: number
  /** How long (ms) an entry is held before it is held anew; who dies lets go of it after that. Default 60,000. */
  readonly leaseMs?: number
  /** Entries that are taken within an hour at most: what comes beyond waits at the relay. */
  readonly maxPerHour?: number
  /** Told how many of them were taken: when it is most of them (80 %), and when it is all. */
  readonly onHour?: (taken: number) => void
  /** Ends after so many entries. */
  readonly maxJobs?: number
  /** Ends the work: nothing new is begun, and what was is finished. */
  readonly signal?: AbortSignal
  /** Told of an entry whose handler failed, and is tried again. */
  readonly onError?: (error: unknown, job: Job) => void
}

/** The wait before an entry whose handler failed is tried again, doubled with each attempt. */
const retryMs = 1_000
/** A worker that is to end says what came of an entry so often, should the relay not take it. */
const lastTries = 3
/** The relay is asked so often though it told of nothing: what another worker let go of is told to nobody. */
const pollMs = 15_000
const defaultLeaseMs = 60_000
const hourMs = 3_600_000

/**
 * Works on what waits in the inbox, until the signal aborts. The client was made with `inbox: 'peek'` and an identity. A handler that
 * throws has its entry tried again, five times in all; then the entry has failed, and its sender is told.
 * @throws RelayError what is refused for good
 * @example
 * await work(client, async ({ event }) => { await answer(event) }, { concurrency: 4 })
 */
export const work = async (
  client: Pick<AgentChatClient, 'request' | 'signatureOf' | 'on'>,
  handler: (job: Job) => JobEnd | void | Promise<JobEnd | void>,
  { concurrency = 1, leaseMs = defaultLeaseMs, maxJobs = Infinity, maxPerHour = Infinity, onHour, signal, onError }: WorkOptions = {},
): Promise<void> => {
  const underWay = new Set<Promise<void>>()
  let wake = () => {}
  const stops = (['MSG', 'INBOX'] as const).map(type => client.on(type, () => wake()))
  const stop = () => wake()
  signal?.addEventListener('abort', stop)
  const isStopped = () => signal?.aborted === true || left <= 0
  let left = maxJobs
  /** What was taken within the last hour: each is forgotten in its time. */
  const taken = new Set<() => void>()
  const take = () => {
    const forget = after(hourMs, () => {
      taken.delete(forget)
      wake()
    })
    taken.add(forget)
    if (taken.size === Math.ceil(maxPerHour * 0.8) || taken.size === maxPerHour) onHour?.(taken.size)
  }
  try {
    while (!isStopped()) {
      let isWoken = false
      const woken = new Promise<void>(resolve => {
        wake = () => {
          isWoken = true
          resolve()
        }
      })
      const room = Math.min(concurrency - underWay.size, left, maxPerHour - taken.size, fieldLimits.maxClaimed)
      const askedAt = performance.now()
      const { items = [], next_at: nextAt, ts = 0, more = false } = room > 0 ? await claim(client, room, leaseMs) : {}
      left -= items.length
      for (const item of items) {
        if (maxPerHour !== Infinity) take()
        const done: Promise<void> = hold(client, item, handler, { askedAt, leaseMs, signal, onError }).finally(() => {
          underWay.delete(done)
          wake()
        })
        // What the relay refuses for good, the next CLAIM is told too.
        done.catch(() => undefined)
        underWay.add(done)
      }
      if (isWoken || isStopped() || (more && underWay.size < concurrency && taken.size < maxPerHour)) continue
      const cancel = after(Math.min(pollMs, nextAt === undefined ? pollMs : Math.max(100, nextAt - ts)), () => wake())
      await woken
      cancel()
    }
    await Promise.all(underWay)
  } finally {
    for (const forget of taken) forget()
    signal?.removeEventListener('abort', stop)
    for (const each of stops) each()
  }
}

const claim = async (
  client: Pick<AgentChatClient, 'request'>,
  limit: number,
  leaseMs: number,
): Promise<Partial<Frame<'CLAIMED'>>> => {
  try {
    return await client.request('CLAIM', { limit, lease_ms: leaseMs })
  } catch (error) {
    // So many are done behind one that is not, here or at another worker: it goes on when that one is over.
    const isFull = error instanceof RelayError && error.code === 'LIMIT_REACHED'
    if (!isFull && !isPassing(error)) throw error
    return { ts: 0, next_at: retryMs }
  }
}

interface HoldOptions {
  /** When it was asked for, by `performance.now()`. */
  readonly askedAt: number
  readonly leaseMs: number
  readonly signal: AbortSignal | undefined
  readonly onError: WorkOptions['onError']
}

const hold = async (
  client: Pick<AgentChatClient, 'request' | 'signatureOf'>,
  { seq, event, lease, attempt }: Claimed,
  handler: (job: Job) => JobEnd | void | Promise<JobEnd | void>,
  { askedAt, leaseMs, signal, onError }: HoldOptions,
): Promise<void> => {
  const lost = new AbortController()
  let isOver = false
  let stopExtending = () => {}
  let stopLease = () => {}
  const end = () => {
    isOver = true
    stopExtending()
    stopLease()
  }
  const lose = (reason: unknown) => {
    if (isOver) return
    end()
    lost.abort(reason)
  }
  /** Counted from when it was asked for: the relay counts from later on, so that no other worker has it before this one knows. */
  const heldSince = (since: number) => {
    stopLease()
    const runOut = () => lose(new TimeoutError('The lease ran out, and the relay did not extend it'))
    const leftMs = leaseMs - (performance.now() - since)
    if (leftMs > 0) stopLease = after(leftMs, runOut)
    else runOut()
  }
  const extendIn = (ms: number) => {
    stopExtending = after(ms, async () => {
      const since = performance.now()
      let nextMs = leaseMs / 3
      try {
        await client.request('EXTEND', { lease, lease_ms: leaseMs })
        if (!isOver) heldSince(since)
      } catch (error) {
        if (isLeaseOver(error)) lose(error)
        nextMs = Math.min(nextMs, retryAfter(error) ?? retryMs)
      }
      if (!isOver) extendIn(nextMs)
    })
  }
  /** Says what came of it until the relay knows: an entry of which it was not told is worked on once more. */
  const tell = async (ask: () => Promise<unknown>): Promise<void> => {
    for (let tries = 1;; tries++) {
      try {
        await ask()
        return
      } catch (error) {
        if (isLeaseOver(error)) return
        if (!isPassing(error)) throw error
        if (signal?.aborted === true && tries >= lastTries) return
        const waitMs = retryAfter(error) ?? backoffMs(defaultBackoff, tries, Math.random())
        if (!lost.signal.aborted) await pause(Math.min(waitMs, defaultBackoff.maxMs), [lost.signal, signal])
        // Nothing that it says counts any more.
        if (lost.signal.aborted) return
      }
    }
  }
  heldSince(askedAt)
  if (!lost.signal.aborted) extendIn(leaseMs / 3)
  try {
    const signature = event.type === 'MSG' ? await client.signatureOf({ frame: event }) : undefined
    const job: Job = { seq, event, signature, attempt, lost: lost.signal }
    let came: JobEnd | void
    try {
      // Its time may be over before it is here.
      came = lost.signal.aborted ? { again: true } : await handler(job)
    } catch (error) {
      onError?.(error, job)
      came = { again: true, delayMs: retryMs * 2 ** (attempt - 1) }
    }
    await tell(() => say(client, lease, came))
  } catch (error) {
    // Of whom it cannot be said just now whether they signed it: the lease runs out.
    if (!isPassing(error)) throw error
  } finally {
    end()
  }
}

/** Tells the relay what came of an entry. */
const say = (client: Pick<AgentChatClient, 'request'>, lease: string, end: JobEnd | void): Promise<unknown> => {
  if (end === undefined) return client.request('DONE', { lease })
  if ('again' in end) return client.request('UNCLAIM', { lease, delay_ms: end.delayMs ?? 0 })
  return client.request('DONE', { lease, outcome: 'failed', reason: end.failed.slice(0, fieldLimits.maxReasonChars) })
}

const isLeaseOver = (error: unknown): boolean => error instanceof RelayError && error.code === 'LEASE_OVER'

const retryAfter = (error: unknown): number | undefined => error instanceof RelayError ? error.retryAfterMs : undefined

/** Waits so long, or until one of them aborts. */
const pause = (ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> =>
  new Promise(resolve => {
    const end = () => {
      cancel()
      for (const signal of signals) signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = after(ms, end)
    for (const signal of signals) signal?.addEventListener('abort', end)
  })
