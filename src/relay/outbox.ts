// What leaves in this turn of the event loop: each touched socket is written once, at its end.
import type { Counts } from '../base/metrics.ts'
import type { Connection } from './connection.ts'

export interface OutboxOptions {
  /** Bytes that may wait for a slow reader; past it the connection is closed. */
  readonly maxPendingBytes: number
  readonly onSlow: (connection: Connection) => void
}

/** Up to here copying frames together costs less than handing them over one by one. */
const maxCopiedBytes = 4_096

export class Outbox {
  readonly #options: OutboxOptions
  readonly #counts: Counts
  #touched: Connection[] = []
  #scheduled = false

  constructor(options: OutboxOptions, counts: Counts) {
    this.#options = options
    this.#counts = counts
  }

  /** Queues ready frames for the end of this turn. */
  add(connection: Connection, bytes: Buffer): void {
    if (!connection.open) return
    if (connection.out !== undefined) {
      connection.out.push(bytes)
      return
    }
    connection.out = [bytes]
    this.#touched.push(connection)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  /** Writes everything queued, one system call per socket where the system takes it. */
  flush(): void {
    this.#scheduled = false
    const touched = this.#touched
    this.#touched = []
    for (const connection of touched) this.#write(connection)
  }

  /** Writes what one connection has queued: before it is closed. */
  flushOne(connection: Connection): void {
    this.#write(connection)
  }

  #write(connection: Connection): void {
    const out = connection.out
    if (out === undefined) return
    connection.out = undefined
    if (!connection.open) return
    const { socket } = connection
    if (socket.writableLength > this.#options.maxPendingBytes) {
      this.#options.onSlow(connection)
      return
    }
    let length = 0
    for (const bytes of out) length += bytes.length
    this.#counts.bytesSent += length
    if (out.length === 1) socket.write(out[0]!)
    else if (length <= maxCopiedBytes) socket.write(Buffer.concat(out, length))
    else {
      socket.cork()
      for (const bytes of out) socket.write(bytes)
      socket.uncork()
    }
  }
}
