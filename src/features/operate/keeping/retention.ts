// Holding streams to their limits: a bounded piece of work per turn, round and round over all streams that have limits.
import { keepsEverything, lastToGo, type Retention, type StoredSize } from '../../../domain/retention.ts'
import { keptAfter, type RetentionRow } from '../../../store/keeping.ts'
import type { Fate } from '../../../store/log.ts'
import type { Tx } from '../../../store/store.ts'

const streamsPerTurn = 100
const eventsPerTurn = 250
/** Events that can be counted in the time that deleting one takes. */
const countedPerDeleted = 10
/** Bytes that are overwritten in the time that deleting one event takes. */
const bytesPerDeleted = 16 * 1024

/** What applies to a stream: its own limits, and the relay's where it has none. */
export const effective = (own: Omit<RetentionRow, 'channel'>, defaults: Retention): Retention => ({
  ageMs: own.age_ms ?? defaults.ageMs,
  count: own.count ?? defaults.count,
  bytes: own.bytes ?? defaults.bytes,
})

export class RetentionSweep {
  readonly #defaults: Retention
  /** The stream looked at last. Only a place in the round: a turn that is undone costs a stream one round. */
  #after = ''

  constructor(defaults: Retention) {
    this.#defaults = defaults
  }

  /** One turn; gives whether it did anything, and the fates to tell. */
  async run(tx: Tx, now: number): Promise<{ readonly worked: boolean, readonly fates: readonly Fate[] }> {
    const streams = await keptAfter(tx, this.#after, streamsPerTurn, keepsEverything(this.#defaults))
    const fates: Fate[] = []
    let left = eventsPerTurn
    for (const stream of streams) {
      left -= await this.#trim(tx, now, stream, left, fates)
      // What is not done yet is gone on with in the next turn.
      if (left <= 0) break
      this.#after = stream.channel
    }
    if (left > 0 && streams.length < streamsPerTurn) this.#after = ''
    return { worked: left < eventsPerTurn, fates }
  }

  /** Gives what it cost of the turn, in deleted events. */
  async #trim(tx: Tx, now: number, own: RetentionRow, limit: number, fates: Fate[]): Promise<number> {
    const { channel } = own
    const policy = effective(own, this.#defaults)
    if (keepsEverything(policy)) return 0
    const { seq: newest } = await tx.log.head(channel)
    const { bytes, counted } = policy.bytes === 0 ? { bytes: 0, counted: 0 } : await tx.keep.measure(channel, limit * countedPerDeleted)
    const cost = counted / countedPerDeleted
    const last = (oldest: readonly StoredSize[]) => lastToGo(policy, { oldest, newest, bytes, now })
    const first = last(await tx.keep.oldest(channel, 1))
    if (first === 0) return cost
    const oldest = await tx.keep.oldest(channel, limit)
    const through = last(oldest)
    // The newest of all stays as a place, so that numbering goes on.
    if (through === newest) fates.push(...await tx.keep.blank(channel, newest, now) ?? [])
    const end = Math.min(through, newest - 1)
    if (end < first) return cost
    fates.push(...await tx.keep.deleteThrough(channel, end, now))
    const freed = oldest.reduce((sum, event) => event.seq <= end ? sum + event.bytes : sum, 0)
    return cost + Math.max(end - first + 1, freed / bytesPerDeleted)
  }
}
