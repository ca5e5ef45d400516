// Whether witnesses vouch for what is heard: each event has to be under a head that as many of them as are needed have cosigned, some time after it
// was heard. Of each channel only the oldest event that is not is kept in mind: when it is, the newest that was heard meanwhile takes its place.
import { witnessPolicy, type WitnessPolicy } from '../identity/transcripts/index.ts'
import { after } from './timer.ts'

/** Which witnesses are asked for. */
export interface WitnessOptions {
  /** Each a line of C2SP (`NAME+ID+KEY`), or the public key of a relay (PEM). */
  readonly keys: readonly string[]
  /** How many of them have to have cosigned; default 1 */
  readonly need?: number
  /** ms within which an event has to be cosigned; default: ten minutes */
  readonly withinMs?: number
}

const defaultWithinMs = 600_000

interface Waiting {
  readonly size: number
  /** ms */
  readonly since: number
}

interface Stream {
  newest: number
  upTo: number
  waiting: Waiting | undefined
  isTold: boolean
  stopTimer: () => void
}

export interface WitnessChecksOptions extends WitnessOptions {
  /** Asks for a head of a channel; it is answered here. */
  readonly ask: (stream: string) => void
  /** It is not cosigned in time. */
  readonly tell: (stream: string) => void
  /** ms since 1970 */
  readonly now: () => number
}

export class WitnessChecks {
  readonly policy: WitnessPolicy
  readonly #options: WitnessChecksOptions
  readonly #withinMs: number
  readonly #streams = new Map<string, Stream>()

  /** @throws IdentityError BAD_KEY on keys that are none, or fewer than are needed */
  constructor(options: WitnessChecksOptions) {
    this.#options = options
    this.policy = witnessPolicy(options.keys, options.need ?? 1)
    this.#withinMs = options.withinMs ?? defaultWithinMs
  }

  reset(): void {
    for (const { stopTimer } of this.#streams.values()) stopTimer()
    this.#streams.clear()
  }

  heard(name: string, seq: number): void {
    let stream = this.#streams.get(name)
    if (stream === undefined)
      this.#streams.set(name, stream = { newest: 0, upTo: 0, waiting: undefined, isTold: false, stopTimer: () => undefined })
    stream.newest = Math.max(stream.newest, seq)
    if (stream.waiting === undefined && seq > stream.upTo) this.#wait(name, stream)
  }

  /** So much of a channel is cosigned by as many as are needed. */
  answered(name: string, size: number): void {
    const stream = this.#streams.get(name)
    if (stream === undefined) return
    stream.upTo = Math.max(stream.upTo, size)
    if (stream.waiting === undefined || stream.upTo < stream.waiting.size) return this.refused(name)
    stream.stopTimer()
    stream.waiting = undefined
    stream.isTold = false
    if (stream.newest > stream.upTo) this.#wait(name, stream)
  }

  /** The relay shows no head. */
  refused(name: string): void {
    const stream = this.#streams.get(name)
    if (stream?.waiting === undefined || stream.isTold || this.#options.now() - stream.waiting.since < this.#withinMs) return
    stream.isTold = true
    this.#options.tell(name)
  }

  #wait(name: string, stream: Stream): void {
    stream.waiting = { size: stream.newest, since: this.#options.now() }
    const again = () => {
      stream.stopTimer = after(this.#withinMs, again)
      this.#options.ask(name)
    }
    stream.stopTimer = after(this.#withinMs, again)
  }
}
