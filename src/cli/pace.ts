// Keeps to a rate that the other side publishes: a burst at once, then one every so often.

export interface Rate {
  /** 0 = unlimited */
  readonly perSecond: number
  readonly burst: number
}

export class Pace {
  readonly #intervalMs: number
  readonly #burst: number
  /** When the allowance will be whole again. */
  #fullAt = 0

  constructor({ perSecond, burst }: Rate) {
    this.#intervalMs = perSecond === 0 ? 0 : 1_000 / perSecond
    this.#burst = Math.max(1, burst)
  }

  /** Books the next turn and gives the ms until it comes. */
  take(now: number): number {
    const start = Math.max(this.#fullAt, now)
    this.#fullAt = start + this.#intervalMs
    return Math.max(0, start - now - (this.#burst - 1) * this.#intervalMs)
  }
}
