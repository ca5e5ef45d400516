// How far an inbox was shown, kept between calls: behind one process here, for all processes of a relay with the token (token-memory.ts).

/** What of an inbox was shown. */
export interface Shown {
  /** Everything up to this number. */
  readonly upTo: number
  /** Numbers beyond it: answers, which were shown out of turn. */
  readonly apart: readonly number[]
}

export const nothingShown: Shown = { upTo: 0, apart: [] }

export interface ShownMemory {
  /** What was shown until now. @throws Refusal */
  shown(): Promise<Shown>
  /** Puts another in the place of one that was read. False: another call came before, and it is decided anew. @throws Refusal */
  replace(before: Shown, now: Shown): Promise<boolean>
}

/** As long as this process lives. */
export class ShownHere implements ShownMemory {
  #now = nothingShown

  shown(): Promise<Shown> {
    return Promise.resolve(this.#now)
  }

  replace(before: Shown, now: Shown): Promise<boolean> {
    const isFirst = before === this.#now
    if (isFirst) this.#now = now
    return Promise.resolve(isFirst)
  }
}
