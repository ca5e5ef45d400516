// Catching up from the log: pages of stored bytes, as fast as the client reads them, until it can be switched to live delivery.
// No live event is held meanwhile: the log has them all, so memory does not grow with a slow reader.
import type { Counts } from '../base/metrics.ts'
import type { Store } from '../store/store.ts'
import type { Connection } from './connection.ts'
import { replayFrame } from './encode.ts'
import type { Hub } from './hub.ts'
import type { Outbox } from './outbox.ts'

const page = { limit: 500, maxBytes: 256 * 1024 } as const

export class Replayer {
  readonly #store: Store
  readonly #hub: Hub
  readonly #outbox: Outbox
  readonly #counts: Counts

  constructor(store: Store, hub: Hub, outbox: Outbox, counts: Counts) {
    this.#store = store
    this.#hub = hub
    this.#outbox = outbox
    this.#counts = counts
  }

  /** Sends a channel's events after `position`, then goes live. */
  async channel(connection: Connection, channel: string, position: number): Promise<void> {
    while (!this.#hub.goLive(connection, channel, position)) {
      const rows = await this.#store.read.log.page(channel, { after: position, ...page })
      if (!connection.open || !this.#hub.isCatchingUp(connection, channel)) return
      if (rows.length === 0) throw new Error(`the log of ${channel} ends at ${position}, before an event that was delivered`)
      this.#send(connection, rows)
      position = rows.at(-1)!.seq
      await connection.drained()
      if (!connection.open || !this.#hub.isCatchingUp(connection, channel)) return
    }
  }

  /** Sends an agent's inbox entries after `from` (default: those not received yet), then goes live. */
  async inbox(connection: Connection, agent: string, from?: number): Promise<void> {
    let position = from ?? (await this.#store.read.log.inboxHead(agent)).cursor
    for (;;) {
      const rows = await this.#store.read.log.inbox(agent, { after: position, ...page })
      if (!connection.open) return
      if (rows.length === 0 && position >= connection.inboxNewest) break
      if (rows.length === 0) continue
      this.#send(connection, rows)
      position = rows.at(-1)!.seq
      await connection.drained()
      if (!connection.open) return
    }
    connection.inboxSent = position
  }

  #send(connection: Connection, rows: readonly { readonly text: Buffer }[]): void {
    this.#counts.replayedEvents += rows.length
    this.#outbox.add(connection, Buffer.concat(rows.map(row => replayFrame(row.text))))
    this.#outbox.flushOne(connection)
  }
}
