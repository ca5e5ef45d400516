// Staying within the quota of the data: the oldest messages of all go, wherever they stand. A bounded piece of work per turn.
import type { QuotaView } from '../../../relay/feature.ts'
import type { Fate } from '../../../store/log.ts'
import type { Tx } from '../../../store/store.ts'

/** When to look again, where a whole round found nothing that may go. */
const restMs = 60_000

export class TrimmingSweep {
  /** The event looked at last. Only a place in the round: what was kept before it is looked at in the next one. */
  #after = 0
  /** Messages that went in this round. */
  #gone = 0
  #restsUntil = 0

  /** One turn; gives whether it did anything, and the fates to tell. */
  async run(tx: Tx, now: number, quota: QuotaView): Promise<{ readonly worked: boolean, readonly fates: readonly Fate[] }> {
    if (quota.excessBytes === 0 || (now < this.#restsUntil && this.#restsUntil - now <= restMs)) return { worked: false, fates: [] }
    const { last, fates, ...gone } = await tx.keep.trim(this.#after, quota.excessBytes, now)
    const isAll = last === undefined && this.#gone === 0
    quota.trimmed(gone, isAll)
    this.#after = last ?? 0
    this.#gone = last === undefined ? 0 : this.#gone + gone.events
    if (isAll) this.#restsUntil = now + restMs
    return { worked: !isAll, fates }
  }
}
