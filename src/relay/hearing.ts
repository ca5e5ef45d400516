// What each of the other processes told, in its order: what comes early is held for a moment, and what does not come then is asked for.
import { timerMs } from '../../lib/protocol/index.ts'
import type { Counts } from '../base/metrics.ts'
import type { Told } from './told.ts'

/** How long what comes too early waits for what is missing before it. */
const holdMs = 100
const maxHeld = 1_000

export interface HearingOptions {
  readonly apply: (told: Told, from: string) => void
  /** Something that a process told did not come. */
  readonly missed: (from: string) => void
  /** All that it told up to a number is known. */
  readonly caughtUp: (from: string, upTo: number) => void
}

interface Teller {
  /** Up to which all is known; undefined: that is asked for. */
  last: number | undefined
  /** The largest number that it is known to have told. */
  told: number
  /** The largest one of which it is to be told that it is known; 0: that is done. */
  awaited: number
  /** By number: what came before what is missing. */
  readonly early: Map<number, Told>
  timer: NodeJS.Timeout | undefined
}

export class Hearing {
  readonly #options: HearingOptions
  readonly #tellers = new Map<string, Teller>()
  readonly #counts: Pick<Counts, 'busHeld' | 'busGaps'>

  constructor(options: HearingOptions, counts: Pick<Counts, 'busHeld' | 'busGaps'>) {
    this.#options = options
    this.#counts = counts
  }

  /** Up to which what a process told is known. */
  lastOf(from: string): number | undefined {
    return this.#tellers.get(from)?.last
  }

  /** Whether all that a process is known to have told is known. */
  isUpToDate(from: string): boolean {
    const teller = this.#tellers.get(from)
    return teller?.last !== undefined && teller.last >= teller.told
  }

  /** How many they told that are not known. */
  get behind(): number {
    let all = 0
    for (const { told, last } of this.#tellers.values()) all += last === undefined ? 1 : Math.max(0, told - last)
    return all
  }

  /** Those that told something. */
  get names(): Iterable<string> {
    return this.#tellers.keys()
  }

  hear(told: Told, n: number, isAwaited: boolean, from: string): void {
    const teller = this.#tellerOf(from)
    teller.told = Math.max(teller.told, n)
    if (isAwaited) teller.awaited = Math.max(teller.awaited, n)
    if (teller.last === undefined) {
      // It is a part of what is asked for.
      this.#options.missed(from)
      return this.#options.apply(told, from)
    }
    if (n <= teller.last || teller.early.has(n)) return
    if (n === teller.last + 1) {
      teller.last = n
      this.#options.apply(told, from)
      return this.#goOn(teller, from)
    }
    this.#counts.busHeld++
    teller.early.set(n, told)
    if (teller.early.size > maxHeld) this.#giveUp(teller, from)
    else this.#waitFor(teller, from)
  }

  /** It says that it told so much by now. */
  expect(from: string, n: number): void {
    const teller = this.#tellerOf(from)
    teller.told = Math.max(teller.told, n)
    if (teller.last === undefined) this.#options.missed(from)
    else if (teller.last < n) this.#waitFor(teller, from)
  }

  /** All that it told up to a number is known, by what was asked for. */
  learned(from: string, upTo: number): void {
    const teller = this.#tellerOf(from)
    teller.last = Math.max(upTo, teller.last ?? 0)
    teller.told = Math.max(upTo, teller.told)
    this.#goOn(teller, from)
  }

  forget(from: string): void {
    clearTimeout(this.#tellers.get(from)?.timer)
    this.#tellers.delete(from)
  }

  #tellerOf(from: string): Teller {
    const known = this.#tellers.get(from)
    if (known !== undefined) return known
    const teller: Teller = { last: undefined, told: 0, awaited: 0, early: new Map(), timer: undefined }
    this.#tellers.set(from, teller)
    return teller
  }

  /** What was held and is next. */
  #goOn(teller: Teller, from: string): void {
    const { early } = teller
    for (const n of early.keys()) if (n <= teller.last!) early.delete(n)
    for (let next = early.get(teller.last! + 1); next !== undefined; next = early.get(teller.last! + 1)) {
      early.delete(++teller.last!)
      this.#options.apply(next, from)
    }
    if (teller.last! >= teller.told) {
      clearTimeout(teller.timer)
      teller.timer = undefined
    }
    if (teller.awaited === 0 || teller.awaited > teller.last!) return
    teller.awaited = 0
    this.#options.caughtUp(from, teller.last!)
  }

  #waitFor(teller: Teller, from: string): void {
    teller.timer ??= setTimeout(() => this.#giveUp(teller, from), timerMs(holdMs)).unref()
  }

  /** What is missing does not come: what there is counts, and the rest is asked for. */
  #giveUp(teller: Teller, from: string): void {
    clearTimeout(teller.timer)
    teller.timer = undefined
    this.#counts.busGaps++
    for (const n of [...teller.early.keys()].sort((a, b) => a - b)) {
      this.#options.apply(teller.early.get(n)!, from)
      teller.early.delete(n)
    }
    this.#options.missed(from)
  }
}
