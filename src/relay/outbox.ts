// What leaves in this turn of the event loop: each touched socket is written once, at its end. What a socket does not take waits here,
// not in the socket, so that it is counted, and need not be sent any more when the connection has to go.
import type { Counts } from '../base/metrics.ts'
import type { CloseName } from '../../lib/protocol/index.ts'
import type { Account, Debtor } from './account.ts'
import type { Backlog, Connection, Line } from './connection.ts'
import { Turns } from './turns.ts'

export interface OutboxOptions {
  /** Bytes that may wait for a slow reader; past it the connection is closed. */
  readonly maxPendingBytes: number
  readonly onSlow: (connection: Connection) => void
  /** Told when a socket has taken something of what waited. */
  readonly onTaken: (connection: Connection) => void
}

/** Up to here copying frames together costs less than handing them over one by one. */
const maxCopiedBytes = 4_096
/**
 * What a turn writes, in calls of sockets and in bytes: those who are read in the next one do not wait for more. Where that is not enough
 * for all, each address has its sockets written in its turn: who is told little does not wait for those who hear a lot.
 */
const maxTurnWrites = 1_000
const maxTurnBytes = 8 * 1024 * 1024
/** What a socket is handed at once, if one buffer is not more: a reader that has to go takes no more than this before it hears so. */
const maxPieceBytes = 256 * 1024
const nothing = Buffer.alloc(0)

export class Outbox {
  readonly #options: OutboxOptions
  readonly #account: Account<Debtor>
  readonly #counts: Counts
  #touched: Connection[] = []
  /** How often sockets were written to. */
  #writes = 0
  #isScheduled = false
  /** Those for whom earlier turns had no room. */
  readonly #late = new Turns<Connection, Connection>()
  /** Whoever waits until these are written. */
  readonly #waiting = new Set<{ readonly left: Set<Connection>, readonly then: () => void }>()

  constructor(options: OutboxOptions, account: Account<Debtor>, counts: Counts) {
    this.#options = options
    this.#account = account
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
    this.#schedule()
  }

  /**
   * What is queued for a connection from a frame on, and what comes behind it, waits until then; but not for its end, nor what is before
   * it: whoever asks on and on is answered all the same.
   */
  hold(connection: Connection, from: number, until: Promise<void>): void {
    const hold = { from, until }
    const holds = connection.holds ??= []
    holds.push(hold)
    void until.then(() => {
      holds.splice(holds.indexOf(hold), 1)
      if (holds.length === 0) connection.holds = undefined
      if (connection.out === undefined) return
      this.#touched.push(connection)
      this.#schedule()
    })
  }

  /** Calls back when what is queued now was handed over, or waits for its socket. */
  whenWritten(then: () => void): void {
    const left = new Set([...this.#late.all, ...this.#touched])
    if (left.size === 0) then()
    else this.#waiting.add({ left, then })
  }

  /** Writes what is queued, one system call per socket where the system takes it; not while an earlier turn's rest waits for its own turn. */
  flush(): void {
    if (this.#late.length === 0) this.#writeTurn()
  }

  /** As much as a turn has room for; the rest in the next. */
  #writeTurn(): void {
    const touched = this.#touched
    this.#touched = []
    const enough = this.#counts.bytesSent + maxTurnBytes
    let room = maxTurnWrites
    const write = (connection: Connection) => {
      const before = this.#writes
      this.flushOne(connection)
      for (const { left } of this.#waiting) left.delete(connection)
      room = this.#counts.bytesSent < enough ? room - Math.max(1, this.#writes - before) : 0
    }
    let at = 0
    while (this.#late.length === 0 && at < touched.length && room > 0) write(touched[at++]!)
    for (; at < touched.length; at++) this.#late.push(touched[at]!, touched[at]!)
    while (this.#late.length > 0 && room > 0) write(this.#late.take()!)
    if (this.#late.length > 0) this.#schedule()
    for (const waiting of this.#waiting) {
      if (waiting.left.size > 0) continue
      this.#waiting.delete(waiting)
      waiting.then()
    }
  }

  /** Once in a turn, however often it is asked for. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#writeTurn()
    })
  }

  /** Writes what one connection has queued. */
  flushOne(connection: Connection, isLast = false): void {
    const { backlog } = connection
    const out = takeDue(connection, isLast)
    if (out === undefined || !connection.open) return
    if (backlog === undefined) this.#send(connection, out)
    else if (backlog.bytes > this.#options.maxPendingBytes) this.#options.onSlow(connection)
    else this.#wait(connection, backlog, out)
  }

  /** Sends all that is queued, and says goodbye behind it. */
  end(connection: Connection, close: CloseName, reason?: string): void {
    if (!connection.open) return
    const { backlog, out = [] } = connection
    if (backlog === undefined) this.flushOne(connection, true)
    else {
      connection.out = undefined
      this.#wait(connection, backlog, out)
    }
    if (!connection.open) return
    if (connection.backlog !== undefined) this.#sendRest(connection, connection.backlog)
    connection.close(close, reason)
  }

  /** Says goodbye behind what the socket has taken: what waits is dropped, and what is on its way counts as a parting one's. */
  drop(connection: Connection, close: CloseName): void {
    if (!connection.open) return
    const { backlog, debt } = connection
    const inFlight = backlog?.inFlight ?? []
    this.forget(connection)
    connection.close(close)
    this.#account.part(debt)
    if (backlog === undefined) return
    connection.backlog = { ...backlog, waiting: [], bytes: bytesOf(inFlight) }
    this.#account.hold(debt, inFlight)
  }

  /** Nothing waits for this connection any more: it is gone, or will be without it. */
  forget(connection: Connection): void {
    const { backlog, debt } = connection
    connection.out = undefined
    connection.backlog = undefined
    if (backlog === undefined) return
    this.#account.release(debt, backlog.inFlight)
    this.#account.release(debt, backlog.waiting)
    connection.tookIt()
  }

  /** Hands frames over, a piece at a time, until the system takes no more. */
  #send(connection: Connection, out: readonly Buffer[]): void {
    const { socket } = connection
    let rest = out
    let bytes = bytesOf(out)
    for (;;) {
      const end = bytes <= maxPieceBytes ? rest.length : pieceEnd(rest)
      const piece = end === rest.length ? rest : rest.slice(0, end)
      const written = this.#write(socket, piece)
      if (socket.writableLength > 0) {
        connection.backlog = { inFlight: piece, mark: this.#mark(connection), waiting: rest.slice(end), bytes }
        return this.#account.hold(connection.debt, rest)
      }
      if (end === rest.length) return
      rest = rest.slice(end)
      bytes -= written
    }
  }

  #wait(connection: Connection, backlog: Backlog, buffers: readonly Buffer[]): void {
    for (const buffer of buffers) backlog.waiting.push(buffer)
    backlog.bytes += bytesOf(buffers)
    this.#account.hold(connection.debt, buffers)
  }

  /** Hands everything that waits to the socket, whether the system takes it or not. */
  #sendRest(connection: Connection, backlog: Backlog): void {
    if (backlog.waiting.length === 0) return
    this.#write(connection.socket, backlog.waiting)
    backlog.mark = this.#mark(connection)
    backlog.inFlight = [...backlog.inFlight, ...backlog.waiting]
    backlog.waiting = []
  }

  /** The system has taken what was written before a mark. */
  #reached(connection: Connection): void {
    connection.marksReached++
    const { backlog, debt } = connection
    if (backlog === undefined || connection.marksReached < backlog.mark) return
    for (;;) {
      this.#account.release(debt, backlog.inFlight)
      backlog.bytes -= bytesOf(backlog.inFlight)
      if (backlog.waiting.length === 0) {
        connection.backlog = undefined
        break
      }
      backlog.inFlight = backlog.waiting.splice(0, pieceEnd(backlog.waiting))
      this.#write(connection.socket, backlog.inFlight)
      if (connection.socket.writableLength > 0) {
        backlog.mark = this.#mark(connection)
        break
      }
    }
    connection.tookIt()
    this.#options.onTaken(connection)
  }

  /** Gives how many bytes. */
  #write(socket: Line, out: readonly Buffer[]): number {
    const length = bytesOf(out)
    this.#counts.bytesSent += length
    const isOne = out.length === 1 || length <= maxCopiedBytes
    this.#writes += isOne ? 1 : out.length
    if (isOne) socket.write(out.length === 1 ? out[0]! : Buffer.concat(out, length))
    else {
      socket.cork()
      for (const bytes of out) socket.write(bytes)
      socket.uncork()
    }
    return length
  }

  /**
   * An empty write whose end tells that the system has taken what was written before; gives its number. Only where it took less than it
   * was given: a call for each write costs more than the rest of the write.
   */
  #mark(connection: Connection): number {
    connection.socket.write(nothing, () => this.#reached(connection))
    return ++connection.marks
  }
}

/** Takes what is queued and waits for nothing; the rest stays. The first of those who hold leaves the least. */
const takeDue = (connection: Connection, isLast: boolean): readonly Buffer[] | undefined => {
  const { out, holds } = connection
  if (out === undefined) return undefined
  const due = holds === undefined || isLast ? out : out.splice(0, holds[0]!.from)
  if (due === out || out.length === 0) connection.out = undefined
  for (const hold of holds ?? []) hold.from = Math.max(0, hold.from - due.length)
  return due.length === 0 ? undefined : due
}

const bytesOf = (buffers: readonly Buffer[]): number => {
  if (buffers.length === 1) return buffers[0]!.length
  let bytes = 0
  for (const { length } of buffers) bytes += length
  return bytes
}

/** How many of the first buffers go together: as many as a piece takes, and one at least. */
const pieceEnd = (buffers: readonly Buffer[]): number => {
  let bytes = 0
  let end = 0
  while (end < buffers.length && (end === 0 || bytes + buffers[end]!.length <= maxPieceBytes)) bytes += buffers[end++]!.length
  return end
}
