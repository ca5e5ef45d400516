// The bus as a relay uses it: with a number on what is told to all, and with what was written to of late, which is told again.
import type { Counts } from '../base/metrics.ts'
import { everyone, processNamed, type Subject } from '../bus/bus.ts'
import { Awaited } from './awaited.ts'
import type { BusMessage, RelayBus, Told } from './told.ts'

/** For how many seconds it is told again which channels and inboxes were written to. */
const toldAgain = 3

/** Events beyond that are not carried: those who hear them read them from the log. What the bus takes in one message is bounded. */
const maxCarriedBytes = 256 * 1024

/** What nobody has to wait for: it is of one message, or for whoever is there, or nobody is answered, or who is waits for what is told next. */
const passing: ReadonlySet<Told['kind']> = new Set(['slow', 'inbox', 'notice', 'hint', 'closed', 'hears'])

const isChannel = (subject: Subject): boolean => subject.startsWith('#')

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
  /** Whether another process may hear a channel. */
  #isHeard: (channel: Subject) => boolean = () => true

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
    if (isChannel(subject) && !this.#isHeard(subject)) return
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
    const followed = this.#bus.follow(subject)
    this.#tellHears(subject, true)
    return followed
  }

  unfollow(subject: Subject): void {
    this.#bus.unfollow(subject)
    this.#tellHears(subject, false)
  }

  /** Behind following it: who knows that a channel is heard here, is heard. */
  #tellHears(channel: Subject, isHeard: boolean): void {
    if (isChannel(channel) && !this.isAlone) this.publish(everyone, { kind: 'told', told: { kind: 'hears', channel, isHeard } })
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

  /** What is said in a channel is told where it may be heard, and not at all where that is nowhere. How far it is all are told by the second. */
  sparing(isHeard: (channel: Subject) => boolean): void {
    this.#isHeard = isHeard
  }

  /** A process hears channels from now on: what was stored there while that was not known here, it reads. */
  tellHeads(node: string, channels: readonly Subject[]): void {
    const heads = channels.flatMap((channel): readonly (readonly [Subject, number])[] => {
      const seqs = this.#recent.flatMap(second => second.get(channel) ?? [])
      return seqs.length === 0 ? [] : [[channel, Math.max(...seqs)]]
    })
    if (heads.length > 0) this.publish(processNamed(node), { kind: 'heads', heads, n: this.told })
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
