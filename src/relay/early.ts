// Events that came before their turn: held, within bounds, until what is missing before them has come or is read.

/** Frames of one commit in one channel, joined: those from `first` to `last`. */
interface Early {
  readonly last: number
  readonly frames: Buffer
}

/** What is held in one channel. */
const maxHeld = 64
const maxHeldBytes = 1024 * 1024
/** And in all. */
const maxHeldBytesInAll = 16 * 1024 * 1024

/** How much is held in all channels. */
export interface HeldBytes {
  inAll: number
}

export class Gap {
  /** Newest seq that is known to be stored. */
  told: number
  /** Called when nothing is missing any more, or nobody hears any more. */
  readonly closed: (() => void)[] = []
  /** Ends the waiting for what is missing. */
  timer: NodeJS.Timeout | undefined
  readonly #held = new Map<number, Early>()
  readonly #all: HeldBytes
  #bytes = 0

  constructor(told: number, all: HeldBytes) {
    this.told = told
    this.#all = all
  }

  /** False where there is no room: it is read from the log then. */
  hold(first: number, last: number, frames: Buffer): boolean {
    if (this.#held.has(first)) return true
    const { length } = frames
    if (this.#held.size >= maxHeld || this.#bytes + length > maxHeldBytes || this.#all.inAll + length > maxHeldBytesInAll) return false
    this.#held.set(first, { last, frames })
    this.#count(length)
    return true
  }

  /** What is held and begins at a seq. */
  take(first: number): Early | undefined {
    const early = this.#held.get(first)
    if (early === undefined) return undefined
    this.#held.delete(first)
    this.#count(-early.frames.length)
    return early
  }

  /** Nothing is held any more, and whoever waited goes on. */
  close(): void {
    clearTimeout(this.timer)
    this.#count(-this.#bytes)
    this.#held.clear()
    for (const each of this.closed.splice(0)) each()
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    this.#all.inAll += bytes
  }
}
