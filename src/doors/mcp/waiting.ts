// Waiting in a call: as long as its host can stand, told again and again where the host listens, over at once where it gives up.
import { timerMs } from '../../../lib/protocol/timer.ts'

/** Without progress hosts and what stands before them give up after 60 s. */
export const quietWaitMs = 50_000
/** With it, the first ones were seen to give up after 120 s. */
export const defaultMaxWaitMs = 110_000
const progressMs = 5_000

/** How a call is waited for: by what its host said of itself. */
export interface Patience {
  readonly signal: AbortSignal
  /** Tells the host that the call goes on; undefined: it did not ask for that. */
  readonly progress: ((elapsedS: number, totalS: number) => void) | undefined
  /** The longest time that the operator lets a call take. */
  readonly maxWaitMs: number
}

/** ms that a call may take that asks for so many seconds */
export const allowedMs = (waitS: number, { progress, maxWaitMs }: Patience): number =>
  Math.min(waitS * 1_000, maxWaitMs, progress === undefined ? quietWaitMs : Infinity)

/** Waits so many ms, or until the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, timerMs(ms)).unref()
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })

/**
 * Looks until there is something, or the time is over: at once, and whenever something arrived. `look` is asked to give undefined where there
 * is nothing.
 */
export const waitFor = async <T>(
  waitMs: number,
  { signal, progress }: Patience,
  { look, arrival }: { readonly look: () => Promise<T | undefined>, readonly arrival: (signal: AbortSignal) => Promise<void> },
): Promise<T | undefined> => {
  if (waitMs <= 0) return look()
  const over = new AbortController()
  const stop = () => over.abort()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const timer = setTimeout(stop, timerMs(waitMs))
  let elapsedMs = 0
  const tell = () => progress?.(elapsedMs / 1_000, waitMs / 1_000)
  const teller = progress && setInterval(() => {
    elapsedMs += progressMs
    tell()
  }, timerMs(progressMs))
  tell()
  try {
    for (;;) {
      // What arrives while it is looked for is not missed.
      const arrived = arrival(over.signal)
      arrived.catch(() => undefined)
      const found = await look()
      if (found !== undefined || over.signal.aborted) return found
      await arrived
      if (over.signal.aborted) return signal.aborted ? undefined : await look()
    }
  } finally {
    over.abort()
    clearTimeout(timer)
    clearInterval(teller)
    signal.removeEventListener('abort', stop)
  }
}
