// Messages on their way out: in order, each under its own id until it is acknowledged, however often the connection is lost.
import { whenThere, type Awaitable } from '../identity/awaitable.ts'
import { timerMs, type Frame } from '../protocol/index.ts'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import { frameProblem } from './frame-size.ts'
import { pending, type CallOptions, type Ending } from './pending.ts'
import { after } from './timer.ts'

/** A message without its signature, and what makes one each time it is sent: it is of that moment and for that relay. */
export interface Draft {
  readonly text: string
  readonly sign: (() => Awaitable<object>) | undefined
  /** That its relay keeps it for another one is not enough: what that one says is waited for. */
  readonly isSettled?: boolean | undefined
}

interface Waiting extends Ending<Frame<'ACK'>>, Draft {
  readonly id: string
  /** kept: its relay hands it on; uncertain: it was sent, and the connection was lost before the answer */
  state: 'waiting' | 'sent' | 'kept' | 'uncertain'
}

/** Messages in flight at once, where the relay does not limit the rate. */
const wideWindow = 256
const maxWaiting = 100_000
/** Bytes that a signature adds to a frame, or less. */
const signatureBytes = 270

/** undefined where it fits. */
const draftProblem = ({ text, sign }: Draft, maxFrameBytes: number) =>
  frameProblem(text, maxFrameBytes, sign === undefined ? 0 : signatureBytes)

export class Outgoing {
  readonly #put: (text: Awaitable<string | undefined>) => void
  readonly #waiting = new Map<string, Waiting>()
  #window = 1
  #maxFrameBytes = Infinity
  #inFlight = 0
  #isOpen = false
  #stopPause: (() => void) | undefined

  readonly #changed: () => void

  /** `put` sends when the text is there; `changed` is told when one more or less waits for its acknowledgement. */
  constructor(put: (text: Awaitable<string | undefined>) => void, changed: () => void) {
    this.#put = put
    this.#changed = changed
  }

  /** Messages that are not acknowledged. */
  get size(): number {
    return this.#waiting.size
  }

  /** Queues a message; resolves with its ACK. */
  add(id: string, draft: Draft, options: CallOptions): Promise<Frame<'ACK'>> {
    if (this.#waiting.size >= maxWaiting)
      return Promise.reject(new ConnectionError('TOO_MANY', `More than ${maxWaiting} messages wait to be sent`))
    if (this.#waiting.has(id))
      return Promise.reject(new RelayError('ID_REUSED', `A message with the id ${JSON.stringify(id)} is on its way already`))
    const problem = draftProblem(draft, this.#maxFrameBytes)
    if (problem !== undefined) return Promise.reject(problem)
    return pending(options, ending => {
      const entry: Waiting = { ...ending, ...draft, id, state: 'waiting' }
      this.#waiting.set(id, entry)
      this.#pump()
      this.#changed()
      return () => {
        this.#waiting.delete(id)
        if (entry.state === 'sent') this.#inFlight--
        this.#pump()
        this.#changed()
      }
    }, ms => new TimeoutError(`Message ${id} was not acknowledged within ${ms} ms`, id))
  }

  /** A session is open. A relay that limits the rate gets one message at a time: a refusal then cannot let a later message overtake. */
  open({ msg_rate: rate, max_frame_bytes: maxFrameBytes }: Frame<'WELCOME'>['limits']): void {
    this.#window = rate > 0 ? 1 : wideWindow
    this.#maxFrameBytes = maxFrameBytes
    // This relay may take less than the one that the message was queued for.
    for (const entry of [...this.#waiting.values()]) {
      const problem = draftProblem(entry, maxFrameBytes)
      if (problem !== undefined) entry.reject(problem)
    }
    this.#isOpen = true
    this.#pump()
  }

  /** The session is lost. What was in flight is sent again under its id, unless another agent would be its author. */
  lost(): void {
    this.#isOpen = false
    this.#stopPause?.()
    this.#stopPause = undefined
    this.#inFlight = 0
    for (const entry of this.#waiting.values()) if (entry.state === 'sent' || entry.state === 'kept') entry.state = 'uncertain'
  }

  /** The agent is the same as before (`isSameAgent`): sent messages may be repeated. Otherwise nobody can tell whether they arrived. */
  rewind(isSameAgent: boolean): void {
    for (const entry of [...this.#waiting.values()]) {
      if (entry.state !== 'uncertain') continue
      entry.state = 'waiting'
      if (!isSameAgent)
        entry.reject(
          new ConnectionError('UNCERTAIN',
            'The connection was lost before the acknowledgement, and this agent has a new id now: it may or may not be stored'),
        )
    }
  }

  /** Whether the frame was about a message that waits here. */
  answer(frame: Frame): boolean {
    if (frame.type === 'SETTLED') return this.#settle(frame)
    const id = (frame as { re?: string }).re
    const entry = id === undefined ? undefined : this.#waiting.get(id)
    if (entry === undefined || (frame.type !== 'ACK' && frame.type !== 'ERROR')) return false
    if (frame.type === 'ACK' && frame.pending === true && entry.isSettled === true) {
      if (entry.state === 'sent') this.#inFlight--
      entry.state = 'kept'
      this.#pump()
    } else if (frame.type === 'ACK') {
      entry.resolve(frame)
    } else if (frame.retry_after_ms !== undefined) {
      // Refused for now: the same message goes first when the time has come, one at a time from here on.
      this.#window = 1
      if (entry.state === 'sent') this.#inFlight--
      entry.state = 'waiting'
      this.#pause(timerMs(frame.retry_after_ms))
    } else {
      entry.reject(new RelayError(frame.code, frame.message))
    }
    return true
  }

  /** What another relay made of a message that waits here for that: never the only word, for it is told again to who sends it again. */
  #settle({ pub_id: id, to, ts, msg_id, home_msg_id, seq, code, message }: Frame<'SETTLED'>): boolean {
    const entry = this.#waiting.get(id)
    if (entry?.state !== 'kept') return false
    if (code === undefined) entry.resolve({ type: 'ACK', re: id, ts, msg_id: home_msg_id ?? msg_id, to, seq: seq ?? 0 })
    else entry.reject(new RelayError(code, message ?? 'Its relay refused it'))
    return true
  }

  failAll(error: Error): void {
    this.lost()
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }

  #pause(ms: number): void {
    this.#stopPause?.()
    this.#stopPause = after(ms, () => {
      this.#stopPause = undefined
      this.#pump()
    })
  }

  #pump(): void {
    if (!this.#isOpen || this.#stopPause !== undefined) return
    for (const entry of this.#waiting.values()) {
      if (this.#inFlight >= this.#window) return
      if (entry.state !== 'waiting') continue
      entry.state = 'sent'
      this.#inFlight++
      this.#put(this.#textOf(entry))
    }
  }

  /** What is sent of it; undefined where nobody waits for it any more when it is signed. */
  #textOf(entry: Waiting): Awaitable<string | undefined> {
    const { id, text, sign, reject } = entry
    if (sign === undefined) return text
    let signed: Awaitable<string>
    try {
      signed = whenThere(sign(), signature => `${text.slice(0, -1)},${JSON.stringify(signature).slice(1)}`)
    } catch (error) {
      // Refused in a later turn, as by a key that takes its time: the pump is under way, for a call that is beginning or behind an answer.
      signed = Promise.reject(error as Error)
    }
    if (typeof signed === 'string') return signed
    return signed.then(made => this.#waiting.get(id) === entry ? made : undefined, (error: unknown) => {
      reject(error)
      return undefined
    })
  }
}
