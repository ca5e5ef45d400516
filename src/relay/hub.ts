// Who hears what: subscribers per channel, and the one place where stored events fan out. Whatever way events come here, in whatever
// order and however often, each subscriber hears 1, 2, 3, …: what came before is dropped, what comes early waits for what is missing.
import { timerMs } from '../../lib/protocol/index.ts'
import type { Counts } from '../base/metrics.ts'
import type { Gone, LogReader } from '../store/log.ts'
import type { Connection } from './connection.ts'
import { Gap, type HeldBytes } from './early.ts'
import { frameOfStored } from './encode.ts'
import type { Filters } from './filters.ts'
import { withMember, withoutMember } from './lean-set.ts'
import type { Outbox } from './outbox.ts'
import type { Place, RelayBus } from './told.ts'

interface Topic {
  readonly channel: string
  /** Newest seq delivered to the live subscribers; `unknown` until the first one is, or somebody who joins knows. */
  last: number
  readonly live: Set<Connection>
  /** Still reading the log, each for one JOIN; they turn live when they reach `last`. */
  readonly catchingUp: Map<Connection, CatchUp>
  /** From when something was told of that is not the next one, until it is delivered. */
  gap: Gap | undefined
  /** It is followed whether somebody here hears it or not. */
  isKept: boolean
}

/** One JOIN's catching up: a newer one of the same connection in the same channel ends it. */
export interface CatchUp {
  readonly connection: Connection
  readonly channel: string
}

export interface HubDeps {
  readonly bus: Pick<RelayBus, 'follow' | 'unfollow'>
  readonly outbox: Pick<Outbox, 'add'>
  readonly filters: Filters
  readonly counts: Counts
  readonly log: Pick<LogReader, 'page' | 'newestOf'>
  /** Told when what is missing cannot be had: those who hear the channel have to come back and resume. */
  readonly onLost: (connections: readonly Connection[], error: unknown) => void
}

const unknown = -1
/** How long what is missing may be on its way. */
const repairAfterMs = 50
/** Channels of which is asked at once how far they are. */
const maxAtOnce = 1_000
const page = { limit: 500, maxBytes: 256 * 1024 } as const

export class Hub {
  readonly #topics = new Map<string, Topic>()
  readonly #deps: HubDeps
  /** Who does not hear everything. */
  readonly filters: Filters
  readonly #held: HeldBytes = { inAll: 0 }

  constructor(deps: HubDeps) {
    this.#deps = deps
    this.filters = deps.filters
  }

  /** Bytes of what came early. */
  get heldBytes(): number {
    return this.#held.inAll
  }

  /** Those that are followed. */
  get channels(): readonly string[] {
    return [...this.#topics.keys()]
  }

  /** Adds a subscriber that still has to read the log up to `last`. */
  subscribe(connection: Connection, channel: string, last: number): CatchUp {
    const topic = this.#topicOf(channel)
    topic.live.delete(connection)
    connection.filters?.get(channel)?.begin()
    // Those who are live have to hear what is behind where they are; those who read find it by themselves.
    if (topic.last === unknown || topic.live.size === 0 && topic.gap === undefined) topic.last = Math.max(topic.last, last)
    else this.#missing(channel, topic, last)
    const catchUp = { connection, channel }
    topic.catchingUp.set(connection, catchUp)
    connection.channels = withMember(connection.channels, channel)
    return catchUp
  }

  /** Whether this is still to be gone on with: a newer JOIN, a LEAVE or a close ends it. */
  isUnderWay(catchUp: CatchUp): boolean {
    return catchUp.connection.open && this.#topics.get(catchUp.channel)?.catchingUp.get(catchUp.connection) === catchUp
  }

  /** From now on it is known how far the channel is, for those who will listen from one moment on. */
  async keep(channel: string): Promise<void> {
    const topic = this.#topicOf(channel)
    topic.isKept = true
    await this.#lookAhead([topic])
  }

  /** The channel is no more. */
  end(channel: string): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    topic.isKept = false
    for (const connection of [...this.listeners(channel)]) this.unsubscribe(connection, channel)
    this.#forgetEmpty(channel, topic)
  }

  /** Newest seq that was delivered to a channel's live subscribers. */
  lastOf(channel: string): number {
    return this.#topics.get(channel)?.last ?? 0
  }

  /** Resolves when a channel's live subscribers have heard what was told of; undefined when they have. */
  reached(channel: string): Promise<void> | undefined {
    const gap = this.#topics.get(channel)?.gap
    return gap && new Promise(resolve => gap.closed.push(resolve))
  }

  /** Does what was told behind an event of a channel: once those who hear it here have heard it, or it cannot be had. */
  behind(place: Place | undefined, work: () => void): void {
    if (place !== undefined) this.noteStored(place.channel, place.seq)
    const reached = place && this.reached(place.channel)
    if (reached === undefined) work()
    else reached.then(work).catch((error: unknown) => this.#deps.onLost([], error))
  }

  /** What is gone is not told later, where it was heard before or is on its way. */
  forget(gone: Gone): void {
    this.behind({ channel: gone.channel, seq: Math.max(gone.upTo, ...gone.seqs) }, () => this.filters.in(gone.channel)?.forget(gone))
  }

  /** Turns a subscriber that is under way live if it is where the others are. */
  goLive({ connection, channel }: CatchUp, position: number): boolean {
    const topic = this.#topics.get(channel)
    if (topic === undefined || position < topic.last || (position > topic.last && topic.gap !== undefined)) return false
    topic.catchingUp.delete(connection)
    topic.live.add(connection)
    return true
  }

  /** Subscribes from now on, with nothing to catch up. */
  listen(connection: Connection, channel: string): void {
    this.#topicOf(channel).live.add(connection)
    connection.channels = withMember(connection.channels, channel)
  }

  unsubscribe(connection: Connection, channel: string): void {
    connection.channels = withoutMember(connection.channels, channel)
    this.filters.drop(connection, channel)
    this.#remove(connection, channel)
  }

  /** Stops all delivery to a connection that is closing. Its channels stay listed until its departure is told. */
  silence(connection: Connection): void {
    for (const channel of connection.channels) this.#remove(connection, channel)
  }

  /** Committed events of one channel, those from `first` to `last`, already joined into one buffer, to every live subscriber. */
  publish(channel: string, first: number, last: number, frames: Buffer): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    if (topic.gap === undefined && (first === topic.last + 1 || topic.last === unknown)) this.#send(topic, last, last - first + 1, frames)
    else this.#outOfTurn(channel, topic, first, last, frames)
  }

  /** An event is stored, whoever told of it: what is missing up to there is read. */
  noteStored(channel: string, seq: number): void {
    const topic = this.#topics.get(channel)
    if (topic !== undefined && topic.last !== unknown) this.#missing(channel, topic, seq)
  }

  /** Everyone in the channel, caught up or not. */
  *listeners(channel: string): Iterable<Connection> {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    yield* topic.live
    yield* topic.catchingUp.keys()
  }

  #send(topic: Topic, last: number, count: number, frames: Buffer): void {
    topic.last = last
    const filters = this.filters.in(topic.channel)
    if (filters !== undefined) {
      this.#deps.counts.deliveries += filters.send(topic.live, count, frames)
      return
    }
    this.#deps.counts.deliveries += count * topic.live.size
    for (const connection of topic.live) this.#deps.outbox.add(connection, frames)
  }

  #outOfTurn(channel: string, topic: Topic, first: number, last: number, frames: Buffer): void {
    if (last <= topic.last) return
    const gap = this.#missing(channel, topic, last)
    if (gap?.hold(first, last, frames) === true) this.#goOn(topic, gap)
  }

  /** There is something up to `told`: it comes, or is read in a while. Undefined if it was delivered. */
  #missing(channel: string, topic: Topic, told: number): Gap | undefined {
    if (topic.gap !== undefined) topic.gap.told = Math.max(topic.gap.told, told)
    else if (told > topic.last) {
      const gap = topic.gap = new Gap(told, this.#held)
      gap.timer = setTimeout(() => void this.#repair(channel, topic, gap), timerMs(repairAfterMs)).unref()
    }
    return topic.gap
  }

  /** What is held and fits now. */
  #goOn(topic: Topic, gap: Gap): void {
    for (let early = gap.take(topic.last + 1); early !== undefined; early = gap.take(topic.last + 1))
      this.#send(topic, early.last, early.last - topic.last, early.frames)
    if (topic.last < gap.told) return
    topic.gap = undefined
    gap.close()
  }

  /** Reads what has not come. */
  async #repair(channel: string, topic: Topic, gap: Gap): Promise<void> {
    try {
      while (topic.gap === gap) {
        const rows = await this.#deps.log.page(channel, { after: topic.last, ...page })
        if (topic.gap !== gap) return
        if (rows.length === 0) throw new Error(`the log of ${channel} ends at ${topic.last}, before an event that was told of`)
        const due = rows.filter(({ seq }) => seq > topic.last && seq <= gap.told)
        this.#deps.counts.repairedEvents += due.length
        // What is not there any more was erased, or its time was over.
        if (due.length === 0) topic.last = Math.max(topic.last, Math.min(rows.at(-1)!.seq, gap.told))
        else this.#send(topic, due.at(-1)!.seq, due.length, Buffer.concat(due.map(({ text }) => frameOfStored(text))))
        this.#goOn(topic, gap)
      }
    } catch (error) {
      if (topic.gap !== gap) return
      topic.gap = undefined
      gap.close()
      this.#deps.onLost([...this.listeners(channel)], error)
    }
  }

  /** Something may have been missed: how far the channels are, is asked. Rejects where it cannot be: it may be asked again. */
  lookAhead(): Promise<void> {
    return this.#lookAhead([...this.#topics.values()])
  }

  /** What others publish is heard from now on: what they had published before is in the log. */
  async #lookAhead(topics: readonly Topic[]): Promise<void> {
    for (let at = 0; at < topics.length; at += maxAtOnce) {
      const some = topics.slice(at, at + maxAtOnce)
      const newest = await this.#deps.log.newestOf(some.map(({ channel }) => channel))
      for (const topic of some) {
        const { channel } = topic
        const seq = newest.get(channel) ?? 0
        if (this.#topics.get(channel) !== topic) continue
        if (topic.last === unknown) topic.last = seq
        else this.#missing(channel, topic, seq)
      }
    }
  }

  #topicOf(channel: string): Topic {
    const topic = this.#topics.get(channel)
    if (topic !== undefined) return topic
    const made: Topic = { channel, last: unknown, live: new Set(), catchingUp: new Map(), gap: undefined, isKept: false }
    this.#topics.set(channel, made)
    this.#deps.bus.follow(channel)?.then(() => this.#topics.get(channel) === made ? this.#lookAhead([made]) : undefined)
      .catch((error: unknown) => this.#deps.onLost([...this.listeners(channel)], error))
    return made
  }

  #remove(connection: Connection, channel: string): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    topic.live.delete(connection)
    topic.catchingUp.delete(connection)
    this.#forgetEmpty(channel, topic)
  }

  /** A topic without subscribers is forgotten. */
  #forgetEmpty(channel: string, topic: Topic): void {
    if (topic.isKept || topic.live.size + topic.catchingUp.size > 0) return
    this.#topics.delete(channel)
    this.#deps.bus.unfollow(channel)
    const { gap } = topic
    topic.gap = undefined
    gap?.close()
  }
}
