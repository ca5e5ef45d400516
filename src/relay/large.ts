// Large messages, a quarter of a MiB of them at a time: the next one begins when the last one is handed to everybody's socket, each address in its
// turn. A channel's small messages, which may not overtake, wait for no more than that, however many addresses send large ones.
import { Turns, type Source } from './turns.ts'

/** A frame up to here costs a listener little more than a small one. */
const largeBytes = 16 * 1024
/** What may be under way. One may always. */
const maxUnderWayBytes = 256 * 1024

export class LargeFrames<Sender extends Source> {
  readonly #goOn: (sender: Sender) => void
  readonly #waiting = new Turns<{ readonly sender: Sender, readonly bytes: number }>()
  #underWayBytes = 0
  #isGoingOn = false

  /** `goOn`: it may be a sender's turn. */
  constructor(goOn: (sender: Sender) => void) {
    this.#goOn = goOn
  }

  /** Whether a frame may begin now; if not, its sender is told when it may be. */
  mayBegin(sender: Sender, bytes: number): boolean {
    if (bytes <= largeBytes || this.#hasRoom(bytes)) return true
    if (!this.#waiting.has(sender)) this.#waiting.push(sender, { sender, bytes })
    return false
  }

  begin(bytes: number): void {
    if (bytes > largeBytes) this.#underWayBytes += bytes
  }

  /** They were handed on, or came to nothing. */
  end(bytes: number): void {
    this.#underWayBytes -= bytes
    // Whoever goes on may end at once.
    if (this.#isGoingOn) return
    this.#isGoingOn = true
    for (let next = this.#waiting.first; next !== undefined && this.#hasRoom(next.bytes); next = this.#waiting.first) {
      this.#waiting.take()
      this.#goOn(next.sender)
    }
    this.#isGoingOn = false
  }

  #hasRoom(bytes: number): boolean {
    return this.#underWayBytes === 0 || this.#underWayBytes + bytes <= maxUnderWayBytes
  }
}

/** Bytes of those of a batch that are large. */
export const largeBytesOf = (results: readonly { readonly job: { readonly bytes: number } }[]): number => {
  let sum = 0
  for (const { job: { bytes } } of results) if (bytes > largeBytes) sum += bytes
  return sum
}
