// What this relay cosigned of another one's channels, as its witness, on its way there: the newest head of each channel, one after the other, until
// that relay has it. And whether a page goes on behind what was cosigned last, so that the next head may be cosigned too.
import { isConsistent, TranscriptRange, type TreeHead } from '../../lib/identity/transcripts/index.ts'
import { RelayError } from '../../lib/client/errors.ts'
import { addEvents, type HomeEvent } from './page.ts'

/** The head of a channel that was cosigned last. */
export interface Cosigned extends TreeHead {
  /** With the line of this relay. */
  readonly text: string
  /** The tree of the mirror is known to go on behind it, or to be on the way there. */
  readonly isFollowed: boolean
}

export interface CosigningOptions {
  /** Hands one over. */
  readonly hand: (channel: string, text: string) => Promise<unknown>
  /** ms since 1970 */
  readonly now: () => number
}

const passingMs = 1_000

export class Cosigning {
  readonly #options: CosigningOptions
  readonly #last = new Map<string, Cosigned>()
  /** Which of them the other relay has, by their sizes. */
  readonly #taken = new Map<string, number>()
  #isOpen = false
  #isHanding = false
  /** ms */
  #handAt = 0

  constructor(options: CosigningOptions) {
    this.#options = options
  }

  of(channel: string): Cosigned | undefined {
    return this.#last.get(channel)
  }

  /** undefined: nothing is known to be cosigned. */
  set(channel: string, last: Cosigned | undefined): void {
    if (last === undefined) this.#last.delete(channel)
    else this.#last.set(channel, last)
    void this.handOn()
  }

  forget(channel: string): void {
    this.#last.delete(channel)
    this.#taken.delete(channel)
  }

  /** A session with the other relay begins: it may have lost what it had. */
  opened(): void {
    this.#isOpen = true
    this.#taken.clear()
    this.#handAt = 0
    void this.handOn()
  }

  closed(): void {
    this.#isOpen = false
  }

  async handOn(): Promise<void> {
    if (this.#isHanding) return
    this.#isHanding = true
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        const [channel, { text, size }] = next
        await this.#options.hand(channel, text)
        this.#taken.set(channel, size)
      }
    } catch (error) {
      if (!(error instanceof RelayError)) return
      // A relay that keeps none is not asked again until it is dialled again.
      if (error.shouldRetry()) this.#handAt = this.#options.now() + (error.retryAfterMs ?? passingMs)
      else this.#isOpen = false
    } finally {
      this.#isHanding = false
    }
  }

  #next(): [string, Cosigned] | undefined {
    if (!this.#isOpen || this.#options.now() < this.#handAt) return undefined
    return [...this.#last].find(([channel, { size }]) => this.#taken.get(channel) !== size)
  }
}

/** Whether a tree is what was cosigned, where it comes to that size with these events; undefined: it does not. */
export const isAsCosigned = (tree: TranscriptRange, events: readonly HomeEvent[], { size, root }: TreeHead): boolean | undefined => {
  if (tree.size > size || (events.at(-1)?.seq ?? tree.size) < size) return undefined
  const there = tree.copy()
  addEvents(there, events.filter(({ seq }) => seq <= size))
  there.addVoidsTo(size)
  return isConsistent(there, { size, root }, [])
}
