// One connection from dialling to its end: the socket, the login, and what is heard and sent after it. A small machine:
//
// | state       | socket opens | CAPTCHA_CHALLENGE | CHALLENGE                | WELCOME | ERROR  | socket closes | time, cancel |
// |-------------|--------------|-------------------|--------------------------|---------|--------|---------------|--------------|
// | dialling    | IDENTIFY: identifying | –        | –                        | –       | –      | failed        | failed       |
// | identifying | –            | CAPTCHA_RESPONSE  | VERIFY_IDENTITY: proving | open    | failed | failed        | failed       |
// | proving     | –            | CAPTCHA_RESPONSE  | failed                   | open    | failed | failed        | failed       |
// | open        | –            | heard             | heard                    | heard   | heard  | lost          | –            |
// | over        | –            | –                 | –                        | –       | –      | –             | –            |
//
// After `failed` and `lost` it is over. Every other frame is heard when open, and passed over before. A key signs one challenge
// on a connection: a relay that asks again wants something else.
import { decodeFrame, type Frame, type RequestInput } from '../protocol/index.ts'
import { ConnectionError, ProtocolError, RelayError, TimeoutError } from './errors.ts'
import { after } from './timer.ts'
import type { Socket, Transport } from './transport.ts'

export interface ConnectionOptions {
  readonly url: string
  readonly transport: Transport
  /** ms to open the session, login included */
  readonly timeoutMs: number
  readonly login: RequestInput<'IDENTIFY'>
  /** Signs a challenge. @throws ProtocolError where this relay gets no signature */
  readonly prove: (challenge: Frame<'CHALLENGE'>) => RequestInput<'VERIFY_IDENTITY'>
  /** Answers a question. */
  readonly answer: (question: Frame<'CAPTCHA_CHALLENGE'>) => Promise<string>
}

export interface ConnectionHooks {
  /** The session is open. What follows in the same chunk is heard after it. */
  opened(welcome: Frame<'WELCOME'>): void
  /** There will be no session. */
  failed(error: unknown): void
  /** A text that came while the session is open. */
  heard(text: string): void
  /** An open session is gone. */
  lost(closeCode: number, reason: string): void
}

export class Connection {
  readonly #options: ConnectionOptions
  readonly #hooks: ConnectionHooks
  readonly #stopTimer: () => void
  #state: 'dialling' | 'identifying' | 'proving' | 'open' | 'over' = 'dialling'
  #socket: Socket | undefined
  #onGone: (() => void) | undefined
  #isGone = false
  /** A question of the relay is being answered. */
  #isAsked = false

  constructor(options: ConnectionOptions, hooks: ConnectionHooks) {
    this.#options = options
    this.#hooks = hooks
    const { url, transport, timeoutMs } = options
    this.#stopTimer = after(timeoutMs, () => this.#fail(new TimeoutError(`No session with ${url} within ${timeoutMs} ms`)))
    try {
      this.#socket = transport(url, {
        open: () => this.#socketOpened(),
        message: text => this.#heard(text),
        close: (code, reason) => this.#socketClosed(code, reason),
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
    this.#say({ type: 'IDENTIFY', ...this.#options.login })
  }

  #heard(text: string): void {
    if (this.#state === 'open') return this.#hooks.heard(text)
    if (this.#state === 'identifying' || this.#state === 'proving') {
      const decoded = decodeFrame(text)
      if (decoded.ok) this.#step(decoded.frame)
    }
  }

  /** One step of the login. */
  #step(frame: Frame): void {
    switch (frame.type) {
      case 'WELCOME':
        this.#state = 'open'
        this.#stopTimer()
        return this.#hooks.opened(frame)
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
    if (this.#state === 'proving') return this.#fail(new ProtocolError('OUT_OF_TURN', 'The relay asks for a second signature to log in'))
    this.#state = 'proving'
    try {
      this.#say({ type: 'VERIFY_IDENTITY', ...this.#options.prove(challenge) })
    } catch (error) {
      this.#fail(error)
    }
  }

  #socketClosed(code: number, reason: string): void {
    this.#isGone = true
    const { url } = this.#options
    if (this.#state === 'open') {
      this.#end()
      this.#hooks.lost(code, reason)
    } else this.#fail(new ConnectionError('UNREACHABLE', `Cannot connect to ${url}: ${reason || `closed with ${code}`}`, code))
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
  }

  #say(frame: object): void {
    if (this.#state !== 'over') this.#socket?.send(JSON.stringify(frame))
  }
}
