// TLS handshakes, the dearest thing that a stranger gets for a few bytes: a few of each address at once, paid from its allowance of work.
// The others wait in line, unread.
import type { Socket } from 'node:net'
import { timerMs } from '../../lib/protocol/timer.ts'
import type { Caller } from './callers.ts'

export interface HandshakesOptions {
  /** Begins one. */
  readonly start: (socket: Socket) => void
  /** How long one may wait for its turn. */
  readonly patienceMs: number
  /** How long (ms) an address owes for work, and more work that it owes for, in frames. */
  readonly debtMs: (address: string) => number
  readonly charge: (address: string, frames: number) => void
}

/** Those of one address. */
interface Line {
  readonly address: string
  underWay: number
  readonly waiting: Set<Handshake>
  /** Until it has paid. */
  isOwing: boolean
}

interface Handshake {
  readonly caller: Caller
  readonly socket: Socket
  readonly line: Line
  state: 'waiting' | 'under way' | 'over'
}

/** How many of an address are served at once; trusted proxies speak for many. */
const maxAtOnce = 8
/** What one costs, in frames. */
const handshakeFrames = 20

export class Handshakes {
  readonly #options: HandshakesOptions
  readonly #lines = new Map<string, Line>()
  /** By the four numbers that name a connection: Node does not say which socket is below which TLS. */
  readonly #underWay = new Map<string, Handshake>()

  constructor(options: HandshakesOptions) {
    this.#options = options
  }

  /** A socket was accepted: its handshake begins when it is its turn. */
  enter(caller: Caller, socket: Socket): void {
    let line = this.#lines.get(caller.address)
    if (line === undefined)
      this.#lines.set(caller.address, line = { address: caller.address, underWay: 0, waiting: new Set(), isOwing: false })
    const handshake: Handshake = { caller, socket, line, state: 'waiting' }
    const name = nameOf(socket)
    line.waiting.add(handshake)
    this.#underWay.set(name, handshake)
    const late = setTimeout(() => {
      if (handshake.state === 'waiting') socket.destroy()
    }, timerMs(this.#options.patienceMs)).unref()
    socket.once('close', () => {
      clearTimeout(late)
      if (this.#underWay.get(name) === handshake) this.#underWay.delete(name)
      this.#end(handshake)
    })
    this.#goOn(line)
  }

  /** It is through: gives whose it was, if it was asked for. */
  leave(socket: Socket): Caller | undefined {
    const name = nameOf(socket)
    const handshake = this.#underWay.get(name)
    this.#underWay.delete(name)
    if (handshake === undefined) return undefined
    this.#end(handshake)
    return handshake.caller
  }

  #end(handshake: Handshake): void {
    const { line, state } = handshake
    if (state === 'over') return
    handshake.state = 'over'
    if (state === 'waiting') line.waiting.delete(handshake)
    else line.underWay--
    this.#goOn(line)
  }

  #goOn(line: Line): void {
    const { start, debtMs, charge } = this.#options
    const { address, waiting } = line
    for (const handshake of waiting) {
      if (line.isOwing || line.underWay >= maxAtOnce) return
      const waitMs = debtMs(address)
      if (waitMs > 0) return this.#goOnLater(line, waitMs)
      waiting.delete(handshake)
      line.underWay++
      handshake.state = 'under way'
      charge(address, handshakeFrames)
      start(handshake.socket)
    }
    if (line.underWay === 0 && !line.isOwing && this.#lines.get(address) === line) this.#lines.delete(address)
  }

  #goOnLater(line: Line, waitMs: number): void {
    line.isOwing = true
    setTimeout(() => {
      line.isOwing = false
      this.#goOn(line)
    }, timerMs(waitMs)).unref()
  }
}

const nameOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
