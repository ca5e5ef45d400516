// A promise that ends once: by who settles it, by its signal, or by its time.
import { TimeoutError } from './errors.ts'
import { after } from './timer.ts'

/** How long a call may take, and what ends it early. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** ms to wait for the answer; Infinity: as long as it takes */
  readonly timeoutMs?: number | undefined
}

export interface Ending<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/**
 * Calls `begin` unless the signal is aborted already. It gives what has to be done at the end, whatever the end is; that happens before
 * whoever awaits the promise goes on.
 */
export const pending = <T>(
  { signal, timeoutMs = Infinity }: CallOptions,
  begin: (ending: Ending<T>) => () => void,
  late: (timeoutMs: number) => Error = ms => new TimeoutError(`It did not happen within ${ms} ms`),
): Promise<T> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason)
    let isOver = false
    let ended: (() => void) | undefined
    const end = (settle: () => void) => {
      if (isOver) return
      isOver = true
      stopTimer()
      signal?.removeEventListener('abort', onAbort)
      settle()
      ended?.()
    }
    const onAbort = () => end(() => reject(signal?.reason))
    const stopTimer = after(timeoutMs, () => end(() => reject(late(timeoutMs))))
    signal?.addEventListener('abort', onAbort)
    try {
      ended = begin({ resolve: value => end(() => resolve(value)), reject: error => end(() => reject(error)) })
    } catch (error) {
      end(() => reject(error))
    }
    if (isOver) ended?.()
  })

/** What the work comes to, unless its signal or its time ends the wait first; the work itself goes on. */
export const inTime = <T>(work: PromiseLike<T>, options: CallOptions, late?: (timeoutMs: number) => Error): Promise<T> =>
  pending<T>(options, ({ resolve, reject }) => {
    work.then(resolve, reject)
    return () => undefined
  }, late)
