// Messages on their way out: in order, each under its own id until it is acknowledged, however often the connection is lost.
import { timerMs, type Frame } from '../protocol/index.ts'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import type { CallOptions } from './requests.ts'

interface Waiting {
  readonly id: string
  readonly text: string
  /** uncertain: it was sent, and the connection was lost before the answer */
  state: 'waiting' | 'sent' | 'uncertain'
  readonly resolve: (ack: Frame<'ACK'>) => void
  readonly reject: (error: unknown) => void
}

/** Messages in flight at once, where the relay does not limit the rate. */
const wideWindow = 256
const maxWaiting = 100_000

export class Outgoing {
  readonly #send: (text: string) => void
  readonly #waiting = new Map<string, Waiting>()
  #window = 1
  #inFlight = 0
  #isOpen = false
  #pauseTimer: ReturnType<typeof setTimeout> | undefined

  constructor(send: (text: string) => void) {
    this.#send = send
  }

  /** Queues a message; resolves with its ACK. */
  add(id: string, text: string, { signal, timeoutMs }: CallOptions): Promise<Frame<'ACK'>> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.#waiting.size >= maxWaiting) return Promise.reject(new ConnectionError(`More than ${maxWaiting} messages wait to be sent`))
    if (this.#waiting.has(id))
      return Promise.reject(new RelayError('ID_REUSED', `A message with the id ${JSON.stringify(id)} is on its way already`))
    return new Promise((resolve, reject) => {
      const timer = timeoutMs === undefined
        ? undefined
        : setTimeout(() => settle(() => reject(new TimeoutError(`Message ${id} was not acknowledged within ${timeoutMs} ms`))),
          timerMs(timeoutMs))
      const onAbort = () => settle(() => reject(signal?.reason))
      const settle = (then: () => void) => {
        const entry = this.#waiting.get(id)
        this.#waiting.delete(id)
        if (entry?.state === 'sent') this.#inFlight--
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        then()
        this.#pump()
      }
      signal?.addEventListener('abort', onAbort)
      this.#waiting.set(id, {
        id,
        text,
        state: 'waiting',
        resolve: ack => settle(() => resolve(ack)),
        reject: error => settle(() => reject(error)),
      })
      this.#pump()
    })
  }

  /** A session is open. A relay that limits the rate gets one message at a time: a refusal then cannot let a later message overtake. */
  open(isRateLimited: boolean): void {
    this.#isOpen = true
    this.#window = isRateLimited ? 1 : wideWindow
    this.#pump()
  }

  /** The session is lost. What was in flight is sent again under its id, unless another agent would be its author. */
  lost(): void {
    this.#isOpen = false
    clearTimeout(this.#pauseTimer)
    this.#pauseTimer = undefined
    this.#inFlight = 0
    for (const entry of this.#waiting.values()) if (entry.state === 'sent') entry.state = 'uncertain'
  }

  /** The agent is the same as before (`isSameAgent`): sent messages may be repeated. Otherwise nobody can tell whether they arrived. */
  rewind(isSameAgent: boolean): void {
    for (const entry of [...this.#waiting.values()]) {
      if (entry.state !== 'uncertain') continue
      entry.state = 'waiting'
      if (!isSameAgent)
        entry.reject(new ConnectionError('The connection was lost before the acknowledgement, and the relay gave '
          + 'this agent a new id: the message may or may not be stored'))
    }
  }

  /** Whether the frame was about a message that waits here. */
  answer(frame: Frame): boolean {
    const id = (frame as { re?: string }).re
    const entry = id === undefined ? undefined : this.#waiting.get(id)
    if (entry === undefined || (frame.type !== 'ACK' && frame.type !== 'ERROR')) return false
    if (frame.type === 'ACK') {
      entry.resolve(frame)
    } else if (frame.retry_after_ms !== undefined) {
      // Refused for now: the same message goes first when the time has come, one at a time from here on.
      this.#window = 1
      if (entry.state === 'sent') this.#inFlight--
      entry.state = 'waiting'
      this.#pause(frame.retry_after_ms)
    } else {
      entry.reject(new RelayError(frame.code, frame.message))
    }
    return true
  }

  failAll(error: Error): void {
    this.#isOpen = false
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }

  #pause(ms: number): void {
    clearTimeout(this.#pauseTimer)
    this.#pauseTimer = setTimeout(() => {
      this.#pauseTimer = undefined
      this.#pump()
    }, timerMs(ms))
  }

  #pump(): void {
    if (!this.#isOpen || this.#pauseTimer !== undefined) return
    for (const entry of this.#waiting.values()) {
      if (this.#inFlight >= this.#window) return
      if (entry.state !== 'waiting') continue
      entry.state = 'sent'
      this.#inFlight++
      this.#send(entry.text)
    }
  }
}
