// Token buckets: one rule for agents, addresses and connections. No timers: a bucket is brought up to date when it is asked.

export interface Rate {
  /** Tokens per second; 0 = unlimited. */
  readonly perSecond: number
  /** Tokens a full bucket holds. */
  readonly burst: number
}

/** What may still be used, and when all of it may be again. */
export interface Left {
  readonly name: string
  readonly quota: number
  readonly windowS: number
  readonly remaining: number
  readonly resetS: number
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

  /**
   * 0 when there are so many tokens, else the ms until there are. More than the bucket holds are there when it is full: what is
   * allowed at all is not refused for ever.
   */
  wait(now: number, tokens = 1): number {
    const { perSecond, burst } = this.rate
    if (perSecond === 0) return 0
    return Math.max(0, Math.ceil(this.#usedAt(now) + (Math.min(tokens, burst) - burst) * this.#tokenMs))
  }

  /** Takes tokens: 0 when they were there, else the ms until they are (and nothing is taken). More than the bucket holds leave a debt. */
  take(now: number, tokens = 1): number {
    const waitMs = this.wait(now, tokens)
    if (waitMs === 0 && this.rate.perSecond > 0) this.#usedMs += tokens * this.#tokenMs
    return waitMs
  }

  /**
   * Takes tokens even when there are none: gives the debt in ms, for a reader that is slowed instead of refused. What would make it
   * more than `maxDebtMs` is forgiven.
   */
  owe(now: number, tokens: number, maxDebtMs = Infinity): number {
    if (this.rate.perSecond === 0) return 0
    const fullMs = this.rate.burst * this.#tokenMs
    this.#usedMs = Math.min(this.#usedAt(now) + tokens * this.#tokenMs, fullMs + maxDebtMs)
    return Math.max(0, Math.ceil(this.#usedMs - fullMs))
  }

  /** Whole tokens that are there, and the ms until it is full; undefined: it has no limit. */
  left(now: number): Omit<Left, 'name'> | undefined {
    const { perSecond, burst } = this.rate
    if (perSecond === 0) return undefined
    const usedMs = this.#usedAt(now)
    return {
      quota: burst,
      windowS: Math.ceil(burst / perSecond),
      remaining: Math.max(0, Math.floor(burst - usedMs / this.#tokenMs)),
      resetS: Math.ceil(usedMs / 1_000),
    }
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

  wait(key: string, now: number, tokens = 1): number {
    return this.#buckets.get(key)?.wait(now, tokens) ?? 0
  }

  take(key: string, now: number, tokens = 1): number {
    return this.#rate.perSecond === 0 ? 0 : this.#of(key, now).take(now, tokens)
  }

  owe(key: string, now: number, tokens: number, maxDebtMs?: number): number {
    return this.#rate.perSecond === 0 ? 0 : this.#of(key, now).owe(now, tokens, maxDebtMs)
  }

  left(key: string, now: number): Omit<Left, 'name'> | undefined {
    return (this.#buckets.get(key) ?? new Bucket(this.#rate, now)).left(now)
  }

  sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key)
  }

  #of(key: string, now: number): Bucket {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) this.#buckets.set(key, bucket = new Bucket(this.#rate, now))
    return bucket
  }
}

/** Who pays: an address, and an agent once it is known. */
export interface Payer {
  readonly address: string
  readonly agent?: { readonly id: string } | undefined
}

/** What agents, and the addresses they come from, may use of one thing. A price is paid by both. */
export class Allowance {
  readonly #agents: Buckets
  readonly #addresses: Buckets
  readonly #maxDebtMs: number

  constructor(agentRate: Rate, addressRate: Rate, maxDebtMs = Infinity) {
    this.#agents = new Buckets(agentRate)
    this.#addresses = new Buckets(addressRate)
    this.#maxDebtMs = maxDebtMs
  }

  /** Takes the tokens from both, or from neither: a refusal costs nothing, so that the wait (ms) it gives is the whole wait. 0: taken. */
  take({ agent, address }: Payer, now: number, tokens: number): number {
    const waitMs = Math.max(agent === undefined ? 0 : this.#agents.wait(agent.id, now, tokens), this.#addresses.wait(address, now, tokens))
    if (waitMs > 0) return waitMs
    if (agent !== undefined) this.#agents.take(agent.id, now, tokens)
    this.#addresses.take(address, now, tokens)
    return 0
  }

  /** What is left to an agent, and to its address. */
  left(agent: string, address: string, now: number): readonly Left[] {
    const own = this.#agents.left(agent, now)
    const shared = this.#addresses.left(address, now)
    return [...(own === undefined ? [] : [{ name: 'messages', ...own }]), ...(shared === undefined ? [] : [{ name: 'address', ...shared }])]
  }

  /** Takes the tokens though there are none; gives the larger debt in ms. */
  owe({ agent, address }: Payer, now: number, tokens: number): number {
    return Math.max(
      agent === undefined ? 0 : this.#agents.owe(agent.id, now, tokens, this.#maxDebtMs),
      this.#addresses.owe(address, now, tokens, this.#maxDebtMs),
    )
  }

  sweep(now: number): void {
    this.#agents.sweep(now)
    this.#addresses.sweep(now)
  }
}
