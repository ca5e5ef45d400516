// A timer that means what it says, however long it is.
import { maxTimerMs, timerMs } from '../protocol/index.ts'

/** Calls once `ms` are over, never for Infinity; gives the function that stops it. */
export const after = (ms: number, then: () => void): () => void => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (leftMs: number) => {
    if (leftMs !== Infinity) timer = setTimeout(() => leftMs > maxTimerMs ? wait(leftMs - maxTimerMs) : then(), timerMs(leftMs))
  }
  wait(ms)
  return () => clearTimeout(timer)
}
