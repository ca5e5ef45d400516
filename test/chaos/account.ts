// What a client keeps of a run: which of its messages were acknowledged and where, and what it received at which position.
// A message is a number, sender × perSender + n, and an account an array of such: a million messages are a few megabytes.

export interface ClientAccount {
  readonly index: number
  readonly agentId: string
  /** Position that the ACK of the n-th message told; 0: none came. */
  readonly acknowledged: Uint32Array
  readonly issued: number
  /** Neither resolved nor rejected. */
  readonly unanswered: number
  /** How many were refused, by reason. */
  readonly refusals: ReadonlyMap<string, number>
  /** Numbers of messages that were to be changed, and of their edits, by their ids. */
  readonly ids: ReadonlyMap<string, number>
  /** Per stream: message number + 1 by position; 0: nothing came; `blank`: a place without a text. */
  readonly received: ReadonlyMap<string, Uint32Array>
  readonly duplicated: number
  readonly reordered: number
  /** Pieces that were no beginning of the message that they grew to. */
  readonly misgrown: number
  /** Longest time without a session. */
  readonly longestGapMs: number
  /** Why the client gave up, if it did. */
  readonly ended: string | undefined
}

/** What stands for a message without a text: a retraction, or what was taken back. */
export const blank = 2 ** 32 - 1

export const contentOf = (number: number, padding: string): string => `${number} ${padding}`
export const numberOf = (content: string): number => Number.parseInt(content, 10)

/** What one client heard in one stream. */
export class Heard {
  #numbers = new Uint32Array(1_024)
  #last = 0
  duplicated = 0
  reordered = 0

  /** `number` is NaN where there is no text. */
  add(seq: number, number: number): void {
    const mark = Number.isNaN(number) ? blank : number + 1
    if (seq >= this.#numbers.length) {
      const grown = new Uint32Array(Math.max(seq + 1, this.#numbers.length * 2))
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    if (this.#numbers[seq] === mark) this.duplicated++
    else if (seq <= this.#last) this.reordered++
    this.#numbers[seq] = mark
    this.#last = Math.max(this.#last, seq)
  }

  get numbers(): Uint32Array {
    return this.#numbers.subarray(0, this.#last + 1)
  }
}
