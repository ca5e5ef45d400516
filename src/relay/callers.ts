// Who speaks HTTP, and how much of it is heard: one request at a time of each socket, and of an address what its allowance of work has
// room for. The rest waits unread, so that asking much costs whoever asks, not the others.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { timerMs } from '../../lib/protocol/timer.ts'
import type { Account, Debtor } from './account.ts'
import type { Guest } from './door.ts'
import { Feed, type Eater } from './feed.ts'
import type { Slices } from './slices.ts'
import type { Source } from './turns.ts'
import { Visit } from './visit.ts'

/** A socket that speaks HTTP. */
export interface Caller extends Source {
  readonly guest: Guest
  /** That speaks HTTP: the guest's own, or the TLS on top of it. */
  socket: Duplex
  /** Of a proxy's socket: whoever it spoke for last. */
  address: string
  feed: Feed<Caller> | undefined
  /** What waits unread: its address owes it. Made when something does. */
  unread?: Visit | undefined
  /** Holds a socket up that was stopped. Made when one is. */
  holdUp?: (() => unknown) | undefined
  /** The request that is answered, or was last. */
  request: IncomingMessage | undefined
  /** What it asked before it had taken the last answer. */
  next: (() => void) | undefined
  /** Until its address has paid. */
  isWaiting: boolean
  /** Of the body of its request what is still to come, or less. */
  bodyBytes: number
  /** Of a body what may be in the piece that is parsed. */
  aheadBytes: number
}

export interface CallersOptions {
  readonly slices: Slices
  readonly account: Account<Debtor>
  /** How long (ms) an address owes for work, and more work that it owes for, in frames. */
  readonly debtMs: (address: string) => number
  readonly charge: (address: string, frames: number) => void
}

/** Room for one request or two: those behind it are not even parsed. */
const requestPieceBytes = 128
/** Most requests are within these, and their heads end so. */
const maxWholeBytes = 2 * 1024
const headEnd = Buffer.from('\r\n\r\n')
/** Of a body, behind which nothing can be. */
const bodyPieceBytes = 64 * 1024

/** What they cost, in frames: a PING is one. */
const requestFrames = 5
const upgradeFrames = 10

export class Callers implements Eater<Caller> {
  readonly #options: CallersOptions

  constructor(options: CallersOptions) {
    this.#options = options
  }

  /** Listens to a socket that somebody parses HTTP from. */
  read(caller: Caller, socket: Duplex): void {
    caller.socket = socket
    caller.feed = new Feed(socket, this.#options.slices, this, caller)
  }

  begins(caller: Caller, address: string, request: IncomingMessage): void {
    caller.address = address
    caller.unread?.moves(address)
    caller.request = request
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers
    // A part of it may be in the piece that its header ended in.
    caller.bodyBytes = Math.max(0, Number(length ?? 0) - caller.aheadBytes)
    this.#options.charge(address, requestFrames)
    if (length === undefined && coding === undefined) return
    // Whoever takes the body may hold it up.
    request.on('resume', () => caller.feed?.goOn())
    // Nobody does.
    if (request.method === 'GET' || request.method === 'HEAD') request.resume()
  }

  answered(caller: Caller): void {
    const { next } = caller
    caller.next = undefined
    caller.bodyBytes = 0
    next?.()
    caller.feed?.goOn()
  }

  /** It speaks something else from here on: gives what came behind its request. */
  upgrades(caller: Caller, address: string, head: Buffer): Buffer | undefined {
    this.#options.charge(address, upgradeFrames)
    const rest = caller.feed?.end()
    caller.feed = undefined
    caller.request = undefined
    caller.unread?.end()
    caller.unread = undefined
    if (rest === undefined) return head.length === 0 ? undefined : head
    return head.length === 0 ? rest : Buffer.concat([head, rest])
  }

  /** While a request is answered its body is read, and nothing behind it. */
  mayRead(caller: Caller): boolean {
    if (caller.isWaiting || caller.next !== undefined) return false
    // Until somebody takes it, a body waits unparsed.
    if (caller.guest.state === 'busy') return caller.request?.complete === false && caller.request.readableFlowing === true
    const waitMs = this.#options.debtMs(caller.address)
    if (waitMs === 0) return true
    caller.isWaiting = true
    setTimeout(() => {
      caller.isWaiting = false
      caller.feed?.goOn()
    }, timerMs(waitMs)).unref()
    return false
  }

  isOver({ guest }: Caller): boolean {
    return guest.state === 'gone'
  }

  /** A request that no other is piled up behind is parsed at once. */
  pieceBytes(caller: Caller, rest: Buffer): number {
    const { bodyBytes, guest } = caller
    caller.aheadBytes = requestPieceBytes
    if (guest.state === 'quiet' && rest.length <= maxWholeBytes) {
      const end = rest.indexOf(headEnd)
      if (end >= 0 && rest.lastIndexOf(headEnd) === end) {
        caller.aheadBytes = rest.length - end - headEnd.length
        return rest.length
      }
    }
    return Math.max(requestPieceBytes, Math.min(bodyPieceBytes, bodyBytes))
  }

  /** It is counted by what it asks. */
  wasRead(caller: Caller, bytes: number): void {
    caller.bodyBytes = Math.max(0, caller.bodyBytes - bytes)
  }

  waits(caller: Caller, bytes: number): void {
    const unread = caller.unread ??= new Visit(caller.socket, caller.address, this.#options.account)
    if (bytes > 0) unread.owe(bytes)
    else unread.took(-bytes)
  }

  /** Whoever parses HTTP has the socket go on when a body has room, without being asked. */
  pause(caller: Caller): void {
    const { socket } = caller
    if (caller.holdUp === undefined) socket.on('resume', caller.holdUp = () => caller.feed?.isPaused === true && socket.pause())
    socket.pause()
  }

  resume({ socket }: Caller): void {
    socket.resume()
  }
}
