// Token buckets: one rule for agents, addresses and connections. No timers: a bucket is brought up to date when it is asked.

export interface Rate {
  /** Tokens per second; 0 = unlimited. */
  readonly perSecond: number
  /** Tokens a full bucket holds. */
  readonly burst: number
}

export class Bucket {
  readonly rate: Rate
  /** What was taken and is not refilled yet, in ms of refilling: whole numbers stay exact. */
  #usedMs = 0
  #at: number

  constructor(rate: Rate, now: number) {
    this.rate = rate
    this.#at = now
  }

  /** 0 when there is a token, else the ms until there is one. */
  wait(now: number): number {
    if (this.rate.perSecond === 0) return 0
    return Math.max(0, Math.ceil(this.#usedAt(now) + this.#tokenMs - this.rate.burst * this.#tokenMs))
  }

  /** Takes a token: 0 when there was one, else the ms until there is one (and nothing is taken). */
  take(now: number): number {
    const waitMs = this.wait(now)
    if (waitMs === 0 && this.rate.perSecond > 0) this.#usedMs += this.#tokenMs
    return waitMs
  }

  /** Takes tokens even when there are none: gives the debt in ms, for a reader that is slowed instead of refused. */
  owe(now: number, tokens: number): number {
    if (this.rate.perSecond === 0) return 0
    this.#usedMs = this.#usedAt(now) + tokens * this.#tokenMs
    return Math.max(0, Math.ceil(this.#usedMs - this.rate.burst * this.#tokenMs))
  }

  isFull(now: number): boolean {
    return this.#usedAt(now) === 0
  }

  get #tokenMs(): number {
    return 1_000 / this.rate.perSecond
  }

  #usedAt(now: number): number {
    // A clock that stepped back gives nothing and takes nothing.
    this.#usedMs = Math.max(0, this.#usedMs - Math.max(0, now - this.#at))
    this.#at = now
    return this.#usedMs
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

  wait(key: string, now: number): number {
    return this.#buckets.get(key)?.wait(now) ?? 0
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
