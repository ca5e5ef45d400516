// What agents of this relay say at another one, handed on: the next of each author, in the order in which they wait.
import { RelayError } from '../../lib/client/errors.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import type { Handed, Waiting } from '../features/links/bridge/peer.ts'
import { isOver, none, waitOf, type Wait } from './wait.ts'

export interface HandingOptions {
  /** ms since 1970 */
  readonly now: () => number
  /** Whether the other relay takes something now. */
  readonly isOpen: () => boolean
  /** Hands on the fields of a RELAYED, as JSON. @throws RelayError, ConnectionError, TimeoutError */
  readonly ask: (body: string) => Promise<Frame<'ACK'>>
  readonly onAnswer: () => void
  /** Why nothing is taken, for as long as it is so. */
  readonly onProblem: (problem: string | undefined) => void
}

/** Messages that are handed on at once, of as many authors. */
const maxUnderWay = 32
/** Authors who are passed over meanwhile. */
const maxHeld = 1_000
/** A link that is closed, for however long, may be opened by an operator at any moment: it is asked again then. */
const retryMs = 60_000
/** What a link waits for at most where it brings too much. */
const passingMs = 1_000

export class Handing {
  readonly #options: HandingOptions
  #waiting: readonly Waiting[] = []
  /** Authors of whom one is under way, or answered and not noted. */
  readonly #underWay = new Map<string, number>()
  #answered: Handed[] = []
  /** Until the other relay takes something again … */
  #pause = none
  /** … and of these authors. */
  readonly #held = new Map<string, Wait>()

  constructor(options: HandingOptions) {
    this.#options = options
  }

  /** Authors who are passed over now. */
  held(): readonly string[] {
    const now = this.#options.now()
    for (const [agent, wait] of this.#held) if (isOver(wait, now)) this.#held.delete(agent)
    return [...this.#held.keys()]
  }

  hand(waiting: readonly Waiting[]): void {
    this.#waiting = waiting
    this.goOn()
  }

  answered(): readonly Handed[] {
    return this.#answered
  }

  noted(handed: Handed): void {
    this.#answered = this.#answered.filter(each => each !== handed)
    this.#waiting = this.#waiting.filter(({ n }) => n !== handed.n)
    for (const [agent, n] of this.#underWay) if (n === handed.n) this.#underWay.delete(agent)
    this.goOn()
  }

  /** The next of each author, in the order in which they wait. */
  goOn(): void {
    const { isOpen, now } = this.#options
    if (!isOpen() || !isOver(this.#pause, now())) return
    for (const waiting of this.#waiting) {
      if (this.#underWay.size >= maxUnderWay) return
      if (this.#underWay.has(waiting.agent) || this.#held.has(waiting.agent)) continue
      this.#underWay.set(waiting.agent, waiting.n)
      void this.#handOne(waiting)
    }
  }

  async #handOne({ n, agent, body }: Waiting): Promise<void> {
    const { ask, onAnswer, onProblem } = this.#options
    try {
      const { seq, msg_id: msgId } = await ask(body)
      this.#answered.push({ n, seq, msgId })
      onProblem(undefined)
      onAnswer()
    } catch (error) {
      // Too late is too late, however often it is said.
      const isFinal = error instanceof RelayError && (!error.shouldRetry() || error.code === 'VERIFICATION_EXPIRED')
      if (error instanceof RelayError && isFinal && error.code !== 'LINK_REFUSED') {
        this.#answered.push({ n, code: error.code, message: error.message })
        return onAnswer()
      }
      // It waits, and with it all behind it of its author.
      this.#underWay.delete(agent)
      if (!(error instanceof RelayError)) return
      const { code, message, retryAfterMs } = error
      const now = this.#options.now()
      const waitMs = code === 'LINK_REFUSED' ? Math.min(retryAfterMs ?? retryMs, retryMs) : retryAfterMs ?? passingMs
      onProblem(message)
      if (this.#held.size >= maxHeld) this.#held.delete(this.#held.keys().next().value!)
      this.#held.set(agent, waitOf(waitMs, now))
      // Slow mode is its author's alone; a link waits a moment, or is refused.
      if (code !== 'INTERNAL' && (code !== 'RATE_LIMITED' || waitMs <= passingMs)) this.#pause = waitOf(waitMs, now)
    }
  }
}
