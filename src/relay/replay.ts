// Catching up from the log: pages of stored bytes, as fast as the client reads them, until it can be switched to live delivery.
// No live event is held meanwhile: the log has them all, so memory does not grow with a slow reader.
import type { Clock } from '../base/clock.ts'
import type { Counts } from '../base/metrics.ts'
import type { Store } from '../store/store.ts'
import type { Connection } from './connection.ts'
import { frameOfList, inboxItem, replayFrame } from './encode.ts'
import type { CatchUp, Hub } from './hub.ts'
import type { Outbox } from './outbox.ts'

const page = { limit: 500, maxBytes: 256 * 1024 } as const
/** What a page costs of its turn beside its bytes. */
const bytesPerPage = 8 * 1024

export interface ReplayerDeps {
  readonly store: Store
  readonly hub: Hub
  readonly outbox: Outbox
  readonly clock: Clock
  readonly counts: Counts
  /** Told how many bytes a connection was sent. */
  readonly onSent: (connection: Connection, bytes: number) => void
  /** Told when inbox entries up to a number were sent. */
  readonly onOffered: (connection: Connection, upTo: number) => void
}

export class Replayer {
  readonly #store: Store
  readonly #hub: Hub
  readonly #outbox: Outbox
  readonly #clock: Clock
  readonly #counts: Counts
  readonly #onSent: ReplayerDeps['onSent']
  readonly #onOffered: ReplayerDeps['onOffered']
  /** Pages to read, in the order they were asked for; each gives the bytes it sent. */
  #waiting: (() => Promise<number>)[] = []
  #isReading = false

  constructor({ store, hub, outbox, clock, counts, onSent, onOffered }: ReplayerDeps) {
    this.#store = store
    this.#hub = hub
    this.#outbox = outbox
    this.#clock = clock
    this.#counts = counts
    this.#onSent = onSent
    this.#onOffered = onOffered
  }

  /** Sends a channel's events after `position`, then goes live. */
  async channel(catchUp: CatchUp, position: number): Promise<void> {
    const { connection, channel } = catchUp
    while (this.#hub.isUnderWay(catchUp) && !this.#hub.goLive(catchUp, position)) {
      await this.#inTurn(async () => {
        if (!this.#hub.isUnderWay(catchUp)) return 0
        const rows = await this.#store.read.log.page(channel, { after: position, ...page })
        if (!this.#hub.isUnderWay(catchUp)) return 0
        if (rows.length === 0) throw new Error(`the log of ${channel} ends at ${position}, before an event that was delivered`)
        position = rows.at(-1)!.seq
        return this.#send(connection, rows.map(row => replayFrame(row.text)))
      })
      await connection.drained()
    }
  }

  /** Sends an agent's inbox entries after `from` (default: those not received yet), then goes live. */
  async inbox(connection: Connection, agent: string, from?: number): Promise<void> {
    const head = from === undefined ? await this.#store.read.log.inboxHead(agent) : { seq: 0, cursor: from }
    let position = head.cursor
    // What is committed up to here is in the page, or expired; what comes while it is read is told by a newer number.
    const newest = () => Math.max(head.seq, connection.inboxNewest)
    while (connection.open && position < newest()) {
      const end = newest()
      await this.#inTurn(async () => {
        if (!connection.open) return 0
        const rows = await this.#store.read.log.inbox(agent, { after: position, now: this.#clock.now(), ...page })
        if (!connection.open) return 0
        position = rows.at(-1)?.seq ?? end
        if (rows.length === 0) return 0
        const bytes = this.#send(connection, rows.map(({ seq, stream, text }) =>
          this.isItem(connection, stream) ? itemFrame(seq, text, this.#clock.now()) : replayFrame(text)
        ))
        this.#onOffered(connection, position)
        return bytes
      })
      await connection.drained()
    }
    if (connection.open) connection.inboxSent = position
  }

  /** Whether an inbox entry goes out as an item with its number: a mention, to a session that acknowledges by itself. */
  isItem(connection: Connection, stream: string): boolean {
    return connection.inbox === 'manual' && stream.startsWith('#')
  }

  /** However many catch up, a turn of the event loop reads one full page, or some small ones: what is new does not wait for what is old. */
  #inTurn(read: () => Promise<number>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() =>
        read().then(bytes => {
          resolve()
          return bytes
        }, error => {
          reject(error as Error)
          return 0
        })
      )
      if (!this.#isReading) void this.#read()
    })
  }

  async #read(): Promise<void> {
    this.#isReading = true
    while (this.#waiting.length > 0) {
      let left: number = page.maxBytes
      let read = 0
      while (left > 0 && read < this.#waiting.length) left -= bytesPerPage + await this.#waiting[read++]!()
      this.#waiting = this.#waiting.slice(read)
      await new Promise(resolve => setImmediate(resolve))
    }
    this.#isReading = false
  }

  #send(connection: Connection, frames: readonly Buffer[]): number {
    this.#counts.replayedEvents += frames.length
    const bytes = Buffer.concat(frames)
    this.#outbox.add(connection, bytes)
    this.#outbox.flushOne(connection)
    this.#onSent(connection, bytes.length)
    return bytes.length
  }
}

/** One inbox entry, offered unasked. */
export const itemFrame = (seq: number, text: Buffer, now: number): Buffer =>
  frameOfList('INBOX', { ts: now, more: false, seq }, 'items', [inboxItem(seq, text)])
