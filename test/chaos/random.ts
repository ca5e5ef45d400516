// Chance that a seed repeats: every kind of fault draws from a sequence of its own, so that none disturbs another's.
import { createHash } from 'node:crypto'

export class Random {
  #state: number

  /** The sequence of `name` under `seed`. */
  constructor(seed: number, name: string) {
    this.#state = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE()
  }

  /** 0 ≤ x < 1 (mulberry32) */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, min ≤ x < max. */
  between(min: number, max: number): number {
    return Math.floor(min + this.next() * (max - min))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** A wait with the given mean, mostly short and sometimes long. */
  exponential(mean: number): number {
    return Math.ceil(-mean * Math.log(1 - this.next()))
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.between(0, 256)))
  }
}
