// The session with a relay: opening it, losing it, coming back, ending it. One state at a time:
//
// | state      | connect()      | WELCOME | attempt failed           | connection lost    | on line again | close(), restart() |
// |------------|----------------|---------|--------------------------|--------------------|---------------|--------------------|
// | idle       | connecting     | –       | –                        | –                  | –             | closed, –          |
// | connecting | waits with it  | open    | waiting, or given up     | –                  | –             | closed, –          |
// | open       | resolves       | –       | –                        | waiting, or closed | asks          | closed, waiting    |
// | waiting    | waits with it  | –       | –                        | –                  | connecting    | closed, –          |
// | closed     | rejects CLOSED | –       | –                        | –                  | –             | –                  |
//
// An attempt is given up when it was refused for good, when the time for attempts is over, or when nobody wants another one. A session
// that was never open is idle then, and can be connected again; any other is closed. Closed is for ever.
import { displaced, restarting, tooSlow } from '../protocol/close.ts'
import { decodeFrame, mayReconnect, timerMs, type Frame } from '../protocol/index.ts'
import { backoffMs, defaultBackoff, type BackoffPolicy } from './backoff.ts'
import { Connection } from './connection.ts'
import type { Connectivity } from './connectivity.ts'
import { AgentChatError, ConnectionError, ProtocolError, RelayError } from './errors.ts'
import { Login, type LoginOptions, type Place } from './login.ts'
import { inTime, pending, type CallOptions, type Ending } from './pending.ts'
import { keepRawText } from './raw-text.ts'
import { after } from './timer.ts'
import type { Transport } from './transport.ts'

/** idle: not begun; connecting: a login is under way; open; waiting: for the next attempt; closed: for good. */
export type SessionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed'

export interface SessionOptions extends LoginOptions {
  readonly transport: Transport
  readonly connectivity: Connectivity
  readonly onCaptcha: ((question: string, hint: string | undefined) => string | Promise<string>) | undefined
  /** undefined: a lost connection ends the session */
  readonly backoff: BackoffPolicy | undefined
  /** ms to open the session, login included */
  readonly timeoutMs: number
  /** ms without a frame after which the relay is asked whether it is there; after as many more the connection is given up. 0: never */
  readonly heartbeatMs: number
  /** 0 ≤ random < 1 */
  readonly random: () => number
}

export interface SessionHooks {
  /** The session is open: the first time, or again. */
  opened(welcome: Frame<'WELCOME'>, place: Place): void
  /** A frame of the open session, and the characters it came in. */
  frame(frame: Frame, chars: number): void
  /** A text that is not a frame of the protocol. */
  invalid(message: string): void
  /** There is no connection: it was lost, or an attempt failed; `retryInMs` says when the next attempt begins. */
  lost(error: ConnectionError, retryInMs: number): void
  /** It could not be opened, and nobody tries any more. */
  gaveUp(error: unknown): void
  /** It is over; with `error` when nobody asked for it. */
  ended(error: Error | undefined): void
}

/** Whether `connect()` waits for a relay that is not there yet, and what ends it early. */
export interface ConnectOptions extends Pick<CallOptions, 'signal'> {
  /** Go on trying, as after a lost connection, until the relay can be reached; default: one attempt. */
  readonly wait?: boolean | undefined
}

/**
 * How long a socket may take to open when a session is to go on, times the attempt: of several processes one may stand still, and the next
 * attempt comes to another.
 */
const dialMs = 4_000
/** How long a goodbye may take. */
const closeGraceMs = 1_000
/** How long the relay may take to answer when the network has changed. */
const askedMs = 5_000
/** So long after an attempt that was given up, its login may still arrive, on a line that stood still, and displace the one that came behind it. */
const lateMs = 60_000

export class Session {
  readonly #options: SessionOptions
  readonly #hooks: SessionHooks
  /** Who waits for the session to open. */
  readonly #openers = new Set<Ending<Frame<'WELCOME'>>>()
  #state: SessionState = 'idle'
  #connection: Connection | undefined
  #welcome: Frame<'WELCOME'> | undefined
  /** Somebody wants the first connection however many attempts it takes. */
  #isAwaited = false
  #attempt = 0
  #tryingSince = 0
  #retryHintMs: number | undefined
  /** When an attempt was given up last, without an answer to it. */
  #failedAt: number | undefined
  #stopRetry: () => void = () => undefined
  #stopHeartbeat: () => void = () => undefined
  #stopAsking: () => void = () => undefined
  #stopNetwork: () => void = () => undefined
  /** Heartbeats that went by since a frame was heard. */
  #silence = 0
  #isPaused = false
  #closed: Promise<void> | undefined

  constructor(options: SessionOptions, hooks: SessionHooks) {
    this.#options = options
    this.#hooks = hooks
  }

  get state(): SessionState {
    return this.#state
  }

  /** Whether reading can be stopped on this platform. */
  get canPause(): boolean {
    return this.#connection?.canPause === true
  }

  /**
   * Resolves once the session is open. What it waits for goes on when another caller waits too, and ends when nobody does.
   * @throws RelayError, ProtocolError, ConnectionError, TimeoutError
   */
  connect({ signal, wait = false }: ConnectOptions = {}): Promise<Frame<'WELCOME'>> {
    if (this.#state === 'closed') return Promise.reject(new ConnectionError('CLOSED', 'The client is closed; make a new one'))
    if (this.#state === 'open') return Promise.resolve(this.#welcome!)
    const problem = urlProblem(this.#options.url)
    if (problem !== undefined) return Promise.reject(problem)
    return pending({ signal }, ending => {
      this.#openers.add(ending)
      this.#isAwaited ||= wait
      if (this.#state === 'idle') this.#begin()
      return () => {
        this.#openers.delete(ending)
        if (this.#openers.size === 0 && this.#welcome === undefined) this.#giveUp(signal?.reason)
      }
    })
  }

  send(text: string): void {
    if (this.#state === 'open') this.#connection?.send(text)
  }

  /** Stops reading until `resume`, or until the next connection. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#connection?.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#silence = 0
    this.#connection?.resume()
  }

  /** Gives the connection up, to come back and resume. */
  restart(reason: string): void {
    if (this.#state !== 'open') return
    // Not heard any more from here on: what it still brings comes again, behind what it skipped.
    void this.#connection?.close(tooSlow.code, reason)
    this.#lost(tooSlow.code, reason)
  }

  /** Ends it for good; resolves once the relay has heard that, or does not answer. */
  close(): Promise<void> {
    return this.#closed ??= this.#close()
  }

  async #close(): Promise<void> {
    const isOpen = this.#state === 'open'
    const gone = this.#end(undefined)
    if (!isOpen) return
    await inTime(gone, { timeoutMs: closeGraceMs }).catch(() => undefined)
  }

  #begin(): void {
    this.#attempt = 0
    this.#tryingSince = this.#options.now()
    this.#stopNetwork = this.#options.connectivity.onChange(isOnline => this.#networkChanged(isOnline))
    this.#open()
  }

  #open(): void {
    const { url, transport, timeoutMs, login, onCaptcha } = this.#options
    const resume = this.#welcome?.resume
    this.#state = 'connecting'
    this.#isPaused = false
    this.#connection = new Connection({
      url,
      transport,
      timeoutMs,
      dialMs: this.#welcome === undefined ? timeoutMs : dialMs * Math.max(1, this.#attempt),
      login: new Login(resume === undefined ? this.#options : { ...this.#options, login: { ...login, resume } }),
      answer: async ({ question, hint }) => {
        if (onCaptcha !== undefined) return onCaptcha(question, hint)
        throw new ProtocolError('UNANSWERED', `The relay asks a question first: ${JSON.stringify(question)}; pass onCaptcha to answer it`)
      },
    }, {
      opened: (welcome, place) => this.#opened(welcome, place),
      failed: error => this.#failed(error),
      heard: text => this.#heard(text),
      lost: (code, reason) => this.#lost(code, reason),
    })
  }

  #opened(welcome: Frame<'WELCOME'>, place: Place): void {
    this.#state = 'open'
    this.#welcome = welcome
    this.#silence = 0
    this.#beat()
    this.#hooks.opened(welcome, place)
    for (const { resolve } of [...this.#openers]) resolve(welcome)
  }

  #failed(error: unknown): void {
    this.#connection = undefined
    const { backoff, now } = this.#options
    if (!(error instanceof RelayError)) this.#failedAt = now()
    // What was there comes back: a proxy may answer in its place meanwhile, or its certificate is being renewed.
    const isAway = this.#welcome !== undefined && error instanceof ConnectionError && error.problem !== undefined
    const mayRetry = error instanceof AgentChatError && (isAway || error.shouldRetry())
    if (!mayRetry || (this.#welcome === undefined ? !this.#isAwaited : backoff === undefined)) return this.#abandon(error)
    if (error instanceof RelayError && error.retryAfterMs !== undefined) this.#retryHintMs = error.retryAfterMs
    this.#plan(
      error instanceof ConnectionError ? error : new ConnectionError('UNREACHABLE', error.message),
    )
  }

  #lost(code: number, reason: string): void {
    this.#connection = undefined
    this.#stopHeartbeat()
    this.#stopAsking()
    const error = new ConnectionError('LOST', `The connection was closed (${code}${reason === '' ? '' : `: ${reason}`})`, code)
    if (this.#options.backoff === undefined || !(mayReconnect(code) || this.#isByItself(code))) return void this.#end(error)
    const hint = /^retry_after_ms=(\d{1,6})$/.exec(reason)?.[1]
    if (code === restarting.code && hint !== undefined) this.#retryHintMs = Number(hint)
    this.#tryingSince = this.#options.now()
    this.#attempt = 0
    this.#plan(error)
  }

  /** Whether it may have been displaced by a login of its own that it had given up: it comes back once for each of those. */
  #isByItself(code: number): boolean {
    const failedAt = code === displaced.code ? this.#failedAt : undefined
    if (failedAt === undefined) return false
    this.#failedAt = undefined
    return this.#options.now() - failedAt < lateMs
  }

  #plan(error: ConnectionError): void {
    const { backoff = defaultBackoff, now, random } = this.#options
    if (now() - this.#tryingSince > backoff.maxElapsedMs) return this.#abandon(error)
    this.#state = 'waiting'
    const retryInMs = timerMs(this.#retryHintMs ?? backoffMs(backoff, this.#attempt++, random()))
    this.#retryHintMs = undefined
    this.#stopRetry = after(retryInMs, () => this.#open())
    // Who is told may close the client.
    this.#hooks.lost(error, retryInMs)
  }

  #heard(text: string): void {
    this.#silence = 0
    this.#stopAsking()
    const decoded = decodeFrame(text)
    if (!decoded.ok) return this.#hooks.invalid(decoded.message)
    if (decoded.frame.type === 'GOING_AWAY') this.#retryHintMs = decoded.frame.retry_after_ms
    keepRawText(decoded.frame, text)
    this.#hooks.frame(decoded.frame, text.length)
  }

  /**
   * A connection can end without a word, and a browser shows no pings: the relay is asked in frames. Turns are counted, not
   * time, so that a machine that slept asks first; and none while nothing is read.
   */
  #beat(): void {
    const { heartbeatMs } = this.#options
    if (heartbeatMs === 0) return
    this.#stopHeartbeat = after(heartbeatMs, () => {
      if (!this.#isPaused) this.#silence++
      if (this.#silence === 2) this.send(JSON.stringify({ type: 'PING' }))
      if (this.#silence > 2) this.restart('nothing was heard from the relay')
      else this.#beat()
    })
  }

  /** A machine that comes back tries at once; an open connection may not have survived a change. */
  #networkChanged(isOnline: boolean): void {
    if (this.#state === 'waiting' && isOnline) {
      this.#stopRetry()
      this.#attempt = 0
      this.#open()
    } else if (this.#state === 'open' && !this.#isPaused) {
      this.#stopAsking()
      this.#stopAsking = after(askedMs, () => this.restart('nothing was heard from the relay since the network changed'))
      this.send(JSON.stringify({ type: 'PING' }))
    }
  }

  /** Nobody tries any more. */
  #abandon(error: unknown): void {
    if (this.#welcome === undefined) this.#giveUp(error)
    else void this.#end(error as Error)
  }

  /** The first connection did not come about: everything is as before `connect`. */
  #giveUp(error: unknown): void {
    if (this.#state !== 'connecting' && this.#state !== 'waiting') return
    this.#state = 'idle'
    this.#isAwaited = false
    void this.#stop()
    for (const { reject } of [...this.#openers]) reject(error)
    this.#hooks.gaveUp(error)
  }

  async #end(error: Error | undefined): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    const gone = this.#stop()
    for (const { reject } of [...this.#openers]) reject(error ?? new ConnectionError('CLOSED', 'The client was closed'))
    this.#hooks.ended(error)
    await gone
  }

  /** Resolves once the socket is closed. */
  #stop(): Promise<void> | undefined {
    this.#stopRetry()
    this.#stopHeartbeat()
    this.#stopAsking()
    this.#stopNetwork()
    const connection = this.#connection
    this.#connection = undefined
    return connection?.close(1_000, '')
  }
}

/** What is wrong with a relay's url; undefined: nothing. */
const urlProblem = (url: string): ConnectionError | undefined => {
  let protocol: string | undefined
  try {
    protocol = new URL(url).protocol
  } catch {
    // Told below.
  }
  return protocol === 'ws:' || protocol === 'wss:'
    ? undefined
    : new ConnectionError('BAD_URL', `${JSON.stringify(url)} is not the url of a relay: ws://host:port or wss://host`)
}
