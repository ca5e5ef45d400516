// Questions and their answers, paired by id and by nothing else. What is asked while there is no connection waits for the next one.
import { whenThere, type Awaitable } from '../identity/awaitable.ts'
import type { Frame } from '../protocol/index.ts'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import { frameProblem } from './frame-size.ts'
import { pending, type CallOptions, type Ending } from './pending.ts'

interface Asked extends Ending<Frame> {
  readonly text: () => Awaitable<string>
  readonly heard: ((answer: Frame) => void) | undefined
  isSent: boolean
  /** Somebody waits for the answer. */
  isWanted: boolean
}

const maxPending = 10_000

export class Requests {
  readonly #put: (text: Awaitable<string | undefined>) => void
  readonly #asked = new Map<string, Asked>()
  #isOpen = false
  #maxFrameBytes = Infinity

  readonly #changed: () => void

  /** `put` sends when the text is there; `changed` is told when one more or less waits for its answer. */
  constructor(put: (text: Awaitable<string | undefined>) => void, changed: () => void) {
    this.#put = put
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
  call(id: string, type: string, text: () => Awaitable<string>, options: CallOptions, heard?: (answer: Frame) => void): Promise<Frame> {
    if (this.#asked.size >= maxPending)
      return Promise.reject(new ConnectionError('TOO_MANY', `More than ${maxPending} requests wait for an answer`))
    return pending(options, ending => {
      const asked = { ...ending, text, heard, isSent: false, isWanted: true }
      this.#asked.set(id, asked)
      if (this.#isOpen) this.#ask(asked)
      this.#changed()
      return () => {
        asked.isWanted = false
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
    const failed = (error: unknown) => {
      asked.reject(error)
      return undefined
    }
    const checked = (text: string) => {
      const problem = frameProblem(text, this.#maxFrameBytes)
      return problem === undefined ? text : failed(problem)
    }
    try {
      const text = whenThere(asked.text(), checked)
      if (text === undefined) return
      asked.isSent = true
      // Nobody may wait for it any more when it is signed.
      this.#put(text instanceof Promise ? text.then(made => asked.isWanted ? made : undefined, failed) : text)
    } catch (error) {
      failed(error)
    }
  }
}
