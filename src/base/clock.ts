// Time as an argument.

/** Tells the time. */
export interface Clock {
  /** ms since 1970 */
  now(): number
}

/**
 * The clock that several machines go by, as it was told last and has gone on since: by time that only goes on, so that a clock of this
 * machine which is put forward or back changes nothing of what is older and what newer.
 */
export class SharedClock implements Clock {
  readonly #own: Clock
  readonly #elapsed: () => number
  #told: { readonly now: number, readonly elapsed: number } | undefined
  /** ms that the other one was ahead of this machine's when it was told last */
  aheadMs = 0

  /** @param elapsed ms on a clock that only goes on */
  constructor(own: Clock, elapsed: () => number = () => performance.now()) {
    this.#own = own
    this.#elapsed = elapsed
  }

  now(): number {
    return this.#told === undefined ? this.#own.now() : Math.round(this.#told.now + this.#elapsed() - this.#told.elapsed)
  }

  /** The other clock said `now`, asked and answered just now at times of this machine. */
  set(now: number, askedAt: number, answeredAt: number): void {
    this.aheadMs = now - (askedAt + answeredAt) / 2
    this.#told = { now: now + (answeredAt - askedAt) / 2, elapsed: this.#elapsed() }
  }

  /** Of this machine alone. */
  own(): number {
    return this.#own.now()
  }
}

export const systemClock: Clock = { now: () => Date.now() }
