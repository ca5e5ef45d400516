// The reckoning of a run of work: who had which entry when, and what of a channel was posted in which order.
import type { WorkLine } from './worker-process.ts'

export type Line = WorkLine & { readonly by: string }

export interface WorkVerdict {
  /** Given to one worker while another had it. */
  readonly handledTwice: number
  readonly begun: number
}

export interface PostVerdict {
  /** Posts that came for the first time behind a later one, and those that never came. */
  readonly reordered: number
  readonly lost: number
}

/** One that got an entry while another had it, by the relay's own times, and had not ended. */
export const reckoned = (lines: readonly Line[], leaseMs: number): WorkVerdict => {
  const leases = new Map<
    string,
    { readonly seq: number, readonly by: string, readonly from: number, until: number, begun: boolean, endedAt: number }
  >()
  for (const line of lines) {
    const { by } = line
    if (line.kind === 'held') {
      const { lease, seq, until } = line
      leases.set(lease, { seq, by, from: until - leaseMs, until, begun: false, endedAt: Infinity })
    } else if (line.kind === 'extended') {
      const lease = leases.get(line.lease)!
      lease.until = Math.max(lease.until, line.until)
    } else if (line.kind === 'returns') {
      // Of one that it has begun with it says itself when it ends.
      const lease = leases.get(line.lease)!
      if (!lease.begun) lease.endedAt = line.at
    } else {
      const own = [...leases.values()].filter(lease => lease.seq === line.seq && lease.by === by).at(-1)!
      if (line.kind === 'begins') own.begun = true
      else own.endedAt = line.at
    }
  }
  const sorted = [...leases.values()].sort((a, b) => a.seq - b.seq || a.from - b.from)
  return {
    handledTwice: sorted.filter(({ seq, from }, i) => {
      const before = sorted[i - 1]
      return before?.seq === seq && from < Math.min(before.until, before.endedAt)
    }).length,
    begun: lines.filter(({ kind }) => kind === 'begins').length,
  }
}

/** What came for the first time came in the order of its channel, and all of it came. */
export const inOrder = (came: readonly number[], posts: readonly number[]): PostVerdict => {
  let newest = 0
  let reordered = 0
  const seen = new Set<number>()
  for (const seq of came) {
    if (!seen.has(seq) && seq < newest) reordered++
    newest = Math.max(newest, seq)
    seen.add(seq)
  }
  return { reordered, lost: posts.filter(seq => !seen.has(seq)).length }
}
