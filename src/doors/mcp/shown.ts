// How far an inbox was shown, kept between calls: behind one process here, for all processes of a relay with the token (token-memory.ts). Before a
// call tells something it claims it, and nobody goes on from there until that was told, or taken back.
import type { Shown } from '../../store/by-token.ts'

export const nothingShown: Shown = { upTo: 0, apart: [] }

/** A call that tells what it claimed. */
export interface Telling {
  readonly signal: AbortSignal
  /** Whether its answer was handed over to whoever asked, to the last byte: known once it was, or they are gone. Never rejects. */
  readonly told: Promise<boolean>
}

export interface ShownMemory {
  /** What was shown until now, once it was told. @throws Refusal BUSY another call claimed something, and has not told it yet */
  shown(signal: AbortSignal): Promise<Shown>
  /**
   * Claims more, in the place of what was read, for a call that says whether it told it in the end; where it did not, it is taken back. False:
   * another call came before, and it is decided anew. @throws Refusal
   */
  claim(before: Shown, now: Shown, told: Telling['told']): Promise<boolean>
  /** Whatever was shown is shown again, if it was this that was read. @throws Refusal */
  forget(before: Shown): Promise<void>
}

/** As long as this process lives. */
export class ShownHere implements ShownMemory {
  #now = nothingShown
  #telling: Promise<void> = Promise.resolve()

  async shown(): Promise<Shown> {
    await this.#telling
    return this.#now
  }

  claim(before: Shown, now: Shown, told: Telling['told']): Promise<boolean> {
    const isFirst = before === this.#now
    if (isFirst) {
      this.#now = now
      this.#telling = told.then(isTold => {
        if (!isTold) this.#now = before
      })
    }
    return Promise.resolve(isFirst)
  }

  forget(before: Shown): Promise<void> {
    if (before === this.#now) this.#now = nothingShown
    return Promise.resolve()
  }
}
