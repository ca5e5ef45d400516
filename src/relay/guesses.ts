// Wrong admin keys, by address: the more of them, the longer nobody there is listened to. Bounded, without timers.
import type { Shared } from './bucket.ts'

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
/** More of them make nobody wait longer. */
const maxTold = 30

export class Guesses implements Shared {
  /** In the order in which they were wrong last. */
  readonly #guessing = new Map<string, Guessing>()
  /** How many of each no other process was told of; 0: that the right one came. undefined: there is none. */
  #untold: Map<string, number> | undefined

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
    this.#wrong(address, now)
    // Without the others nobody asks for it.
    if (this.#untold !== undefined && this.#untold.size < maxAddresses) this.#untold.set(address, (this.#untold.get(address) ?? 0) + 1)
  }

  right(address: string): void {
    if (this.#guessing.delete(address)) this.#untold?.set(address, 0)
  }

  share(): void {
    this.#untold ??= new Map()
  }

  *untold(_now: number, _isElsewhere: unknown, most: number): Generator<readonly ['address', string, number]> {
    let left = most
    for (const [address, count] of this.#untold ?? []) {
      if (left-- <= 0) return
      this.#untold!.delete(address)
      yield ['address', address, count]
    }
  }

  hear(_whose: unknown, address: string, now: number, count: number): void {
    if (count === 0) this.#guessing.delete(address)
    for (let n = 0; n < Math.min(count, maxTold); n++) this.#wrong(address, now)
  }

  #wrong(address: string, now: number): void {
    const former = this.#guessing.get(address)
    this.#guessing.delete(address)
    if (this.#guessing.size >= maxAddresses) this.#guessing.delete(this.#guessing.keys().next().value!)
    this.#guessing.set(address, { count: (former === undefined || now - former.at >= forgetMs ? 0 : former.count) + 1, at: now })
  }

  sweep(now: number): void {
    for (const [address, { at }] of this.#guessing) {
      if (now - at < forgetMs) return
      this.#guessing.delete(address)
    }
  }
}
