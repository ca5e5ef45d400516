// One connection from dialling to its end: the socket, the login, and what is heard and sent after it. A small machine:
//
// | state       | socket opens | CAPTCHA_CHALLENGE | CHALLENGE                | WELCOME          | ERROR  | socket closes | time, cancel |
// |-------------|--------------|-------------------|--------------------------|------------------|--------|---------------|--------------|
// | dialling    | IDENTIFY: identifying | –        | –                        | –                | –      | failed        | failed       |
// | identifying | –            | CAPTCHA_RESPONSE  | VERIFY_IDENTITY: proving | settling or open | failed | failed        | failed       |
// | proving     | –            | CAPTCHA_RESPONSE  | failed                   | settling or open | failed | failed        | failed       |
// | settling    | –            | kept              | kept                     | kept             | kept   | failed        | failed       |
// | open        | –            | heard             | heard                    | heard            | heard  | lost          | –            |
// | over        | –            | –                 | –                        | –                | –      | –             | –            |
//
// After `failed` and `lost` it is over. Every other frame is heard when open, and passed over before; what comes while it is being
// found out who has sent WELCOME is heard once that is known. A key signs one challenge on a connection: a relay that asks again
// wants something else.
import { decodeFrame, type Frame } from '../protocol/index.ts'
import type { Login, Place } from './login.ts'
import { ConnectionError, ProtocolError, RelayError, TimeoutError } from './errors.ts'
import { after } from './timer.ts'
import type { Socket, Transport, TransportProblem } from './transport.ts'

export interface ConnectionOptions {
  readonly url: string
  readonly transport: Transport
  /** ms to open the session, login included */
  readonly timeoutMs: number
  /** ms of them in which the socket has to open */
  readonly dialMs: number
  readonly login: Pick<Login, 'request' | 'prove' | 'settle'>
  /** Answers a question. */
  readonly answer: (question: Frame<'CAPTCHA_CHALLENGE'>) => Promise<string>
}

export interface ConnectionHooks {
  /** The session is open. What follows in the same chunk is heard after it. */
  opened(welcome: Frame<'WELCOME'>, place: Place): void
  /** There will be no session. */
  failed(error: unknown): void
  /** A text that came while the session is open. */
  heard(text: string): void
  /** An open session is gone. */
  lost(closeCode: number, reason: string): void
}

/** Texts that may come behind WELCOME before it is known who has sent it. */
const maxKept = 1_000

export class Connection {
  readonly #options: ConnectionOptions
  readonly #hooks: ConnectionHooks
  readonly #stopTimer: () => void
  readonly #stopDial: () => void
  #state: 'dialling' | 'identifying' | 'proving' | 'settling' | 'open' | 'over' = 'dialling'
  #socket: Socket | undefined
  #onGone: (() => void) | undefined
  #isGone = false
  /** What came behind WELCOME while it is being settled. */
  #kept: string[] = []
  /** A question of the relay is being answered. */
  #isAsked = false

  constructor(options: ConnectionOptions, hooks: ConnectionHooks) {
    this.#options = options
    this.#hooks = hooks
    const { url, transport, timeoutMs, dialMs } = options
    const limit = (ms: number) => after(ms, () => this.#fail(new TimeoutError(`No session with ${url} within ${ms} ms`)))
    this.#stopTimer = limit(timeoutMs)
    this.#stopDial = dialMs < timeoutMs ? limit(dialMs) : () => undefined
    try {
      this.#socket = transport(url, {
        open: () => this.#socketOpened(),
        message: text => this.#heard(text),
        close: (code, reason, problem) => this.#socketClosed(code, reason, problem),
      })
    } catch (error) {
      // Whoever made it has to know it first.
      queueMicrotask(() => this.#fail(new ConnectionError('UNREACHABLE', `Cannot connect to ${url}: ${(error as Error).message}`)))
    }
  }

  /** Whether reading can be stopped: a browser's WebSocket cannot. */
  get canPause(): boolean {
    return this.#socket?.pause !== undefined
  }

  send(text: string): void {
    if (this.#state === 'open') this.#socket?.send(text)
  }

  pause(): void {
    this.#socket?.pause?.()
  }

  resume(): void {
    this.#socket?.resume?.()
  }

  /** Ends the attempt to open it. */
  cancel(error: unknown): void {
    this.#fail(error)
  }

  /** Hears nothing more, and says goodbye; resolves once the socket is closed. */
  close(code: number, reason: string): Promise<void> {
    this.#end()
    this.#socket?.resume?.()
    this.#socket?.close(code, reason)
    return this.#isGone || this.#socket === undefined ? Promise.resolve() : new Promise(resolve => {
      this.#onGone = resolve
    })
  }

  #socketOpened(): void {
    if (this.#state !== 'dialling') return
    this.#state = 'identifying'
    this.#stopDial()
    this.#say({ type: 'IDENTIFY', ...this.#options.login.request })
  }

  #heard(text: string): void {
    if (this.#state === 'open') return this.#hooks.heard(text)
    if (this.#state === 'identifying' || this.#state === 'proving') {
      const decoded = decodeFrame(text)
      if (decoded.ok) this.#step(decoded.frame)
    } else if (this.#state === 'settling') {
      this.#kept.push(text)
      if (this.#kept.length > maxKept) this.#fail(new ProtocolError('OUT_OF_TURN', 'The relay sends too much before it is checked'))
    }
  }

  /** One step of the login. */
  #step(frame: Frame): void {
    switch (frame.type) {
      case 'WELCOME':
        return this.#settle(frame)
      case 'CHALLENGE':
        return this.#prove(frame)
      case 'CAPTCHA_CHALLENGE':
        return this.#answer(frame)
      case 'ERROR':
        return this.#fail(new RelayError(frame.code, frame.message, frame.retry_after_ms))
      default:
        return undefined
    }
  }

  #answer(question: Frame<'CAPTCHA_CHALLENGE'>): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#options.answer(question).then(answer => {
      this.#isAsked = false
      this.#say({ type: 'CAPTCHA_RESPONSE', captcha_id: question.captcha_id, answer })
    }, (error: unknown) => this.#fail(error))
  }

  #prove(challenge: Frame<'CHALLENGE'>): void {
    if (this.#state === 'proving') return this.#fail(new ProtocolError('OUT_OF_TURN', 'The relay asks for a second signature'))
    this.#state = 'proving'
    this.#options.login.prove(challenge).then(proof => this.#say({ type: 'VERIFY_IDENTITY', ...proof }),
      (error: unknown) => this.#fail(error))
  }

  #settle(welcome: Frame<'WELCOME'>): void {
    let place: Place | Promise<Place>
    try {
      place = this.#options.login.settle(welcome)
    } catch (error) {
      return this.#fail(error)
    }
    if (!(place instanceof Promise)) return this.#open(welcome, place)
    this.#state = 'settling'
    this.#socket?.pause?.()
    place.then(settled => {
      if (this.#state !== 'settling') return
      this.#socket?.resume?.()
      const kept = this.#kept
      this.#kept = []
      this.#open(welcome, settled)
      for (const text of kept) this.#heard(text)
    }, (error: unknown) => this.#fail(error))
  }

  #open(welcome: Frame<'WELCOME'>, place: Place): void {
    this.#state = 'open'
    this.#stopTimer()
    this.#hooks.opened(welcome, place)
  }

  #socketClosed(code: number, reason: string, problem?: TransportProblem): void {
    this.#isGone = true
    const { url } = this.#options
    if (this.#state === 'open') {
      this.#end()
      this.#hooks.lost(code, reason)
    } else this.#fail(new ConnectionError('UNREACHABLE', `Cannot connect to ${url}: ${reason || `closed with ${code}`}`, code, problem))
    this.#onGone?.()
  }

  #fail(error: unknown): void {
    if (this.#state === 'open' || this.#state === 'over') return
    this.#end()
    this.#socket?.close()
    this.#hooks.failed(error)
  }

  #end(): void {
    this.#state = 'over'
    this.#stopTimer()
    this.#stopDial()
  }

  #say(frame: object): void {
    if (this.#state !== 'over') this.#socket?.send(JSON.stringify(frame))
  }
}
