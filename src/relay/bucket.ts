// Token buckets: one rule for agents, addresses and connections. No timers: a bucket is brought up to date when it is asked.

export interface Rate {
  /** Tokens per second; 0 = unlimited. */
  readonly perSecond: number
  /** Tokens a full bucket holds. */
  readonly burst: number
}

export class Bucket {
  readonly rate: Rate
  #tokens: number
  #at: number

  constructor(rate: Rate, now: number) {
    this.rate = rate
    this.#tokens = rate.burst
    this.#at = now
  }

  /** Takes a token: 0 when there was one, else the ms until there is one (and nothing is taken). */
  take(now: number): number {
    if (this.rate.perSecond === 0) return 0
    this.#refill(now)
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    return Math.ceil((1 - this.#tokens) / this.rate.perSecond * 1_000)
  }

  /** Takes tokens even when there are none: gives the debt in ms, for a reader that is slowed instead of refused. */
  owe(now: number, tokens: number): number {
    if (this.rate.perSecond === 0) return 0
    this.#refill(now)
    this.#tokens -= tokens
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens / this.rate.perSecond * 1_000)
  }

  isFull(now: number): boolean {
    this.#refill(now)
    return this.#tokens >= this.rate.burst
  }

  #refill(now: number): void {
    // A clock that stepped back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, now - this.#at)
    this.#at = now
    this.#tokens = Math.min(this.rate.burst, this.#tokens + elapsedMs / 1_000 * this.rate.perSecond)
  }
}

/** Buckets by key (agent id, address). A full bucket says nothing, so it is forgotten. */
export class Buckets {
  readonly #rate: Rate
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: Rate) {
    this.#rate = rate
  }

  get size(): number {
    return this.#buckets.size
  }

  take(key: string, now: number): number {
    if (this.#rate.perSecond === 0) return 0
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) this.#buckets.set(key, bucket = new Bucket(this.#rate, now))
    return bucket.take(now)
  }

  sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key)
  }
}
