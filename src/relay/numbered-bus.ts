// The bus as a relay uses it: with a number on what is told to all, and with what was written to of late, which is told again.
import type { Counts } from '../base/metrics.ts'
import { everyone, type Subject } from '../bus/bus.ts'
import { Awaited } from './awaited.ts'
import type { BusMessage, RelayBus, Told } from './told.ts'

/** For how many seconds it is told again which channels and inboxes were written to. */
const toldAgain = 3

/** Events beyond that are not carried: those who hear them read them from the log. What the bus takes in one message is bounded. */
const maxCarriedBytes = 256 * 1024

/** What nobody has to wait for: it is of one message, or for whoever is there, or nobody is answered. */
const passing: ReadonlySet<Told['kind']> = new Set(['slow', 'inbox', 'notice', 'hint', 'closed'])

export class NumberedBus implements RelayBus {
  readonly #bus: RelayBus
  /** Of what was told last to all, and of the last of that for which an answer waits. */
  told: number
  awaitedUpTo = 0
  /** Who has to know it. */
  readonly awaited: Awaited
  readonly #counts: Pick<Counts, 'busTold' | 'unanswered'>
  /** By second, the newest first: channels and inboxes, and how far they are. */
  readonly #recent: Map<Subject, number>[] = [new Map()]

  /** @param now ms: the first number is made of it, so that it is past those of an earlier process of this name */
  constructor(bus: RelayBus, now: number, counts: Pick<Counts, 'busTold' | 'unanswered'>) {
    this.#bus = bus
    this.#counts = counts
    this.awaited = new Awaited(counts)
    this.told = now * 1_000
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
    if (message.kind === 'events') this.#recent[0]!.set(message.channel, message.last)
    else if (message.kind === 'direct' && message.inboxSeq !== undefined) this.#recent[0]!.set(message.agent, message.inboxSeq)
    if (message.kind === 'events' && message.frames.length > maxCarriedBytes)
      return this.#bus.publish(subject, { kind: 'heads', heads: [[message.channel, message.last]], n: this.told })
    if (message.kind !== 'told' || subject !== everyone) return this.#bus.publish(subject, message)
    const n = ++this.told
    this.#counts.busTold++
    const { told } = message
    // That a floor is free again is told with the message that was waited for.
    const isAwaited = !passing.has(told.kind) && !(told.kind === 'floor' && told.claim === undefined)
    if (isAwaited) this.awaitedUpTo = n
    this.#bus.publish(subject, { ...message, n, isAwaited })
  }

  /** Resolves when the others know what an answer waits for, or are not waited for any more; undefined: nothing is to be waited for. */
  known(): Promise<void> | undefined {
    return this.isAlone || !this.isUp ? undefined : this.awaited.until(this.awaitedUpTo)
  }

  follow(subject: Subject): void | Promise<void> {
    return this.#bus.follow(subject)
  }

  unfollow(subject: Subject): void {
    this.#bus.unfollow(subject)
  }

  hear(listener: (message: BusMessage, from: string) => void): void {
    this.#bus.hear(listener)
  }

  missed(listener: () => void): void {
    this.#bus.missed(listener)
  }

  close(): Promise<void> {
    return this.#bus.close()
  }

  /** Something is stored there that perhaps nobody was told of. */
  noteHead(subject: Subject, seq: number): void {
    // Where nobody is told, nothing would ever be forgotten.
    if (this.isAlone) return
    this.#recent[0]!.set(subject, Math.max(seq, this.#recent[0]!.get(subject) ?? 0))
  }

  /** A second is over: what was written to in the last few, the newest number of each. */
  heads(): readonly (readonly [Subject, number])[] {
    const all = new Map<Subject, number>()
    for (const second of [...this.#recent].reverse())
      for (const [subject, seq] of second) all.set(subject, Math.max(seq, all.get(subject) ?? 0))
    this.#recent.unshift(new Map())
    this.#recent.splice(toldAgain)
    return [...all]
  }
}
