// What a process hears of the others, as networks have it: lost, doubled, late, in another order. And a bus that breaks a promise.
import type { Subject } from '../../src/bus/bus.ts'
import type { BusMessage, RelayBus } from '../../src/relay/told.ts'
import type { Random } from './random.ts'

/** What becomes of what others tell. */
export interface BusTrouble {
  /** Shares of it, 0 to 1. */
  readonly lost: number
  readonly twice: number
  /** ms: each comes late by any time up to that, so that one thing overtakes another. */
  readonly lateMs: number
}

export const noTrouble: BusTrouble = { lost: 0, twice: 0, lateMs: 0 }

type Listener = (message: BusMessage, from: string) => void

/** The bus that it is given, and nothing else. */
class BusAround implements RelayBus {
  readonly #bus: RelayBus

  constructor(bus: RelayBus) {
    this.#bus = bus
  }

  get node(): string {
    return this.#bus.node
  }

  get isAlone(): boolean {
    return this.#bus.isAlone
  }

  get isUp(): boolean {
    return this.#bus.isUp
  }

  publish(subject: Subject, message: BusMessage): void {
    this.#bus.publish(subject, message)
  }

  follow(subject: Subject): void | Promise<void> {
    return this.#bus.follow(subject)
  }

  unfollow(subject: Subject): void {
    this.#bus.unfollow(subject)
  }

  hear(listener: Listener): void {
    this.#bus.hear(listener)
  }

  missed(listener: () => void): void {
    this.#bus.missed(listener)
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}

/** At the ear of one process, which does not know that it misses something. */
export class ShakenBus extends BusAround {
  readonly #random: Random
  readonly #onLost: (message: BusMessage) => void
  trouble: BusTrouble = noTrouble

  constructor(bus: RelayBus, random: Random, onLost: (message: BusMessage) => void) {
    super(bus)
    this.#random = random
    this.#onLost = onLost
  }

  override hear(listener: Listener): void {
    super.hear((message, from) => {
      const { lost, twice, lateMs } = this.trouble
      if (this.#random.chance(lost)) return this.#onLost(message)
      for (let times = this.#random.chance(twice) ? 2 : 1; times > 0; times--) {
        if (lateMs === 0) listener(message, from)
        else setTimeout(() => listener(message, from), this.#random.between(0, lateMs))
      }
    })
  }
}

/** Nobody is waited for: whoever has to know something is said to know it, before it was told. */
export class HastyBus extends BusAround {
  readonly #others = new Set<string>()
  #listener: Listener | undefined

  override hear(listener: Listener): void {
    this.#listener = listener
    super.hear((message, from) => {
      this.#others.add(from)
      listener(message, from)
    })
  }

  override publish(subject: Subject, message: BusMessage): void {
    super.publish(subject, message)
    if (message.kind !== 'told' || message.isAwaited !== true) return
    for (const other of this.#others) this.#listener?.({ kind: 'knows', n: message.n! }, other)
  }
}

/** Events of channels that were lost on their way to this process. */
export class Missed {
  readonly #places = new Map<string, Set<number>>()

  add(message: BusMessage): void {
    if (message.kind !== 'events') return
    let places = this.#places.get(message.channel)
    if (places === undefined) this.#places.set(message.channel, places = new Set())
    for (let seq = message.first; seq <= message.last; seq++) places.add(seq)
  }

  has(channel: string, seq: number): boolean {
    return this.#places.get(channel)?.has(seq) === true
  }
}
