// One connection: its state, its reading, its closing. Writing goes through the outbox; meaning is other files' work.
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { closeCodes, timerMs, type CloseName, type DecodedRequest } from '../../lib/protocol/index.ts'
import type { Credential } from '../store/credentials.ts'
import type { Awaitable, Seat, Tx } from '../store/store.ts'
import type { Account, Debt, Debtor } from './account.ts'
import type { Bucket } from './bucket.ts'
import type { Fail, Outcome } from './feature.ts'
import type { Feed } from './feed.ts'
import type { Filter } from './filter.ts'
import { none } from './lean-set.ts'
import type { Fifo } from './turns.ts'
import type { Agent, Arrival, Asker, Binding, Challenge, Doorway, InboxMode } from './view.ts'

/** How long a closing connection may take to read what waits for it; one that is closed for being slow gets longer. */
const closeGraceMs = 5_000
const slowCloseGraceMs = 30_000
/** The same for one of which nothing is read any more. */
const ignoredGraceMs = 1_000
/** Up to here what waits is not worth waiting for. */
const littleBytes = 64 * 1024
export interface Deadline {
  readonly at: number
  readonly close: CloseName
}

/** What a socket has not taken yet. */
export interface Backlog {
  /** With the system; they have left when the mark of this number is reached. */
  inFlight: readonly Buffer[]
  mark: number
  /** Behind them, in order. */
  waiting: Buffer[]
  /** Of both. */
  bytes: number
}

/** What a socket brought and is not handled yet. The intake changes it. */
export interface Incoming {
  feed: Feed<Connection> | undefined
  /** Frames that wait until the connection is free for them. */
  frames: Fifo<Buffer> | undefined
  /** Of a frame that is not whole yet: its bytes, the chunks they came in, and what is owed for both. */
  partialBytes: number
  chunks: number
  owedBytes: number
  /** Bytes of the chunk at hand that were of whole frames; and whether one of them was more than a ping or a pong. */
  taken: number
  isWhole: boolean
  /** It waits for its address to have time. */
  isInLine: boolean
  /** Nothing of what it brings matters any more. */
  isOver: boolean
  /** The client has gone; called when no frames wait any more. */
  left: (() => void) | undefined
}

/** What was refused to a connection: what it had sent after that, not knowing, must not overtake it. */
export interface Refused {
  /** A write failed in the storage. */
  isHeld: boolean
  /** A message was refused because there were too many: what is behind it waits as long as that (ms). 0: none was. */
  limitedMs: number
  /** Places that took no message of it, why, and which of its writes that was. */
  at: Map<string, { readonly of: number, readonly refusal: Fail }> | undefined
  /** What was refused so, counted from one. */
  count: number
  /** How many of these the ping asks for that is sent: its answer says that the client has read them. 0: none is. */
  asked: number
  /** That answer, while it stands in line behind what came before it. */
  read: Buffer | undefined
}

/** Runs in the transaction of a write, behind its decision: what it throws undoes the write. */
export type Along = (tx: Tx, now: number, outcome: Outcome) => Awaitable<void>

/** What comes with a frame from inside this process: the frame as it was read, so that it is read once. */
export interface Handed {
  readonly request: DecodedRequest
  readonly along: Along | undefined
  /** By what its agent is spoken for; undefined: by its key. */
  readonly credential: Credential | undefined
}

/** What a connection asks of whoever speaks for it: a WebSocket, or a line inside the relay. */
export type Talk = Pick<WebSocket, 'pause' | 'resume' | 'ping' | 'terminate'> & {
  readonly OPEN: number
  readonly readyState: number
  close(code: number, reason: string | Buffer): void
}

/** What the outbox asks of whatever takes its bytes: a socket, or a line inside the relay. */
export interface Line {
  /** Bytes that were written and not taken. */
  readonly writableLength: number
  write(bytes: Buffer, taken?: () => void): boolean
  cork(): void
  uncork(): void
}

export class Connection implements Asker {
  readonly ws: Talk
  readonly socket: Line
  readonly address: string
  readonly host: string | undefined
  /** Allowance for frames before there is a session; after it the agent's counts. */
  readonly frames: Bucket
  agent: Agent | undefined
  /** By what name the browser is known that opened it from a page of the relay, signed in; of others undefined, at once or in a moment. */
  signIn: Promise<string | undefined> | undefined
  session = ''
  /** By which its session is its own, where several processes have sessions. */
  seat: Seat | undefined
  /** ms: when its session was opened */
  since = 0
  inbox: InboxMode = 'auto'
  /** Said of what it stores; undefined: it has a socket. */
  doorway: Doorway | undefined
  /** Every inbox entry comes to it as an item with its number. */
  isNumbered = false
  /** With frames of a session without a socket that are not handled yet. */
  handed: Map<Buffer, Handed> | undefined
  challenge: Challenge | undefined
  binding: Binding | undefined
  /** When the connection must have got further, and how it ends if it has not. */
  deadline: Deadline | undefined
  /** Reading stands still until its allowance is paid back. */
  throttled = false
  /** False from the moment it starts to close: nothing more is sent. */
  open = true
  /** Made with the first refusal, and then kept: what is counted in it goes on. */
  refused: Refused | undefined
  /** Writes that were ever put into the commit queue. */
  writesBegun = 0
  /** Writes of this connection that wait in the commit queue, and their bytes. */
  pendingWrites = 0
  pendingBytes = 0
  readonly incoming: Incoming = {
    feed: undefined,
    frames: undefined,
    partialBytes: 0,
    chunks: 0,
    owedBytes: 0,
    taken: 0,
    isWhole: false,
    isInLine: false,
    isOver: false,
    left: undefined,
  }
  /** A read of this connection is not answered yet, or its answer not taken: the next frame waits. */
  isReading = false
  /** Frames for the end of this turn. */
  out: Buffer[] | undefined
  /** What they wait for, beside the end of the turn: that others know what an answer among them says. From which frame on, and until when. */
  holds: { from: number, readonly until: Promise<void> }[] | undefined
  /** What the socket did not take yet. The outbox changes it, as it counts the marks of its own and those that are reached. */
  backlog: Backlog | undefined
  marks = 0
  marksReached = 0
  readonly debt: Debt<Debtor>
  /** Channels this connection hears. The hub changes them. */
  channels: ReadonlySet<string> = none
  /** Agents whose comings, goings and presence this connection is told. */
  watching: ReadonlySet<string> = none
  /** By channel: what of it comes at once. The filters change it. */
  filters: Map<string, Filter> | undefined
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
  readonly #account: Account<Debtor>
  #pauses = 0
  /** Those who wait until the client has taken what was sent. */
  #takers: (() => void)[] | undefined

  constructor(
    ws: Talk,
    socket: Line,
    facts: { readonly address: string, readonly host: string | undefined, readonly frames: Bucket, readonly now: number },
    account: Account<Debtor>,
  ) {
    this.ws = ws
    this.socket = socket
    this.address = facts.address
    this.host = facts.host
    this.frames = facts.frames
    this.pingedAt = this.heardAt = this.connectedAt = facts.now
    this.#account = account
    this.debt = account.open(this, facts.address)
  }

  /** Asked of the socket: only a login needs it. */
  get arrival(): Arrival {
    const { localAddress: address, localPort: port } = this.socket as Line & Pick<Socket, 'localAddress' | 'localPort'>
    return { address, port }
  }

  /** Bytes that wait for the client to read. */
  get bytesWaiting(): number {
    return this.backlog?.bytes ?? 0
  }

  /** It is the relay that does not read, and not the client that takes nothing: what the client says meanwhile, pongs too, is not heard. */
  get isUnread(): boolean {
    return (this.#pauses > 0 || this.incoming.feed?.isWaiting === true) && this.bytesWaiting <= littleBytes
  }

  /** Stops reading; every pause needs its resume. */
  pause(): void {
    if (this.#pauses++ === 0) this.ws.pause()
  }

  resume(): void {
    if (--this.#pauses === 0) this.ws.resume()
  }

  /** More, or less, waits in the relay for this connection. */
  owe(bytes: number): void {
    this.#account.add(this.debt, bytes)
  }

  /** Resolves when the client has taken what was sent, up to a little, or is gone. */
  drained(): Promise<void> {
    if (this.bytesWaiting <= littleBytes) return Promise.resolve()
    return new Promise(resolve => (this.#takers ??= []).push(resolve))
  }

  /** The outbox tells so: something of what waited does not wait any more. */
  tookIt(): void {
    if (this.#takers === undefined || this.bytesWaiting > littleBytes) return
    const takers = this.#takers
    this.#takers = undefined
    for (const resolve of takers) resolve()
  }

  /** Says goodbye after what the socket has; a client that does not read it is cut off a little later. What waits is the outbox's matter. */
  close(name: CloseName, reason: string = name): void {
    if (!this.open) return
    this.open = false
    this.ws.close(closeCodes[name].code, Buffer.from(reason).subarray(0, 120))
    setTimeout(() => this.ws.terminate(), timerMs(name === 'TOO_SLOW' ? slowCloseGraceMs : closeGraceMs)).unref()
    // Its own goodbye should be heard.
    if (this.#pauses > 0 && !this.throttled) this.ws.resume()
  }

  /** It was told to go, and nothing more of what it sends is read: it has a moment to hear why. */
  ignore(): void {
    this.incoming.isOver = true
    this.ws.pause()
    setTimeout(() => this.ws.terminate(), timerMs(ignoredGraceMs)).unref()
  }
}
