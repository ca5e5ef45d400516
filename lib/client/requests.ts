// Questions and their answers, paired by id and by nothing else. What is asked while there is no connection waits for the next one.
import type { Frame } from '../protocol/index.ts'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import { frameProblem } from './frame-size.ts'
import { pending, type CallOptions, type Ending } from './pending.ts'

interface Asked extends Ending<Frame> {
  readonly text: () => string
  readonly heard: ((answer: Frame) => void) | undefined
  isSent: boolean
}

const maxPending = 10_000

export class Requests {
  readonly #send: (text: string) => void
  readonly #asked = new Map<string, Asked>()
  #isOpen = false
  #maxFrameBytes = Infinity

  readonly #changed: () => void

  /** `changed` is told when one more or less waits for its answer. */
  constructor(send: (text: string) => void, changed: () => void) {
    this.#send = send
    this.#changed = changed
  }

  /** Requests that wait for their answer, or to be sent. */
  get size(): number {
    return this.#asked.size
  }

  /**
   * `text` is made when it is sent: what is signed is signed for that session. Resolves with the answer, which `heard` is told in the turn in
   * which it comes. Rejects on ERROR, timeout, abort, or when the connection is lost after it was sent.
   */
  call(id: string, type: string, text: () => string, options: CallOptions, heard?: (answer: Frame) => void): Promise<Frame> {
    if (this.#asked.size >= maxPending)
      return Promise.reject(new ConnectionError('TOO_MANY', `More than ${maxPending} requests wait for an answer`))
    return pending(options, ending => {
      const asked = { ...ending, text, heard, isSent: false }
      this.#asked.set(id, asked)
      if (this.#isOpen) this.#ask(asked)
      this.#changed()
      return () => {
        this.#asked.delete(id)
        this.#changed()
      }
    }, ms => new TimeoutError(`No answer to ${type} within ${ms} ms`, id))
  }

  /** Whether the frame answered a request that waits here. */
  answer(frame: Frame): boolean {
    const id = (frame as { re?: string }).re
    const asked = id === undefined ? undefined : this.#asked.get(id)
    if (asked === undefined) return false
    if (frame.type === 'ERROR') asked.reject(new RelayError(frame.code, frame.message, frame.retry_after_ms))
    else {
      asked.heard?.(frame)
      asked.resolve(frame)
    }
    return true
  }

  /** A session is open: what is asked from here on is sent at once. */
  open(maxFrameBytes: number): void {
    this.#isOpen = true
    this.#maxFrameBytes = maxFrameBytes
  }

  /** What waited for a session is asked, in the order of the calls. */
  catchUp(): void {
    for (const asked of [...this.#asked.values()]) if (!asked.isSent) this.#ask(asked)
  }

  /** The connection is gone, and the answers with it. */
  lost(error: Error): void {
    this.#isOpen = false
    for (const { isSent, reject } of [...this.#asked.values()]) if (isSent) reject(error)
  }

  failAll(error: Error): void {
    this.#isOpen = false
    for (const { reject } of [...this.#asked.values()]) reject(error)
  }

  #ask(asked: Asked): void {
    let text: string
    try {
      text = asked.text()
    } catch (error) {
      return asked.reject(error)
    }
    const problem = frameProblem(text, this.#maxFrameBytes)
    if (problem !== undefined) return asked.reject(problem)
    asked.isSent = true
    this.#send(text)
  }
}
