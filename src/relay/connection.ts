// One socket: its state, its reading, its closing. Writing goes through the outbox; meaning is other files' work.
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { closeCodes, timerMs, type CloseName } from '../../lib/protocol/index.ts'
import type { Bucket } from './bucket.ts'
import { none } from './lean-set.ts'
import type { Agent, Asker, Challenge, InboxMode } from './view.ts'

/** How long a closing connection may take to read what waits for it. */
const closeGraceMs = 5_000
/** Reads that may wait while the client takes what earlier ones sent; past it the socket is not read either. */
const maxWaitingReads = 64

const nothingToRead = Promise.resolve()

export interface Deadline {
  readonly at: number
  readonly close: CloseName
}

export class Connection implements Asker {
  readonly ws: WebSocket
  readonly socket: Duplex
  readonly address: string
  readonly host: string | undefined
  /** Allowance for frames before there is a session; after it the agent's counts. */
  readonly frames: Bucket
  agent: Agent | undefined
  session = ''
  inbox: InboxMode = 'auto'
  challenge: Challenge | undefined
  /** When the connection must have got further, and how it ends if it has not. */
  deadline: Deadline | undefined
  /** Reading stands still until its allowance is paid back. */
  throttled = false
  /** False from the moment it starts to close: nothing more is sent. */
  open = true
  /** A write of this connection failed in the storage: what it had sent after it, not knowing, must not overtake it. */
  held = false
  /** Writes of this connection that wait in the commit queue, and their bytes. */
  pendingWrites = 0
  pendingBytes = 0
  /** Frames for the end of this turn. */
  out: Buffer[] | undefined
  /** Channels this connection hears. */
  readonly channels = new Set<string>()
  /** Agents whose comings, goings and presence this connection is told. */
  watching: ReadonlySet<string> = none
  /** Inbox number sent last; undefined while older entries are still being sent. */
  inboxSent: number | undefined
  /** Newest inbox number that was committed, told so that catching up does not stop short of it. */
  inboxNewest = 0
  /** Inbox number that the ping in flight vouches for. */
  inboxPinged = 0
  /** Inbox number that the last ping vouched for. */
  inboxVouched = 0
  pingedAt: number
  heardAt: number
  readonly connectedAt: number
  #pauses = 0
  #reading = nothingToRead
  #waitingReads = 0

  constructor(
    ws: WebSocket,
    socket: Duplex,
    facts: { readonly address: string, readonly host: string | undefined, readonly frames: Bucket, readonly now: number },
  ) {
    this.ws = ws
    this.socket = socket
    this.address = facts.address
    this.host = facts.host
    this.frames = facts.frames
    this.pingedAt = this.heardAt = this.connectedAt = facts.now
  }

  /** Bytes that wait for the client to read. */
  get bytesWaiting(): number {
    return this.socket.writableLength
  }

  /** Stops reading; every pause needs its resume. */
  pause(): void {
    if (this.#pauses++ === 0) this.ws.pause()
  }

  resume(): void {
    if (--this.#pauses === 0) this.ws.resume()
  }

  /** Runs reads of this connection one after the other, each once the client has taken what the last one sent. */
  read(run: () => Promise<void>): void {
    if (++this.#waitingReads === maxWaitingReads) this.pause()
    this.#reading = this.#reading.then(async () => {
      await this.drained()
      if (this.open) await run()
      if (this.#waitingReads-- === maxWaitingReads) this.resume()
    })
  }

  /** Resolves when the socket has room again, or is gone. */
  drained(): Promise<void> {
    if (!this.socket.writableNeedDrain || this.socket.destroyed) return Promise.resolve()
    return new Promise(resolve => {
      const done = () => {
        this.socket.off('drain', done)
        this.socket.off('close', done)
        resolve()
      }
      this.socket.on('drain', done)
      this.socket.on('close', done)
    })
  }

  /** Says goodbye after what is already queued; a client that does not read it is cut off a little later. */
  close(name: CloseName, reason: string = name): void {
    if (!this.open) return
    this.open = false
    this.ws.close(closeCodes[name].code, Buffer.from(reason).subarray(0, 120))
    setTimeout(() => this.ws.terminate(), timerMs(closeGraceMs)).unref()
  }
}
