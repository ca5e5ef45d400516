// Sends lines as they come. The client keeps their order and repeats what a lost connection left open; here is only how many, and how fast.
import { setTimeout as sleep } from 'node:timers/promises'
import { timerMs } from '../../lib/protocol/timer.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import type { Pace } from './pace.ts'

export interface SendLines<Line> {
  /** Resolves with the acknowledgement, rejects when the line has failed for good. */
  readonly send: (line: Line) => Promise<Frame<'ACK'>>
  /** Called in line order. */
  readonly onAck: (line: Line, ack: Frame<'ACK'>) => void
  readonly pace: Pace
  /** Lines that may wait for their acknowledgement, and their characters. */
  readonly maxWaiting: number
  readonly maxWaitingChars: number
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Resolves when every line is acknowledged; rejects at the first failure, even while the next line is still awaited. */
export const sendLines = async <Line extends { readonly content: string }>(
  lines: AsyncIterable<Line>,
  options: SendLines<Line>,
): Promise<void> => {
  const { send, onAck, pace, maxWaiting, maxWaitingChars, now, signal } = options
  const waiting: { readonly chars: number, readonly settled: Promise<void> }[] = []
  let waitingChars = 0
  let fail: (error: unknown) => void
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })

  const feed = async (): Promise<void> => {
    let last = Promise.resolve()
    try {
      for await (const line of lines) {
        while (waiting.length >= maxWaiting || waitingChars > maxWaitingChars) {
          const { chars, settled } = waiting.shift()!
          await settled
          waitingChars -= chars
        }
        const waitMs = pace.take(now())
        // A timer of 0 takes a millisecond: too long for each of many lines.
        if (waitMs > 0) await sleep(timerMs(waitMs), undefined, { signal })
        last = Promise.all([send(line), last]).then(([ack]) => onAck(line, ack))
        last.catch(fail)
        waiting.push({ chars: line.content.length, settled: last })
        waitingChars += line.content.length
      }
    } finally {
      // Also when a line cannot be read: what was sent before it is still told.
      await last
    }
  }
  await Promise.race([feed(), failed])
}
