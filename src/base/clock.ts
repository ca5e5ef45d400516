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

  /** The other clock said `now`. @param askedAt when it was asked, as `elapsed` said; it has answered just now */
  set(now: number, askedAt: number): void {
    const elapsed = this.#elapsed()
    const told = now + (elapsed - askedAt) / 2
    this.aheadMs = told - this.#own.now()
    this.#told = { now: told, elapsed }
  }

  /** ms since any moment, of this machine alone: it only goes on. */
  elapsed(): number {
    return this.#elapsed()
  }
}

export const systemClock: Clock = { now: () => Date.now() }
