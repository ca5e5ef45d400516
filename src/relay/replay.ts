// Catching up from the log: pages of stored bytes, as fast as the client reads them, until it can be switched to live delivery.
// No live event is held meanwhile: the log has them all, so memory does not grow with a slow reader.
import type { Clock } from '../base/clock.ts'
import type { Counts } from '../base/metrics.ts'
import type { Store } from '../store/store.ts'
import type { Connection } from './connection.ts'
import { frameOfList, inboxItem, replayFrame } from './encode.ts'
import type { CatchUp, Hub } from './hub.ts'
import type { Outbox } from './outbox.ts'
import type { Reads } from './reads.ts'

const page = { limit: 500, maxBytes: 256 * 1024 } as const

/** What a page costs of its turn beside its bytes: of small ones a few are read in one. */
const bytesPerPage = 64 * 1024

export interface ReplayerDeps {
  readonly store: Store
  readonly hub: Hub
  readonly outbox: Outbox
  readonly clock: Clock
  readonly counts: Counts
  readonly reads: Reads
  /** Resolves when there is room for another page; undefined when there is. */
  readonly room: (connection: Connection) => Promise<void> | undefined
  /** Told how many bytes a connection was sent. */
  readonly onSent: (connection: Connection, bytes: number) => void
  /** Told when inbox entries up to a number were sent. */
  readonly onOffered: (connection: Connection, upTo: number) => void
}

export class Replayer {
  readonly #deps: ReplayerDeps

  constructor(deps: ReplayerDeps) {
    this.#deps = deps
  }

  /** Sends a channel's events after `position`, then goes live. */
  async channel(catchUp: CatchUp, position: number): Promise<void> {
    const { connection, channel } = catchUp
    if (position > 0 && connection.filters?.has(channel) === true) await this.#recall(catchUp, position)
    while (this.#deps.hub.isUnderWay(catchUp) && !this.#deps.hub.goLive(catchUp, position)) {
      // It came with more than those who are live have heard: they go on together.
      if (position > this.#deps.hub.lastOf(channel)) {
        await this.#deps.hub.reached(channel)
        continue
      }
      await this.#inTurn(connection, async () => {
        if (!this.#deps.hub.isUnderWay(catchUp)) return 0
        const stored = await this.#deps.store.read.log.page(channel, { after: position, ...page })
        if (!this.#deps.hub.isUnderWay(catchUp)) return 0
        // A reader may see a commit before the relay hears of it; whoever is live by then hears of it in its turn.
        const last = this.#deps.hub.lastOf(channel)
        const rows = stored.filter(row => row.seq <= last)
        if (stored.length === 0) throw new Error(`the log of ${channel} ends at ${position}, before an event that was delivered`)
        const before = position
        position = rows.at(-1)?.seq ?? last
        const filter = connection.filters?.get(channel)
        if (filter === undefined) return this.#send(connection, rows.map(row => replayFrame(row.text)))
        // What is left out was read all the same.
        return this.#send(connection, filter.replayed(before, rows), rows.reduce((all, row) => all + row.text.length, 0))
      })
      await connection.drained()
    }
  }

  /** What a filter has to know of what was said before. */
  #recall(catchUp: CatchUp, position: number): Promise<void> {
    const { connection, channel } = catchUp
    return this.#inTurn(connection, async () => {
      if (!this.#deps.hub.isUnderWay(catchUp)) return 0
      const rows = await this.#deps.store.read.log.page(channel, { before: position + 1, ...page })
      if (!this.#deps.hub.isUnderWay(catchUp)) return 0
      connection.filters?.get(channel)?.recall(rows)
      const bytes = rows.reduce((all, row) => all + row.text.length, 0)
      this.#deps.onSent(connection, bytes)
      return bytesPerPage + bytes
    })
  }

  /** Sends an agent's inbox entries after `from` (default: those not received yet), then goes live. */
  async inbox(connection: Connection, agent: string, from?: number): Promise<void> {
    const head = from === undefined ? await this.#deps.store.read.log.inboxHead(agent) : { seq: 0, cursor: from }
    let position = head.cursor
    // What is committed up to here is in the page, or expired; what comes while it is read is told by a newer number.
    const newest = () => Math.max(head.seq, connection.inboxNewest)
    while (connection.open && position < newest()) {
      const end = newest()
      await this.#inTurn(connection, async () => {
        if (!connection.open) return 0
        const rows = await this.#deps.store.read.log.inbox(agent, { after: position, now: this.#deps.clock.now(), ...page })
        if (!connection.open) return 0
        position = rows.at(-1)?.seq ?? end
        if (rows.length === 0) {
          // What is kept from the agent, or over, goes the way of what it was told.
          this.#deps.onOffered(connection, position)
          return 0
        }
        const bytes = this.#send(connection, rows.map(({ seq, stream, text }) =>
          this.isItem(connection, stream) ? itemFrame(seq, text, this.#deps.clock.now()) : replayFrame(text)
        ))
        this.#deps.onOffered(connection, position)
        return bytes
      })
      await connection.drained()
    }
    if (connection.open) connection.inboxSent = position
  }

  /** Whether an inbox entry goes out as an item with its number: to a session that acknowledges by itself a mention, or all if it wants so. */
  isItem(connection: Connection, stream: string): boolean {
    return connection.inbox === 'manual' && (connection.isNumbered || stream.startsWith('#'))
  }

  /** Pages take turns with all else that is read, when there is room for them: what is new does not wait for what is old. */
  async #inTurn(connection: Connection, read: () => Promise<number>): Promise<void> {
    // What is held is not owed yet, and nothing else would say that it is enough.
    const held = connection.holds?.at(-1)?.until
    if (held !== undefined) await held
    const room = this.#deps.room(connection)
    if (room !== undefined) await room
    return this.#deps.reads.turn(connection, read)
  }

  #send(connection: Connection, frames: readonly Buffer[], read = 0): number {
    this.#deps.counts.replayedEvents += frames.length
    const bytes = Buffer.concat(frames)
    if (bytes.length > 0) this.#deps.outbox.add(connection, bytes)
    this.#deps.outbox.flushOne(connection)
    const work = Math.max(read, bytes.length)
    this.#deps.onSent(connection, work)
    return bytesPerPage + work
  }
}

/** One inbox entry, offered unasked. */
export const itemFrame = (seq: number, text: Buffer, now: number): Buffer =>
  frameOfList('INBOX', { ts: now, more: false, seq }, 'items', [inboxItem(seq, text)])
