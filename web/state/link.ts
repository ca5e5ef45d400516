// What both ends of a handing over of the key share: asking the relay again until the other browser has answered, and how it ends.
import { Refused } from './account.ts'
import { timerMs } from '../../lib/protocol/timer.ts'
import { t } from '../text/index.ts'

/** It is not gone on with: why is what it says. */
export class LinkEnded extends Error {
  override readonly name = 'LinkEnded'
}

/** The other browser gave it up, or its time is over: the relay knows nothing of it any more. */
export const isForgotten = (error: unknown): boolean => error instanceof Refused && error.code === 'VERIFICATION_EXPIRED'

const lookEveryMs = 1_000
/** The relay keeps it for as long; one that does not say so is not waited for any longer. */
const lastsMs = 10 * 60_000

/** What is asked again: a relay that is away for a moment, or wants to be asked later. */
const passes = (error: unknown): boolean => error instanceof Refused ? error.code === 'RATE_LIMITED' : error instanceof TypeError

const wait = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    const timer = setTimeout(resolve, timerMs(lookEveryMs))
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    }, { once: true })
  })

/** Looks until there is something. @throws LinkEnded once it was given up, here or there, or took too long; Refused */
export const until = async <T>(signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T> => {
  const begunAt = performance.now()
  while (!signal.aborted && performance.now() - begunAt < lastsMs) {
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      if (isForgotten(error)) throw new LinkEnded(t.peek().link.over)
      if (!passes(error)) throw error
    }
    await wait(signal)
  }
  throw new LinkEnded(t.peek().link.over)
}
