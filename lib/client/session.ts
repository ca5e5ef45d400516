// The session with a relay: opening it, proving the key, losing it and coming back. One state at a time:
// idle → connecting → open → waiting (lost, next attempt planned) → connecting … → closed
import { agentIdOf, loginText, loginTextV2, type Identity } from '../identity/index.ts'
import { closeCodes, decodeFrame, mayReconnect, timerMs, type Frame, type RequestInput } from '../protocol/index.ts'
import { backoffMs, type BackoffPolicy } from './backoff.ts'
import { ConnectionError, ProtocolError, RelayError, TimeoutError } from './errors.ts'
import type { Socket, Transport } from './transport.ts'

export type SessionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'closed'

export interface SessionOptions {
  readonly url: string
  readonly transport: Transport
  readonly login: RequestInput<'IDENTIFY'>
  readonly identity: Identity | undefined
  /** The relay's identity, when it is known beforehand: the key signs for no other. */
  readonly serverId: string | undefined
  readonly onCaptcha: ((question: string, hint: string | undefined) => string | Promise<string>) | undefined
  /** undefined: a lost connection ends the session */
  readonly backoff: BackoffPolicy | undefined
  /** ms to open the session, login included */
  readonly timeoutMs: number
  /** ms without a frame after which the relay is asked whether it is there; after as many more the connection is given up. 0: never */
  readonly heartbeatMs: number
  readonly now: () => number
  readonly random: () => number
}

export interface SessionHooks {
  /** The session is open: the first time, or again. */
  opened(welcome: Frame<'WELCOME'>): void
  /** A frame of the open session, and the characters it came in. */
  frame(frame: Frame, chars: number): void
  /** A text that is not a frame of the protocol. */
  invalid(message: string): void
  /** The connection was lost; `retryInMs` says when the next attempt begins. */
  lost(error: ConnectionError, retryInMs: number): void
  /** It is over; with `error` when nobody asked for it. */
  ended(error: Error | undefined): void
}

export class Session {
  readonly #options: SessionOptions
  readonly #hooks: SessionHooks
  #state: SessionState = 'idle'
  #socket: Socket | undefined
  #resume: string | undefined
  #attempt = 0
  #lostAt = 0
  #retryHintMs: number | undefined
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #heartbeat: ReturnType<typeof setInterval> | undefined
  /** Heartbeats that went by since a frame was heard. */
  #silence = 0
  #onClosed: (() => void) | undefined

  constructor(options: SessionOptions, hooks: SessionHooks) {
    this.#options = options
    this.#hooks = hooks
  }

  get state(): SessionState {
    return this.#state
  }

  /** Opens the session for the first time. @throws RelayError, ProtocolError, ConnectionError, TimeoutError */
  async connect(signal?: AbortSignal): Promise<Frame<'WELCOME'>> {
    if (this.#state !== 'idle') throw new ConnectionError(`The client is ${this.#state} already`)
    try {
      return await this.#open(signal)
    } catch (error) {
      this.#end(undefined)
      throw error
    }
  }

  send(text: string): void {
    if (this.#state === 'open') this.#socket?.send(text)
  }

  /** Gives the connection up, to come back and resume. */
  restart(reason: string): void {
    const socket = this.#socket
    if (socket === undefined || this.#state !== 'open') return
    // Not heard any more from here on: what it still brings comes again, behind what it skipped.
    this.#socket = undefined
    socket.close(4_000, reason)
    this.#lost(4_000, reason)
  }

  close(): Promise<void> {
    const socket = this.#socket
    if (this.#state === 'closed') return Promise.resolve()
    const isOpen = this.#state === 'open'
    this.#end(undefined)
    if (!isOpen || socket === undefined) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(resolve, timerMs(1_000))
      this.#onClosed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** One attempt: socket, IDENTIFY, proof, WELCOME. */
  #open(signal?: AbortSignal): Promise<Frame<'WELCOME'>> {
    this.#state = 'connecting'
    const { url, transport, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      let isSettled = false
      const settle = (then: () => void) => {
        if (isSettled) return
        isSettled = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        then()
      }
      const fail = (error: unknown) =>
        settle(() => {
          socket.close()
          reject(error)
        })
      const timer = setTimeout(() => fail(new TimeoutError(`No session with ${url} within ${timeoutMs} ms`)), timerMs(timeoutMs))
      const onAbort = () => fail(signal?.reason)
      const socket: Socket = transport(url, {
        open: () => {
          if (!isSettled)
            socket.send(
              JSON.stringify({ type: 'IDENTIFY', ...this.#options.login, ...(this.#resume !== undefined && { resume: this.#resume }) }),
            )
        },
        message: text => {
          this.#silence = 0
          if (this.#socket === socket && this.#state === 'open') return this.#receive(text)
          if (isSettled) return
          // In this turn: what follows WELCOME in the same chunk is the session already.
          try {
            const welcome = this.#login(text, socket, fail)
            if (welcome !== undefined)
              settle(() => {
                this.#socket = socket
                this.#state = 'open'
                this.#attempt = 0
                this.#resume = welcome.resume
                this.#watch()
                this.#hooks.opened(welcome)
                resolve(welcome)
              })
          } catch (error) {
            fail(error)
          }
        },
        close: (code, reason) => {
          settle(() => reject(new ConnectionError(`Cannot connect to ${url}: ${reason || `closed with ${code}`}`, code)))
          if (this.#socket !== socket) return
          this.#socket = undefined
          if (this.#state === 'closed') this.#onClosed?.()
          else this.#lost(code, reason)
        },
      })
      if (signal?.aborted === true) onAbort()
      else signal?.addEventListener('abort', onAbort)
    })
  }

  /** One step of the login; gives WELCOME when it is done. */
  #login(text: string, socket: Socket, fail: (error: unknown) => void): Frame<'WELCOME'> | undefined {
    const decoded = decodeFrame(text)
    if (!decoded.ok) return undefined
    const { frame } = decoded
    switch (frame.type) {
      case 'WELCOME':
        return frame
      case 'CHALLENGE': {
        socket.send(JSON.stringify({ type: 'VERIFY_IDENTITY', ...this.#proof(frame) }))
        return undefined
      }
      case 'CAPTCHA_CHALLENGE': {
        this.#answerCaptcha(frame).then(
          answer => socket.send(JSON.stringify({ type: 'CAPTCHA_RESPONSE', captcha_id: frame.captcha_id, answer })),
          fail,
        )
        return undefined
      }
      case 'ERROR':
        throw new RelayError(frame.code, frame.message, frame.retry_after_ms)
      default:
        return undefined
    }
  }

  async #answerCaptcha({ question, hint }: Frame<'CAPTCHA_CHALLENGE'>): Promise<string> {
    const { onCaptcha } = this.#options
    if (onCaptcha === undefined)
      throw new ProtocolError(`The relay asks a question first: ${JSON.stringify(question)}; pass onCaptcha to answer it`)
    return onCaptcha(question, hint)
  }

  /** Signs a challenge, for this relay and now; never a text that the relay could use elsewhere. */
  #proof({ challenge_id: challengeId, nonce, server_id: serverId }: Frame<'CHALLENGE'>): RequestInput<'VERIFY_IDENTITY'> {
    const { identity, now } = this.#options
    if (identity === undefined) throw new ProtocolError('The relay asks for a key that this client did not offer')
    const expected = this.#options.serverId
    if (expected !== undefined && serverId !== expected)
      throw new ProtocolError(
        `The relay shows another identity than expected (${serverId ?? 'none'} instead of ${expected}); not logging in`,
      )
    const timestamp = now()
    const text = serverId === undefined
      ? loginText({ nonce, challengeId, timestamp })
      : loginTextV2({ serverId, nonce, challengeId, timestamp })
    return { challenge_id: challengeId, signature: identity.sign(text), timestamp, ...(serverId !== undefined && { sig_v: 2 }) }
  }

  #receive(text: string): void {
    const decoded = decodeFrame(text)
    if (!decoded.ok) return this.#hooks.invalid(decoded.message)
    if (decoded.frame.type === 'GOING_AWAY') this.#retryHintMs = decoded.frame.retry_after_ms
    this.#hooks.frame(decoded.frame, text.length)
  }

  /**
   * A connection can end without a word, and a browser shows no pings: the relay is asked in frames. Turns are counted, not
   * time, so that a machine that slept asks first.
   */
  #watch(): void {
    const { heartbeatMs } = this.#options
    if (heartbeatMs === 0) return
    this.#heartbeat = setInterval(() => {
      this.#silence++
      if (this.#silence === 2) this.send(JSON.stringify({ type: 'PING' }))
      if (this.#silence > 2) this.restart('nothing was heard from the relay')
    }, timerMs(heartbeatMs))
  }

  #lost(code: number, reason: string): void {
    clearInterval(this.#heartbeat)
    const error = new ConnectionError(`The connection was closed (${code}${reason === '' ? '' : `: ${reason}`})`, code)
    const { backoff } = this.#options
    if (backoff === undefined || !mayReconnect(code)) return this.#end(error)
    const hint = /^retry_after_ms=(\d{1,6})$/.exec(reason)?.[1]
    if (code === closeCodes.RESTARTING.code && hint !== undefined) this.#retryHintMs = Number(hint)
    this.#lostAt = this.#options.now()
    this.#attempt = 0
    this.#plan(error)
  }

  #plan(error: ConnectionError): void {
    const backoff = this.#options.backoff!
    if (this.#options.now() - this.#lostAt > backoff.maxElapsedMs) return this.#end(error)
    this.#state = 'waiting'
    const retryInMs = timerMs(this.#retryHintMs ?? backoffMs(backoff, this.#attempt++, this.#options.random()))
    this.#retryHintMs = undefined
    this.#hooks.lost(error, retryInMs)
    this.#retryTimer = setTimeout(() => {
      this.#open().catch((error: unknown) => {
        if (this.#state === 'closed') return
        // A relay that refuses for good will not change its mind.
        if (error instanceof ProtocolError || (error instanceof RelayError && !error.shouldRetry())) return this.#end(error)
        if (error instanceof RelayError && error.retryAfterMs !== undefined) this.#retryHintMs = error.retryAfterMs
        const closeCode = error instanceof ConnectionError ? error.closeCode : undefined
        if (closeCode !== undefined && !mayReconnect(closeCode)) return this.#end(error as Error)
        this.#plan(new ConnectionError((error as Error).message, closeCode))
      })
    }, timerMs(retryInMs))
  }

  #end(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#retryTimer)
    clearInterval(this.#heartbeat)
    this.#socket?.close(1_000, '')
    this.#hooks.ended(error)
  }
}

/** The public part of an identity, as IDENTIFY carries it. @throws ProtocolError when id and key do not fit */
export const publicKeyOf = (identity: Identity): string => {
  if (agentIdOf(identity.publicKey) !== identity.agentId) throw new ProtocolError("The identity's id is not that of its key")
  return identity.publicKey
}
