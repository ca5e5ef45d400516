// Positions of a former life of the log. A log that was restored or imported begins with events of before, under the numbers and ids that
// they had, and goes on with those of this life.
import { storedMsgId } from './links.ts'
import type { Head, LogReader } from './log.ts'

export interface FormerPosition {
  readonly seq: number
  /** The life in which it was counted. */
  readonly epoch: string
}

/** What of an epoch's name is in the message ids of its life. */
const lifeChars = 6

/** In which life an event got its number. */
const lifeOf = (text: Buffer): string | undefined => storedMsgId(text)?.slice(-lifeChars)

/**
 * What of a stream somebody has who had all up to a position of a former life: everything up to the number that is given. Where that cannot
 * be told it is 0: better once more than never. undefined: the stream was ended, and nothing of it is here any more. Reads an event, and
 * where the log had a former life as many as it takes to find its end by halves.
 */
export const positionNow = async (
  log: LogReader,
  { stream, head, epoch: present }: { readonly stream: string, readonly head: Head, readonly epoch: string },
  { seq, epoch }: FormerPosition,
): Promise<number | undefined> => {
  const isNow = (life: string | undefined) => life === present.slice(0, lifeChars)
  /** The first event that is there from a number on. */
  const from = async (least: number) => {
    const [row] = await log.page(stream, { after: least - 1, limit: 1, maxBytes: 1 })
    return row && { seq: row.seq, life: lifeOf(row.text) }
  }
  if (head.oldest > head.seq) return undefined
  const first = await from(1)
  // Nothing is here that was there.
  if (seq === 0 || first === undefined || isNow(first.life)) return 0
  let [last, next] = [first.seq, head.seq + 1]
  while (last + 1 < next) {
    const middle = Math.floor((last + next) / 2)
    const found = await from(middle)
    if (found === undefined || isNow(found.life)) next = middle
    else last = Math.max(middle, found.seq)
  }
  const position = Math.min(seq, last)
  const there = await from(position)
  return there?.life === epoch.slice(0, lifeChars) ? position : 0
}
