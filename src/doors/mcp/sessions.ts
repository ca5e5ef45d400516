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

/** Ids that were ended, and are not taken for others' any more; the newest of them. */
const maxEnded = 10_000

export class Sessions<T> {
  readonly #limits: SessionLimits
  readonly #close: (value: T) => void
  /** Those used last stand last. */
  readonly #live = new Map<string, Live<T>>()
  readonly #ended = new Set<string>()

  constructor(close: (value: T) => void, limits = sessionLimits) {
    this.#close = close
    this.#limits = limits
  }

  get size(): number {
    return this.#live.size
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

  /** Its host ended it: its id is no good from here on. */
  end(id: string): void {
    if (this.#ended.size >= maxEnded) this.#ended.delete(this.#ended.values().next().value!)
    this.#ended.add(id)
    this.drop(id)
  }

  isEnded(id: string): boolean {
    return this.#ended.has(id)
  }

  sweep(now: number): void {
    for (const [id, { usedAt }] of this.#live) if (now - usedAt >= this.#limits.idleMs) this.drop(id)
  }

  close(): void {
    for (const id of [...this.#live.keys()]) this.drop(id)
  }
}
