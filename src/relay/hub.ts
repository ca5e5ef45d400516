// Who hears what: subscribers per channel, and the one place where stored events fan out.
import type { Counts } from '../base/metrics.ts'
import type { Connection } from './connection.ts'
import type { Outbox } from './outbox.ts'

interface Topic {
  /** Newest seq delivered to the live subscribers. */
  last: number
  readonly live: Set<Connection>
  /** Still reading the log, each for one JOIN; they turn live when they reach `last`. */
  readonly catchingUp: Map<Connection, CatchUp>
}

/** One JOIN's catching up: a newer one of the same connection in the same channel ends it. */
export interface CatchUp {
  readonly connection: Connection
  readonly channel: string
}

export class Hub {
  readonly #topics = new Map<string, Topic>()
  readonly #outbox: Outbox
  readonly #counts: Counts

  constructor(outbox: Outbox, counts: Counts) {
    this.#outbox = outbox
    this.#counts = counts
  }

  isSubscribed(connection: Connection, channel: string): boolean {
    return connection.channels.has(channel)
  }

  /** Adds a subscriber that still has to read the log up to `last`. */
  subscribe(connection: Connection, channel: string, last: number): CatchUp {
    const topic = this.#topicOf(channel)
    topic.last = Math.max(topic.last, last)
    topic.live.delete(connection)
    const catchUp = { connection, channel }
    topic.catchingUp.set(connection, catchUp)
    connection.channels.add(channel)
    return catchUp
  }

  /** Whether this is still to be gone on with: a newer JOIN, a LEAVE or a close ends it. */
  isUnderWay(catchUp: CatchUp): boolean {
    return catchUp.connection.open && this.#topics.get(catchUp.channel)?.catchingUp.get(catchUp.connection) === catchUp
  }

  /** Newest seq that was delivered to a channel's live subscribers. */
  lastOf(channel: string): number {
    return this.#topics.get(channel)?.last ?? 0
  }

  /** Turns a subscriber that is under way live if it has everything up to the newest delivered event. */
  goLive({ connection, channel }: CatchUp, position: number): boolean {
    const topic = this.#topics.get(channel)
    if (topic === undefined || position < topic.last) return false
    topic.catchingUp.delete(connection)
    topic.live.add(connection)
    return true
  }

  /** Subscribes from now on, with nothing to catch up. */
  listen(connection: Connection, channel: string): void {
    this.#topicOf(channel).live.add(connection)
    connection.channels.add(channel)
  }

  unsubscribe(connection: Connection, channel: string): void {
    connection.channels.delete(channel)
    this.#remove(connection, channel)
  }

  /** Stops all delivery to a connection that is closing. Its channels stay listed until its departure is told. */
  silence(connection: Connection): void {
    for (const channel of connection.channels) this.#remove(connection, channel)
  }

  /** Committed events of one channel, already joined into one buffer, to every live subscriber. */
  publish(channel: string, frames: Buffer, count: number, last: number): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    topic.last = last
    this.#counts.deliveries += count * topic.live.size
    for (const connection of topic.live) this.#outbox.add(connection, frames)
  }

  /** Everyone in the channel, caught up or not. */
  *listeners(channel: string): Iterable<Connection> {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    yield* topic.live
    yield* topic.catchingUp.keys()
  }

  #topicOf(channel: string): Topic {
    let topic = this.#topics.get(channel)
    if (topic === undefined) this.#topics.set(channel, topic = { last: 0, live: new Set(), catchingUp: new Map() })
    return topic
  }

  /** A topic without subscribers is forgotten. */
  #remove(connection: Connection, channel: string): void {
    const topic = this.#topics.get(channel)
    if (topic === undefined) return
    topic.live.delete(connection)
    topic.catchingUp.delete(connection)
    if (topic.live.size + topic.catchingUp.size === 0) this.#topics.delete(channel)
  }
}
