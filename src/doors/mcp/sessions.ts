// Sessions of the older era that are alive in this process: few for each caller, and some in all. None of them holds anything that its loss
// would lose: who comes with an id that is not here any more is served without one.

export interface Live<T> {
  readonly caller: string
  readonly value: T
  usedAt: number
}

export interface SessionLimits {
  readonly perCaller: number
  readonly inAll: number
  readonly idleMs: number
}

export const sessionLimits: SessionLimits = { perCaller: 4, inAll: 1_000, idleMs: 30 * 60_000 }

/** Sessions of one caller that their host ended: their ids are no good any more. What names one here is its seal. */
export interface EndedSessions {
  has(seal: string): Promise<boolean>
  add(seal: string): Promise<void>
}

const maxEnded = 1_000

/** Those that were ended at this process; the newest of them. */
export class EndedHere implements EndedSessions {
  readonly #seals = new Set<string>()

  has(seal: string): Promise<boolean> {
    return Promise.resolve(this.#seals.has(seal))
  }

  add(seal: string): Promise<void> {
    if (this.#seals.size >= maxEnded) this.#seals.delete(this.#seals.values().next().value!)
    this.#seals.add(seal)
    return Promise.resolve()
  }
}

export class Sessions<T> {
  readonly #limits: SessionLimits
  readonly #close: (value: T) => void
  /** Those used last stand last. */
  readonly #live = new Map<string, Live<T>>()

  constructor(close: (value: T) => void, limits = sessionLimits) {
    this.#close = close
    this.#limits = limits
  }

  get size(): number {
    return this.#live.size
  }

  values(): readonly T[] {
    return [...this.#live.values()].map(({ value }) => value)
  }

  add(id: string, caller: string, value: T, now: number): void {
    const { perCaller, inAll } = this.#limits
    const own = [...this.#live].filter(([, live]) => live.caller === caller)
    if (own.length >= perCaller) this.drop(own[0]![0])
    if (this.#live.size >= inAll) this.drop(this.#live.keys().next().value!)
    this.#live.set(id, { caller, value, usedAt: now })
  }

  /** undefined: it is not alive here, or another's. */
  use(id: string, caller: string, now: number): T | undefined {
    const live = this.#live.get(id)
    if (live === undefined || live.caller !== caller) return undefined
    this.#live.delete(id)
    this.#live.set(id, live)
    live.usedAt = now
    return live.value
  }

  /** It is not alive any more; its id stays good. */
  drop(id: string): void {
    const live = this.#live.get(id)
    if (live === undefined) return
    this.#live.delete(id)
    this.#close(live.value)
  }

  sweep(now: number): void {
    for (const [id, { usedAt }] of this.#live) if (now - usedAt >= this.#limits.idleMs) this.drop(id)
  }

  close(): void {
    for (const id of [...this.#live.keys()]) this.drop(id)
  }
}
