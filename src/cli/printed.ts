// Lines on their way through stdout, and when each counts. What stdout has taken counts, and while it is full nothing more is written.
//
// A pipe takes more than its reader may ever use: `head -1` leaves the rest unread. That shows when something is written after it has
// gone. So a line in a pipe counts once a later one was taken, a while after it; the newest is held back meanwhile to be that later one.
//
// | what was written before | a line comes                        | a while is over              | its reader has gone            |
// |-------------------------|-------------------------------------|------------------------------|--------------------------------|
// | nothing, or it counts   | written                             | it counts                    | –                              |
// | the very first line     | waits a while, then written         | it counts                    | it counts: it was taken alone  |
// | more                    | the one held back is written, this  | the one held back is         | none of them counts: they come |
// |                         | one held back                       | written, the others count    | again                          |
import { after } from '../../lib/client/timer.ts'

export interface PrintedOptions {
  /** Resolves once stdout has taken it; rejects when its reader has gone. */
  readonly write: (text: string) => Promise<void>
  readonly isPipe: boolean
  /** ms since 1970 */
  readonly now: () => number
}

interface Line {
  readonly text: string
  readonly counts: () => void
}
interface Taken {
  readonly at: number
  readonly counts: () => void
}

/** How long a reader that has had enough may take to go. */
const whileMs = 250

export class Printed {
  readonly #options: PrintedOptions
  /** Taken by the pipe, and not known to be of use to anybody. */
  #taken: Taken[] = []
  #held: Line | undefined
  /** Writes one after the other. */
  #writing: Promise<void> = Promise.resolve()
  #stopTimer: () => void = () => undefined
  /** Something counted: the reader reads on. */
  #hasReader = false
  #problem: unknown

  constructor(options: PrintedOptions) {
    this.#options = options
  }

  /** Resolves when the next line may come. @throws what the writing of a line threw */
  async line(text: string, counts: () => void): Promise<void> {
    if (this.#problem !== undefined) throw this.#problem
    const line = { text, counts }
    if (!this.#options.isPipe) {
      await this.#write(text)
      counts()
    } else if (this.#taken.length === 0 && this.#held === undefined) await this.#take(line)
    else if (!this.#hasReader) {
      await this.#pause()
      await this.#take(line)
    } else {
      const held = this.#held
      this.#held = line
      if (held !== undefined) await this.#take(held)
    }
  }

  /** There are no more: what is held back is written, and all that was taken counts. */
  async end(): Promise<void> {
    this.#stopTimer()
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) {
      await this.#write(held.text)
      this.#taken.push({ at: 0, counts: held.counts })
    }
    this.stop()
  }

  /** It is over now: what was taken counts, unless its reader has gone; what is held back was never written. */
  stop(): void {
    this.#stopTimer()
    this.#held = undefined
    const taken = this.#taken.splice(0)
    if (this.#problem === undefined || (taken.length === 1 && !this.#hasReader)) { for (const { counts } of taken) counts() }
  }

  async #take({ text, counts }: Line): Promise<void> {
    await this.#write(text)
    const now = this.#options.now()
    this.#count(now - whileMs)
    this.#taken.push({ at: now, counts })
    this.#stopTimer()
    this.#stopTimer = after(whileMs, () => void this.#quiet().catch(() => undefined))
  }

  /** Nothing was written for a while. */
  async #quiet(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    if (held === undefined) this.#count(Infinity)
    else await this.#take(held)
  }

  #count(until: number): void {
    const next = this.#taken.findIndex(({ at }) => at > until)
    for (const { counts } of this.#taken.splice(0, next === -1 ? this.#taken.length : next)) {
      this.#hasReader = true
      counts()
    }
  }

  #write(text: string): Promise<void> {
    return this.#writing = this.#writing.then(() => this.#options.write(text)).catch((error: unknown) => {
      this.#problem ??= error
      throw error
    })
  }

  #pause(): Promise<void> {
    const last = this.#taken.at(-1)?.at ?? 0
    return new Promise(resolve => after(last + whileMs - this.#options.now(), resolve))
  }
}
