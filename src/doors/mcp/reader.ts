// How far a seat's inbox has been shown. What one call showed counts as received when the next one comes: a host that dies in between is shown
// it again. An answer that a call waited for is shown out of turn, and left out later.
import { createHash } from 'node:crypto'
import { Refusal, type Kept, type Seat } from './seat.ts'

/** An entry of the inbox. */
export interface Entry {
  readonly seq: number
  readonly event: Kept
}

/** Answers that were shown out of turn and may still wait. */
const maxOutOfTurn = 1_000
/** How long it is remembered what was said, and how much. */
const saidMs = 60_000
const maxSaid = 100
/** Steps of deals whose codes are remembered: a code is good for minutes. */
const maxSteps = 100

/** After these nobody here knows whether it was done. */
const isUncertain: ReadonlySet<string> = new Set(['LOST', 'UNCERTAIN', 'TIMEOUT', 'CANCELLED'])

export class Reader {
  readonly #seat: Seat
  /** The inbox number up to which everything was shown. */
  #shown: number | undefined
  readonly #outOfTurn = new Set<number>()
  /** What was said in the last minute, and where: place and text, hashed, and when. */
  readonly #said = new Map<string, number>()
  /** Codes that were used and for which step, and what came of it. */
  readonly #steps = new Map<string, Promise<string>>()
  /** One call after the other: two that read at once would show the same. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(seat: Seat) {
    this.#seat = seat
  }

  /** Runs `work` when no other call reads. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** What was shown has been received. */
  async acknowledge(signal?: AbortSignal): Promise<void> {
    const seq = this.#shown
    if (seq === undefined) return
    await this.#seat.ask('RECEIVED', { seq }, signal).catch((error: unknown) => {
      // Another log than the one that was shown: its numbers are over.
      if (!(error instanceof Refusal) || error.code !== 'INVALID_MSG') throw error
      this.#outOfTurn.clear()
    })
    this.#shown = undefined
    for (const each of this.#outOfTurn) if (each <= seq) this.#outOfTurn.delete(each)
  }

  /** What waits and was not shown out of turn; `more`: beyond it. */
  async waiting(limit: number, signal?: AbortSignal): Promise<{ readonly entries: readonly Entry[], readonly more: boolean }> {
    for (;;) {
      const { items, more } = await this.#seat.ask('INBOX', { limit }, signal)
      const entries = items.filter(({ seq }) => !this.#outOfTurn.has(seq))
      const passed = items[items.findIndex(({ seq }) => !this.#outOfTurn.has(seq)) - 1] ?? (entries.length === 0 ? items.at(-1) : undefined)
      if (entries.length > 0 || passed === undefined || !more) {
        if (passed !== undefined) this.#shown = passed.seq
        if (entries.length === 0) await this.acknowledge(signal)
        return { entries, more }
      }
      this.#shown = passed.seq
      await this.acknowledge(signal)
    }
  }

  /** Everything up to there was shown. */
  show(seq: number): void {
    this.#shown = seq
  }

  /** That one was shown, and what is before it may wait. */
  showOutOfTurn(seq: number): void {
    if (this.#outOfTurn.size >= maxOutOfTurn) this.#outOfTurn.delete(this.#outOfTurn.values().next().value!)
    this.#outOfTurn.add(seq)
  }

  /** What comes, or came, of a step that is taken under this code; undefined: it was not used, or for something else. */
  taken(code: string, step: string): Promise<string> | undefined {
    return this.#steps.get(`${code} ${step}`)
  }

  /** Takes a step once under a code, however often and at once it comes; what was refused can be tried again. */
  take(code: string, step: string, work: () => Promise<string>): Promise<string> {
    const key = `${code} ${step}`
    if (this.#steps.size >= maxSteps) this.#steps.delete(this.#steps.keys().next().value!)
    const outcome = work().catch((error: unknown) => {
      if (!(error instanceof Refusal && isUncertain.has(error.code))) this.#steps.delete(key)
      throw error
    })
    this.#steps.set(key, outcome)
    return outcome
  }

  /** Whether the same was said less than a minute before; `now` in ms. */
  hasJustSaid(said: string, now: number): boolean {
    const key = createHash('sha256').update(said).digest('base64')
    const before = this.#said.get(key)
    this.#said.delete(key)
    if (this.#said.size >= maxSaid) this.#said.delete(this.#said.keys().next().value!)
    this.#said.set(key, now)
    return before !== undefined && now - before < saidMs
  }
}
