// What a socket brings reaches its parser a piece at a time: when its owner is free for more, and its address has time. The rest waits as
// the bytes it is, nothing more is read from the socket meanwhile, and so a flood waits with the system of whoever sends it.
import type { Duplex } from 'node:stream'
import type { Slices } from './slices.ts'
import type { Source } from './turns.ts'

/** Whose parser it is. */
export interface Eater<Owner extends Source> {
  /** What is parsed at once of what waits. */
  pieceBytes(owner: Owner, rest: Buffer): number
  /** Whether the next piece may be parsed. When that changes, `goOn` is called. */
  mayRead(owner: Owner): boolean
  /** What comes does not matter any more. */
  isOver(owner: Owner): boolean
  /** A piece was parsed. */
  wasRead(owner: Owner, bytes: number): void
  /** So many more bytes wait, or less. */
  waits(owner: Owner, bytes: number): void
  /** Stops reading from the socket, and goes on with it. */
  pause(owner: Owner): void
  resume(owner: Owner): void
}

type Read = (this: Duplex, piece: Buffer) => void

/** What waits at most. A socket that was told to stop brings one chunk more, of 64 KiB. */
const maxRestBytes = 256 * 1024
/** That chunk, which nobody sees before it is wanted. */
const chunkBytes = 64 * 1024
/** Up to here what waits does not stop the socket: to stop it costs more, and of one that is stopped nobody hears that it has gone. */
const littleBytes = 16 * 1024

export class Feed<Owner extends Source> {
  readonly #socket: Duplex
  readonly #slices: Slices
  readonly #eater: Eater<Owner>
  readonly #owner: Owner
  readonly #read: Read
  readonly #onData = (chunk: Buffer): void => this.#take(chunk)
  /** Made when something waits for the first time: of most sockets nothing ever does. */
  #onClose: (() => void) | undefined
  #onTurn: (() => void) | undefined
  /** What waits; while a piece is read, what is behind it. */
  #rest: Buffer | undefined
  #owed = 0
  #isReading = false
  #isPaused = false
  #isInLine = false

  /** From now on what the socket brings goes through here to whoever listened for it so far. @param rest what came before */
  constructor(socket: Duplex, slices: Slices, eater: Eater<Owner>, owner: Owner, rest?: Buffer) {
    this.#socket = socket
    this.#slices = slices
    this.#eater = eater
    this.#owner = owner
    this.#rest = rest
    this.#read = socket.listeners('data').at(-1) as Read
    socket.off('data', this.#read)
    socket.on('data', this.#onData)
  }

  /** Something waits, and nobody knows what it says. */
  get isWaiting(): boolean {
    return this.#rest !== undefined
  }

  /** The socket is to bring nothing, whoever else would have it go on. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Somebody else reads from here on: gives what waits. */
  end(): Buffer | undefined {
    const rest = this.#rest
    this.#rest = undefined
    this.#socket.off('data', this.#onData)
    this.#settle()
    if (this.#onClose !== undefined) this.#socket.off('close', this.#onClose)
    return rest
  }

  /** Reads on, as far as it may. */
  goOn(): void {
    if (this.#isReading || this.#rest === undefined) return
    this.#isReading = true
    try {
      while (this.#rest !== undefined && this.#mayGoOn()) this.#readPiece(this.#rest)
    } finally {
      this.#isReading = false
    }
    this.#settle()
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    if (this.#rest.length > maxRestBytes) this.#socket.destroy()
    else this.goOn()
  }

  #mayGoOn(): boolean {
    if (this.#socket.destroyed || this.#eater.isOver(this.#owner)) {
      this.#rest = undefined
      return false
    }
    if (!this.#eater.mayRead(this.#owner)) return false
    if (this.#slices.hasTime(this.#owner)) return true
    if (!this.#isInLine) {
      this.#isInLine = true
      this.#slices.wait(this.#owner, this.#onTurn ??= () => {
        this.#isInLine = false
        this.goOn()
      })
    }
    return false
  }

  #readPiece(rest: Buffer): void {
    const pieceBytes = this.#eater.pieceBytes(this.#owner, rest)
    const isLast = rest.length <= pieceBytes
    const piece = isLast ? rest : rest.subarray(0, pieceBytes)
    this.#rest = isLast ? undefined : rest.subarray(pieceBytes)
    const begunAt = this.#slices.begin()
    this.#read.call(this.#socket, piece)
    this.#eater.wasRead(this.#owner, piece.length)
    this.#slices.end(this.#owner, begunAt, piece.length)
  }

  /** Brings the socket and the account up to date with what waits. A rest holds on to the whole chunk that it is of. */
  #settle(): void {
    if (this.#rest !== undefined) {
      if (this.#onClose === undefined) this.#socket.prependListener('close', this.#onClose = () => this.#closed())
      if (!this.#isPaused && this.#rest.length > littleBytes) {
        this.#isPaused = true
        this.#eater.pause(this.#owner)
      }
    } else if (this.#isPaused) {
      this.#isPaused = false
      this.#eater.resume(this.#owner)
    }
    const bytes = this.#rest === undefined ? 0 : this.#rest.buffer.byteLength + (this.#isPaused ? chunkBytes : 0)
    if (bytes === this.#owed) return
    const more = bytes - this.#owed
    this.#owed = bytes
    this.#eater.waits(this.#owner, more)
  }

  /** The socket is gone: what it brought is read now, if it may be, before what its parser finds in it at the end. */
  #closed(): void {
    while (
      this.#rest !== undefined && !this.#eater.isOver(this.#owner) && this.#eater.mayRead(this.#owner) && this.#slices.hasTime(this.#owner)
    )
      this.#readPiece(this.#rest)
    if (this.#rest !== undefined) this.#socket.read()
    this.#rest = undefined
    this.#settle()
  }
}
