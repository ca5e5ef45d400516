// Wrong admin keys, by address: the more of them, the longer nobody there is listened to. Bounded, without timers.

interface Guessing {
  readonly count: number
  readonly at: number
}

/** Wrong ones that may be slips of the hand. */
const free = 3
const firstWaitMs = 1_000
const maxWaitMs = 15 * 60_000
/** An address from which nothing wrong came for so long begins anew. */
const forgetMs = 60 * 60_000
/** Addresses that are remembered; of more, the one that was wrong the longest ago is forgotten. */
const maxAddresses = 10_000

export class Guesses {
  /** In the order in which they were wrong last. */
  readonly #guessing = new Map<string, Guessing>()

  get size(): number {
    return this.#guessing.size
  }

  /** ms until a key from this address is looked at again; 0: now. */
  waitMs(address: string, now: number): number {
    const guessing = this.#guessing.get(address)
    if (guessing === undefined || guessing.count < free) return 0
    return Math.max(0, guessing.at + Math.min(maxWaitMs, firstWaitMs * 2 ** Math.min(30, guessing.count - free)) - now)
  }

  wrong(address: string, now: number): void {
    const former = this.#guessing.get(address)
    this.#guessing.delete(address)
    if (this.#guessing.size >= maxAddresses) this.#guessing.delete(this.#guessing.keys().next().value!)
    this.#guessing.set(address, { count: (former === undefined || now - former.at >= forgetMs ? 0 : former.count) + 1, at: now })
  }

  right(address: string): void {
    this.#guessing.delete(address)
  }

  sweep(now: number): void {
    for (const [address, { at }] of this.#guessing) {
      if (now - at < forgetMs) return
      this.#guessing.delete(address)
    }
  }
}
