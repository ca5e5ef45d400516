// The sweep that holds streams to their limits: a bounded piece of work per tick, in turn over all streams that have limits.
import { keepsEverything, lastToGo, type Retention } from '../../../domain/retention.ts'
import type { SweepCtx } from '../../../relay/feature.ts'
import { blankEvent, deleteThrough, measureStream, oldestEvents, streamsAfter, type KeptStream, type RetentionRow } from '../../../store/keeping.ts'
import type { Fate } from '../../../store/log.ts'

const streamsPerTick = 200
const eventsPerTick = 5_000

/** What applies to a stream: its own limits, and the relay's where it has none. */
export const effective = (own: Omit<RetentionRow, 'channel'>, defaults: Retention): Retention =>
  ({ ageMs: own.age_ms ?? defaults.ageMs, count: own.count ?? defaults.count, bytes: own.bytes ?? defaults.bytes })

export class RetentionSweep {
  readonly #defaults: Retention
  /** The stream looked at last. Only a place in the round: a tick that is undone costs a stream one turn. */
  #after = 0

  constructor(defaults: Retention) {
    this.#defaults = defaults
  }

  /** One tick's work; gives the fates to tell. */
  async run({ tx, now }: SweepCtx): Promise<readonly Fate[]> {
    const streams = await streamsAfter(tx, this.#after, streamsPerTick, keepsEverything(this.#defaults))
    const fates: Fate[] = []
    let left = eventsPerTick
    for (const stream of streams) {
      left -= await this.#trim({ tx, now }, stream, left, fates)
      // What is not done yet is gone on with in the next tick.
      if (left <= 0) break
      this.#after = stream.id
    }
    if (left > 0 && streams.length < streamsPerTick) this.#after = 0
    return fates
  }

  /** Gives how many events went. */
  async #trim({ tx, now }: Pick<SweepCtx, 'tx' | 'now'>, stream: KeptStream, limit: number, fates: Fate[]): Promise<number> {
    const policy = effective(stream, this.#defaults)
    if (keepsEverything(policy)) return 0
    const { seq: newest } = await tx.log.head(stream.name)
    const bytes = policy.bytes === 0 ? 0 : await measureStream(tx, stream.id)
    const last = async (count: number) => lastToGo(policy, { oldest: await oldestEvents(tx, stream.id, count), newest, bytes, now })
    const first = await last(1)
    if (first === 0) return 0
    const through = await last(limit)
    // The newest of all stays as a place, so that numbering goes on.
    if (through === newest) fates.push(...await blankEvent(tx, stream.id, newest, now))
    const end = Math.min(through, newest - 1)
    if (end < first) return 0
    fates.push(...await deleteThrough(tx, stream.id, end, now))
    return end - first + 1
  }
}
