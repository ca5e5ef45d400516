// What retention lets go of: always the oldest events of a stream, never a hole in it.

/** How much of a stream is kept. 0: no such limit. */
export interface Retention {
  readonly ageMs: number
  readonly count: number
  readonly bytes: number
}

export interface StoredSize {
  readonly seq: number
  readonly ts: number
  readonly bytes: number
}

export interface StreamFacts {
  /** The oldest events, oldest first; as many as may go at once. */
  readonly oldest: readonly StoredSize[]
  /** seq of the newest event */
  readonly newest: number
  /** What the stream holds, as far as it is measured. */
  readonly bytes: number
  readonly now: number
}

export const keepsEverything = ({ ageMs, count, bytes }: Retention): boolean => ageMs === 0 && count === 0 && bytes === 0

/** The last seq that goes; 0: none. It may be the newest: what becomes of that one is the caller's business, numbering goes on from it. */
export const lastToGo = ({ ageMs, count, bytes: budget }: Retention, { oldest, newest, bytes, now }: StreamFacts): number => {
  let last = 0
  let left = bytes
  for (const event of oldest) {
    const isOld = ageMs > 0 && event.ts < now - ageMs
    const isSurplus = count > 0 && event.seq <= newest - count
    const isOverBudget = budget > 0 && left > budget
    if (!isOld && !isSurplus && !isOverBudget) break
    last = event.seq
    left -= event.bytes
  }
  return last
}
