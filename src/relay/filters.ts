// Who has subscribed where: the filters of sessions by channel, and the conditions in them, in each channel once. A channel without any is not
// known here, and its events go their plain way.
import { timerMs } from '../../lib/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Connection } from './connection.ts'
import { frameOf, framesIn } from './encode.ts'
import { Filter, type Wanted } from './filter.ts'
import { heardFrame, type Test } from './heard.ts'
import type { Gone } from '../store/log.ts'
import type { Outbox } from './outbox.ts'

export interface FiltersDeps {
  readonly outbox: Pick<Outbox, 'add'>
  readonly clock: Clock
  /** The groups of a channel. */
  readonly groupsOf: (channel: string) => readonly { readonly name: string }[] | undefined
}

/** Digests that one turn of the event loop tells. */
const digestsPerTurn = 200
/** What a filter takes beside its condition, and each character of that once it was read: owed by the session, whoever else has the same. */
const filterBytes = 32 * 1024
const bytesPerChar = 100
const sizeOf = (test: Test | undefined): number => filterBytes + (test?.source.length ?? 0) * bytesPerChar

/** One channel's. */
export class ChannelFilters {
  readonly #deps: FiltersDeps
  readonly #channel: string
  readonly #over: (connection: Connection) => void
  readonly filters = new Map<Connection, Filter>()
  /** Conditions, those with least work first; and by their texts, how many filters have each. */
  readonly #tests: Test[] = []
  readonly #users = new Map<string, { readonly test: Test, users: number }>()

  constructor(deps: FiltersDeps, channel: string, over: (connection: Connection) => void) {
    this.#deps = deps
    this.#channel = channel
    this.#over = over
  }

  /**
   * One more has the condition: the same object for the same text, asked once for all. Of many each is put in its place, for they come and
   * go all at once.
   */
  use(test: Test | undefined): Test | undefined {
    if (test === undefined) return undefined
    const known = this.#users.get(test.source)
    if (known !== undefined) {
      known.users++
      return known.test
    }
    this.#users.set(test.source, { test, users: 1 })
    const steps = test.steps(0)
    let [from, to] = [0, this.#tests.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (this.#tests[middle]!.steps(0) <= steps) from = middle + 1
      else to = middle
    }
    this.#tests.splice(from, 0, test)
    return test
  }

  forget(gone: Gone): void {
    for (const filter of this.filters.values()) filter.forget(gone)
  }

  /** One fewer. */
  release(test: Test | undefined): void {
    const known = test && this.#users.get(test.source)
    if (known === undefined || --known.users > 0) return
    this.#users.delete(known.test.source)
    this.#tests.splice(this.#tests.indexOf(known.test), 1)
  }

  /** So many events, joined, to everyone who hears the channel, with a filter or without. Gives how many were sent in all. */
  send(live: Iterable<Connection>, count: number, frames: Buffer): number {
    const { outbox, groupsOf } = this.#deps
    const groups = groupsOf(this.#channel)
    const events = [...framesIn(frames)].map(part => {
      // What waits for a slow reader is no part of something larger: all of that would wait with it, and be owed by nobody.
      const frame = part.length === frames.length ? frames : Buffer.from(part)
      return { frame, event: heardFrame(frame, this.#tests, groups) }
    })
    let sent = 0
    for (const connection of live) {
      const filter = this.filters.get(connection)
      if (filter === undefined) {
        outbox.add(connection, frames)
        sent += count
        continue
      }
      for (const { frame, event } of events) {
        const passed = filter.passed(event, frame)
        for (const each of passed) outbox.add(connection, each)
        sent += passed.length
      }
      if (filter.isOver) this.#over(connection)
    }
    return sent
  }
}

export class Filters {
  readonly #deps: FiltersDeps
  readonly #channels = new Map<string, ChannelFilters>()
  /** Digests that are due, and how many this turn has told. */
  readonly #due: (() => void)[] = []
  #told = 0

  constructor(deps: FiltersDeps) {
    this.#deps = deps
  }

  /** undefined: everyone in the channel hears everything. */
  in(channel: string): ChannelFilters | undefined {
    return this.#channels.get(channel)
  }

  /** What comes to a session at once, from here on; undefined: everything. */
  set(connection: Connection, channel: string, wanted: Wanted | undefined): void {
    const known = connection.filters?.get(channel)
    if (known === undefined && wanted === undefined) return
    const here = this.#channels.get(channel) ?? new ChannelFilters(this.#deps, channel, gone => this.drop(gone, channel))
    const kept = wanted && { ...wanted, when: here.use(wanted.when) }
    if (known === undefined) {
      this.#channels.set(channel, here)
      const filter = this.#made(connection, channel, kept!)
      here.filters.set(connection, filter)
      ;(connection.filters ??= new Map()).set(channel, filter)
    } else {
      connection.owe(-sizeOf(known.test))
      here.release(known.test)
      known.change(kept)
    }
    connection.owe(sizeOf(kept?.when))
    if (known?.isOver === true) this.drop(connection, channel)
  }

  /** The session is not in the channel any more. */
  drop(connection: Connection, channel: string): void {
    const filter = connection.filters?.get(channel)
    if (filter === undefined) return
    filter.end()
    connection.filters!.delete(channel)
    if (connection.filters!.size === 0) connection.filters = undefined
    connection.owe(-sizeOf(filter.test))
    const here = this.#channels.get(channel)!
    here.release(filter.test)
    here.filters.delete(connection)
    if (here.filters.size === 0) this.#channels.delete(channel)
  }

  /** A session is over. */
  end(connection: Connection): void {
    for (const channel of [...connection.filters?.keys() ?? []]) this.drop(connection, channel)
  }

  #made(connection: Connection, channel: string, wanted: Wanted): Filter {
    const { outbox, clock, groupsOf } = this.#deps
    return new Filter({
      agent: () => connection.agent,
      groups: () => groupsOf(channel),
      digestFrame: digest => frameOf('DIGEST', { ts: clock.now(), channel, ...digest.told }),
      later: (then, ms) => setTimeout(() => this.#inTurn(then), timerMs(ms)).unref(),
      send: frame => outbox.add(connection, frame),
    }, wanted)
  }

  /** Those of a large channel come due at once: each turn of the event loop tells a part of them. */
  #inTurn(tell: () => void): void {
    if (this.#told < digestsPerTurn) tell()
    else this.#due.push(tell)
    if (this.#told++ === 0) setImmediate(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#told = 0
    for (const tell of this.#due.splice(0, digestsPerTurn)) this.#inTurn(tell)
  }
}
