// Catching up from the log: pages of stored bytes, as fast as the client reads them, until it can be switched to live delivery.
// No live event is held meanwhile: the log has them all, so memory does not grow with a slow reader.
import type { Clock } from '../base/clock.ts'
import type { Counts } from '../base/metrics.ts'
import type { Store } from '../store/store.ts'
import type { Connection } from './connection.ts'
import { frameOfList, inboxItem, replayFrame } from './encode.ts'
import type { Hub } from './hub.ts'
import type { Outbox } from './outbox.ts'

const page = { limit: 500, maxBytes: 256 * 1024 } as const

export interface ReplayerDeps {
  readonly store: Store
  readonly hub: Hub
  readonly outbox: Outbox
  readonly clock: Clock
  readonly counts: Counts
  /** Told when inbox entries up to a number were sent. */
  readonly onOffered: (connection: Connection, upTo: number) => void
}

export class Replayer {
  readonly #store: Store
  readonly #hub: Hub
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #counts: Counts
  readonly #onOffered: ReplayerDeps['onOffered']

  constructor({ store, hub, outbox, clock, counts, onOffered }: ReplayerDeps) {
    this.#store = store
    this.#hub = hub
    this.#outbox = outbox
    this.#clock = clock
    this.#counts = counts
    this.#onOffered = onOffered
  }

  /** Sends a channel's events after `position`, then goes live. */
  async channel(connection: Connection, channel: string, position: number): Promise<void> {
    while (!this.#hub.goLive(connection, channel, position)) {
      const rows = await this.#store.read.log.page(channel, { after: position, ...page })
      if (!connection.open || !this.#hub.isCatchingUp(connection, channel)) return
      if (rows.length === 0) throw new Error(`the log of ${channel} ends at ${position}, before an event that was delivered`)
      this.#send(connection, rows.map(row => replayFrame(row.text)))
      position = rows.at(-1)!.seq
      await connection.drained()
      if (!connection.open || !this.#hub.isCatchingUp(connection, channel)) return
    }
  }

  /** Sends an agent's inbox entries after `from` (default: those not received yet), then goes live. */
  async inbox(connection: Connection, agent: string, from?: number): Promise<void> {
    const head = from === undefined ? await this.#store.read.log.inboxHead(agent) : { seq: 0, cursor: from }
    let position = head.cursor
    for (;;) {
      // What is committed up to here is in the page, or expired; what comes while it is read is told by a newer number.
      const newest = Math.max(head.seq, connection.inboxNewest)
      if (position >= newest) break
      const rows = await this.#store.read.log.inbox(agent, { after: position, now: this.#clock.now(), ...page })
      if (!connection.open) return
      if (rows.length === 0) {
        position = newest
        continue
      }
      this.#send(connection, rows.map(({ seq, stream, text }) =>
        this.isItem(connection, stream) ? itemFrame(seq, text, this.#clock.now()) : replayFrame(text)
      ))
      position = rows.at(-1)!.seq
      this.#onOffered(connection, position)
      await connection.drained()
      if (!connection.open) return
    }
    connection.inboxSent = position
  }

  /** Whether an inbox entry goes out as an item with its number: a mention, to a session that acknowledges by itself. */
  isItem(connection: Connection, stream: string): boolean {
    return connection.inbox === 'manual' && stream.startsWith('#')
  }

  #send(connection: Connection, frames: readonly Buffer[]): void {
    this.#counts.replayedEvents += frames.length
    this.#outbox.add(connection, Buffer.concat(frames))
    this.#outbox.flushOne(connection)
  }
}

/** One inbox entry, offered unasked. */
export const itemFrame = (seq: number, text: Buffer, now: number): Buffer =>
  frameOfList('INBOX', { ts: now, more: false, seq }, 'items', [inboxItem(seq, text)])
