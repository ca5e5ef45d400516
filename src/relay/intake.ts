// What a socket brings: its bytes count from the first one on, and its frames run in order, each when its connection is free for it.
// Frames that wait do so as the bytes they are, in the chunk they came in, and nothing more is read meanwhile.
import type { Duplex } from 'node:stream'
import type { Connection } from './connection.ts'
import { Feed, type Eater } from './feed.ts'
import type { Slices } from './slices.ts'
import { Fifo } from './turns.ts'

export interface IntakeOptions {
  /** Whether the next frame of the connection may run. When that changes, `goOn` is called. */
  readonly isFree: (connection: Connection) => boolean
  /** Whether it is the turn of a frame of that size. When it is, `goOn` is called. */
  readonly mayBegin: (connection: Connection, bytes: number) => boolean
  readonly run: (connection: Connection, frame: Buffer) => void
  readonly slices: Slices
}

/** The largest frame before there is a session: enough for every login. */
export const maxStrangerFrameBytes = 8 * 1024
/** What a frame that waits takes beside its bytes, and a chunk of one that is not whole. */
const frameOverheadBytes = 128
const chunkOverheadBytes = 256

/** What stands before a payload that a client sends. */
const headerBytes = (payload: number): number => payload < 126 ? 6 : payload < 65_536 ? 8 : 14

export class Intake implements Eater<Connection> {
  readonly #options: IntakeOptions
  readonly #slices: Slices
  readonly #waiting = new Set<Connection>()
  pieceBytes(): number {
    return 4 * 1024
  }

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#slices = options.slices
  }

  /** Connections that are not read because frames of theirs wait. */
  get waitingCount(): number {
    return this.#waiting.size
  }

  /** A connection is there. @param before what its socket brought so far */
  open(connection: Connection, socket: Duplex, before: Buffer | undefined): void {
    connection.incoming.feed = new Feed(socket, this.#slices, this, connection, before)
    connection.incoming.feed.goOn()
  }

  /** A frame is there. */
  take(connection: Connection, frame: Buffer): void {
    const { incoming } = connection
    // What came of it before this chunk does not wait any more.
    incoming.taken += Math.max(0, headerBytes(frame.length) + frame.length - incoming.partialBytes)
    incoming.isWhole = true
    incoming.partialBytes = 0
    incoming.chunks = 0
    this.#owe(connection)
    if (!connection.open) return
    if (!this.#waiting.has(connection)) {
      if (this.#mayRun(connection, frame) && this.#slices.hasTime(connection)) return this.#run(connection, frame)
      this.#waiting.add(connection)
      connection.pause()
    }
    keep(connection, frame)
    if (this.#options.isFree(connection)) this.#wait(connection)
  }

  /** A ping or a pong is there: it is part of no frame. */
  takeControl({ incoming }: Connection, payload: Buffer): void {
    incoming.taken += headerBytes(payload.length) + payload.length
  }

  /** What a pong says of frames takes its turn behind those that came before it. */
  inLine(connection: Connection, mark: Buffer): void {
    if (!this.#waiting.has(connection)) return this.#run(connection, mark)
    keep(connection, mark)
  }

  mayRead(connection: Connection): boolean {
    return !connection.open || !(connection.throttled || this.#waiting.has(connection))
  }

  /** The conversation has ended by what the client sent. */
  isOver({ incoming, open, ws }: Connection): boolean {
    return incoming.isOver || (open && ws.readyState !== ws.OPEN)
  }

  waits(connection: Connection, bytes: number): void {
    connection.owe(bytes)
  }

  pause(connection: Connection): void {
    connection.pause()
  }

  resume(connection: Connection): void {
    connection.resume()
  }

  /** A piece was parsed, and what is whole in it was taken: the rest waits for its end. */
  wasRead(connection: Connection, pieceBytes: number): void {
    const { incoming } = connection
    let bytes = Math.max(0, incoming.partialBytes + pieceBytes - incoming.taken)
    // Of a frame that began in this piece no more can be there. How many headers a frame had is not known.
    if (incoming.isWhole) bytes = Math.min(bytes, pieceBytes)
    // Behind a frame that ended the conversation nothing is kept.
    if (this.isOver(connection)) bytes = 0
    incoming.chunks = bytes === 0 ? 0 : incoming.chunks + 1
    incoming.partialBytes = bytes
    incoming.taken = 0
    incoming.isWhole = false
    this.#owe(connection)
    if (bytes > maxStrangerFrameBytes && connection.agent === undefined && connection.pendingWrites === 0) tooLarge(connection)
  }

  /** The connection may be free again: what waits runs, as far as it is, and then the socket is read again. */
  goOn(connection: Connection): void {
    const { frames, left, feed } = connection.incoming
    if (frames === undefined || !this.#waiting.has(connection)) return feed?.goOn()
    while (frames.length > 0) {
      // What it sent before it was told to go is not done. What it sent before it went by itself is, as long as that is paid for.
      if (!connection.open && (left === undefined || connection.throttled)) break
      if (!this.#mayRun(connection, frames.first!)) return
      if (!this.#slices.hasTime(connection)) return this.#wait(connection)
      const begunAt = this.#slices.begin()
      this.#run(connection, next(connection, frames))
      this.#slices.end(connection, begunAt)
    }
    this.#end(connection)
    connection.resume()
  }

  /** The connection is gone. `then` is called when what the client had sent has run; nothing does if the relay had closed it, or without a session. */
  leave(connection: Connection, wasOpen: boolean, then: () => void): void {
    if (!this.#waiting.has(connection)) return then()
    connection.incoming.left = then
    if (wasOpen && connection.agent !== undefined) this.goOn(connection)
    else this.#end(connection)
  }

  #end(connection: Connection): void {
    const { frames, left } = connection.incoming
    this.#waiting.delete(connection)
    while (frames !== undefined && frames.length > 0) next(connection, frames)
    connection.incoming.feed?.goOn()
    left?.()
  }

  /** For a turn in which its address has time. */
  #wait(connection: Connection): void {
    const { incoming } = connection
    if (incoming.isInLine) return
    incoming.isInLine = true
    this.#slices.wait(connection, () => {
      incoming.isInLine = false
      this.goOn(connection)
    })
  }

  /** Brings the account up to date with what there is of a frame that is not whole. */
  #owe(connection: Connection): void {
    const { incoming } = connection
    const bytes = incoming.partialBytes + incoming.chunks * chunkOverheadBytes
    if (bytes === incoming.owedBytes) return
    const more = bytes - incoming.owedBytes
    incoming.owedBytes = bytes
    connection.owe(more)
  }

  #mayRun(connection: Connection, { length }: Buffer): boolean {
    return this.#options.isFree(connection) && this.#options.mayBegin(connection, length)
  }

  #run(connection: Connection, frame: Buffer): void {
    if (connection.agent === undefined && frame.length > maxStrangerFrameBytes) tooLarge(connection)
    else this.#options.run(connection, frame)
  }
}

const keep = (connection: Connection, frame: Buffer): void => {
  ;(connection.incoming.frames ??= new Fifo()).push(frame)
  connection.owe(frame.length + frameOverheadBytes)
}

const next = (connection: Connection, frames: Fifo<Buffer>): Buffer => {
  const frame = frames.shift()!
  connection.owe(-frame.length - frameOverheadBytes)
  return frame
}

/** What follows is not read: waiting for the answer to the goodbye, two megabytes of each of many would be. */
const tooLarge = (connection: Connection): void => {
  connection.close('FRAME_TOO_LARGE', `at most ${maxStrangerFrameBytes} bytes before a session is open`)
  connection.ignore()
}
