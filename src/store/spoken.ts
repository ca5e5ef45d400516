// Who has nothing left in the log, looked for part by part while events go.
import type { Tx } from './store.ts'

/** Goes round over all of the log while events go: what went behind it is found in the next round. */
export class SilentRound {
  /** Only a place in the round: a turn that is undone costs a part one round. */
  #next = 0
  /** Something may have gone since this round began; from a start on nobody knows. */
  #isDirty = true
  #wentMeanwhile = false

  /** Events have gone. */
  went(): void {
    this.#wentMeanwhile = true
  }

  /** The next part, if there is reason to look. */
  async turn(tx: Tx): Promise<void> {
    if (!this.#isDirty && !this.#wentMeanwhile) return
    if (this.#next === 0) this.#wentMeanwhile = false
    this.#isDirty = true
    const next = await tx.keep.forgetSilent(this.#next)
    this.#next = next ?? 0
    if (next === undefined) this.#isDirty = false
  }
}
