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

  /** Tokens that were taken and are not refilled yet. */
  used(now: number): number {
    return this.rate.perSecond === 0 ? 0 : this.#usedAt(now) / this.#tokenMs
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

/** Of a bucket that several processes share so much is spent at one before the others are told. */
const quietShare = 1 / 4

/** Buckets by key (agent id, address). A full bucket says nothing, so it is forgotten. */
export class Buckets {
  readonly #rate: Rate
  readonly #buckets = new Map<string, Bucket>()
  /** What was spent here and no other process was told of; undefined: there is none. */
  #untold: Map<string, number> | undefined

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
    if (this.#rate.perSecond === 0) return 0
    const waitMs = this.#of(key, now).take(now, tokens)
    if (waitMs === 0) this.#spent(key, tokens)
    return waitMs
  }

  owe(key: string, now: number, tokens: number, maxDebtMs?: number): number {
    if (this.#rate.perSecond === 0) return 0
    this.#spent(key, tokens)
    return this.#of(key, now).owe(now, tokens, maxDebtMs)
  }

  /** They are several processes' from now on. */
  share(): void {
    this.#untold ??= new Map()
  }

  /**
   * What was spent here since this was asked last, of those of whom the others have to know: who is with them too, or has spent a good part
   * of the burst. What is refilled by now is nobody's business.
   */
  *untold(now: number, isElsewhere: (key: string) => boolean): Iterable<readonly [key: string, tokens: number]> {
    for (const [key, tokens] of this.#untold ?? []) {
      const used = this.#buckets.get(key)?.used(now) ?? 0
      if (used > 0 && used <= this.#rate.burst * quietShare && !isElsewhere(key)) continue
      this.#untold!.delete(key)
      if (used > 0) yield [key, Math.min(tokens, used)]
    }
  }

  /** Spent at another process. */
  hear(key: string, now: number, tokens: number, maxDebtMs?: number): void {
    if (this.#rate.perSecond > 0) this.#of(key, now).owe(now, tokens, maxDebtMs)
  }

  left(key: string, now: number): Omit<Left, 'name'> | undefined {
    return (this.#buckets.get(key) ?? new Bucket(this.#rate, now)).left(now)
  }

  sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (!bucket.isFull(now)) continue
      this.#buckets.delete(key)
      this.#untold?.delete(key)
    }
  }

  #spent(key: string, tokens: number): void {
    if (tokens > 0) this.#untold?.set(key, (this.#untold.get(key) ?? 0) + tokens)
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

/** Whose tokens they are. */
export type Whose = 'agent' | 'address'

/** What several processes of a relay count together: each tells what was counted at it, and hears what was counted at the others. */
export interface Shared {
  /** Others count the same from now on. */
  share(): void
  /** What was counted here since this was asked last and the others have to know, `most` of them. */
  untold(
    now: number,
    isElsewhere: (agent: string) => boolean,
    most: number,
  ): Iterable<readonly [whose: Whose, key: string, tokens: number]>
  /** Counted at another process. */
  hear(whose: Whose, key: string, now: number, tokens: number): void
}

/** By name. */
export type SharedCounts = Readonly<Record<string, Shared>>

/** Buckets of one kind of key, whatever that is: nobody asks whose it is. */
export const sharedBuckets = (buckets: Buckets): Shared => ({
  share: () => buckets.share(),
  *untold(now, _isElsewhere, most) {
    let left = most
    if (left <= 0) return
    for (const [key, tokens] of buckets.untold(now, () => false)) {
      yield ['address', key, tokens]
      if (--left <= 0) return
    }
  },
  hear: (_whose, key, now, tokens) => buckets.hear(key, now, tokens),
})

/** What agents, and the addresses they come from, may use of one thing. A price is paid by both. */
export class Allowance implements Shared {
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

  /** Of tokens that were refused: whose are waited for longest. */
  whoLacks({ agent, address }: Payer, now: number, tokens: number): Whose {
    const ownMs = agent === undefined ? -1 : this.#agents.wait(agent.id, now, tokens)
    return this.#addresses.wait(address, now, tokens) > ownMs ? 'address' : 'agent'
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

  /** They hold at several processes together. */
  share(): void {
    this.#agents.share()
    this.#addresses.share()
  }

  /** What the others have to know was spent here, `most` of them. */
  *untold(
    now: number,
    isElsewhere: (agent: string) => boolean,
    most: number,
  ): Iterable<readonly [whose: Whose, key: string, tokens: number]> {
    let left = most
    for (const [whose, buckets] of [['agent', this.#agents], ['address', this.#addresses]] as const) {
      if (left <= 0) return
      for (const [key, tokens] of buckets.untold(now, key => whose === 'agent' && isElsewhere(key))) {
        yield [whose, key, tokens]
        if (--left <= 0) return
      }
    }
  }

  /** Spent at another process. */
  hear(whose: Whose, key: string, now: number, tokens: number): void {
    ;(whose === 'agent' ? this.#agents : this.#addresses).hear(key, now, tokens, this.#maxDebtMs)
  }

  sweep(now: number): void {
    this.#agents.sweep(now)
    this.#addresses.sweep(now)
  }
}
