// Time as an argument.

/** Tells the time. */
export interface Clock {
  /** ms since 1970 */
  now(): number
}

/** The clock of this machine, set by one that several machines go by. */
export class SharedClock implements Clock {
  readonly #own: Clock
  /** ms that the other one is ahead */
  aheadMs = 0

  constructor(own: Clock) {
    this.#own = own
  }

  now(): number {
    return this.#own.now() + Math.round(this.aheadMs)
  }

  /** The other clock said `now`, asked and answered at times of this machine. */
  set(now: number, askedAt: number, answeredAt: number): void {
    this.aheadMs = now - (askedAt + answeredAt) / 2
  }

  /** Of this machine alone. */
  own(): number {
    return this.#own.now()
  }
}

export const systemClock: Clock = { now: () => Date.now() }
