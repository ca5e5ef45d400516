// How a turn of the event loop is shared: each address is served for so long of it, and what it brought beyond that goes on in the next
// turns, one address after the other. However much one brings, the others wait for a few milliseconds of it.
import { Turns, type Source } from './turns.ts'

export interface SlicesOptions {
  /** A monotonic clock, in ms. */
  readonly now: () => number
  /** Calls in the next turn of the event loop. */
  readonly later: (then: () => void) => void
}

/** What an address may take of a turn as it comes; where more than a few come in it, they share what those few would have. */
const maxAddressMs = 4
const fewAddresses = 4
/** What each of those that wait may take at once, and all of them in a turn. */
const sliceMs = 1
const maxWaitersMs = 4

/** A chunk of 64 KiB takes a quarter of a millisecond, with what its sender is told of it. */
const readMsPerByte = 0.25 / 65_536

export class Slices {
  readonly #options: SlicesOptions
  /** Of addresses that were served in this turn: for how long. */
  readonly #used = new Map<string, { ms: number }>()
  readonly #waiters = new Turns<() => void>()
  readonly #nextTurn = () => this.#turn()
  /** When the slice of the one that goes on is over. */
  #until: number | undefined
  #isPlanned = false
  /** Of the turn of those who wait. */
  #unseenMs = 0

  constructor(options: SlicesOptions) {
    this.#options = options
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiters.length
  }

  /** Whether more of an address may be done now. */
  hasTime({ address }: Source): boolean {
    if (this.#until !== undefined) return this.#options.now() < this.#until
    const used = this.#used.get(address)
    return used === undefined || used.ms < maxAddressMs * fewAddresses / Math.max(fewAddresses, this.#used.size)
  }

  /**
   * Something of an address begins; what this gives goes to `end`. Those who wait go on at the end of this turn: before what was asked
   * for meanwhile is committed, so that it is committed together.
   */
  begin(): number {
    this.#plan()
    return this.#options.now()
  }

  /** It is done, for now. `bytes` came by a socket for it: what the system takes to hand them over cannot be seen from here. */
  end({ address }: Source, begunAt: number, bytes = 0): void {
    const unseenMs = bytes * readMsPerByte
    this.#unseenMs += unseenMs
    const ms = this.#options.now() - begunAt + unseenMs
    const used = this.#used.get(address)
    if (used === undefined) this.#used.set(address, { ms })
    else used.ms += ms
  }

  /** Goes on with `then` in one of the next turns, until the address has no time any more; then it waits again. */
  wait(source: Source, then: () => void): void {
    this.#waiters.push(source, then)
    this.#plan()
  }

  #plan(): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#options.later(this.#nextTurn)
  }

  /** Each that waited when the turn began goes on once: those who come are read in between. */
  #turn(): void {
    const { now } = this.#options
    this.#isPlanned = false
    this.#used.clear()
    this.#unseenMs = 0
    const end = now() + maxWaitersMs
    for (let left = this.#waiters.length, at = now(); left > 0 && at + this.#unseenMs < end; left--, at = now()) {
      this.#until = at + sliceMs
      try {
        this.#waiters.take()!()
      } finally {
        this.#until = undefined
      }
    }
    this.#used.clear()
    if (this.#waiters.length > 0) this.#plan()
  }
}
