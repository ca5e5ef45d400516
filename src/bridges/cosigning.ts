// What this relay cosigned of another one's channels, as its witness, on its way there: the newest head of each channel, one after the other, until
// that relay has it. And whether a page goes on behind what was cosigned last, so that the next head may be cosigned too.
import {
  comparedHeads,
  cosignersOf,
  isConsistent,
  openCheckpoint,
  readCheckpoint,
  TranscriptRange,
  type Evidence,
  type HeadAnswer,
  type TreeHead,
  type WitnessKey,
} from '../../lib/identity/transcripts/index.ts'
import type { Verify } from '../../lib/identity/index.ts'
import { RelayError } from '../../lib/client/errors.ts'
import type { Cosigned, HomeEvent } from '../features/links/bridge/peer.ts'
import { addEvents, type HomeKey } from './page.ts'
import { isOver, none, waitOf } from './wait.ts'

export interface CosigningOptions {
  /** The name under which this relay cosigns now: what it cosigned under a former key is nobody's there any more. */
  readonly own: string
  /** Hands one over. */
  readonly hand: (channel: string, text: string) => Promise<unknown>
  /** ms since 1970 */
  readonly now: () => number
}

const passingMs = 1_000

export class Cosigning {
  readonly #options: CosigningOptions
  readonly #last = new Map<string, Cosigned>()
  /** Which of them the other relay has, or refused for good, by their sizes. */
  readonly #taken = new Map<string, number>()
  /** Of which it was looked what the other relay has of this one's cosignatures. */
  readonly #looked = new Set<string>()
  #isOpen = false
  #isHanding = false
  #pause = none

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
    this.#looked.delete(channel)
  }

  /** A session with the other relay begins: it may have lost what it had. */
  opened(): void {
    this.#isOpen = true
    this.#taken.clear()
    this.#looked.clear()
    this.#pause = none
    void this.handOn()
  }

  /** Once in a session: whether it is to be looked. */
  looks(channel: string): boolean {
    return this.#looked.size < this.#looked.add(channel).size
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
        await this.#handOne(channel, text)
        this.#taken.set(channel, size)
      }
    } catch (error) {
      if (!(error instanceof RelayError)) return
      // A relay that keeps none is not asked again until it is dialled again.
      if (error.shouldRetry()) this.#pause = waitOf(error.retryAfterMs ?? passingMs, this.#options.now())
      else this.#isOpen = false
    } finally {
      this.#isHanding = false
    }
  }

  /** What is refused for good is over: it was signed by a former key of that relay, or the channel is closed to this one; others are not. */
  async #handOne(channel: string, text: string): Promise<void> {
    try {
      await this.#options.hand(channel, text)
    } catch (error) {
      if (!(error instanceof RelayError) || error.shouldRetry() || error.code === 'NOT_ALLOWED') throw error
    }
  }

  #next(): [string, Cosigned] | undefined {
    if (!this.#isOpen || !isOver(this.#pause, this.#options.now())) return undefined
    const mark = `
— ${this.#options.own} `
    return [...this.#last].find(([channel, { size, text }]) => this.#taken.get(channel) !== size && text.includes(mark))
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

/**
 * The largest head that the home shows with this relay's line under it, larger than what this relay knows of: it was put back to a backup, and may not
 * cosign another history than it did.
 */
export const ownShown = (
  texts: readonly string[],
  own: WitnessKey,
  { key }: HomeKey,
  known: number,
  verify: Verify,
): string | undefined => {
  let [most, found] = [known, undefined as string | undefined]
  for (const text of texts) {
    try {
      const { size } = openCheckpoint(text, key, verify)
      if (size > most && cosignersOf(text, [own], verify).size > 0) [most, found] = [size, text]
    } catch { /* it shows nothing */ }
  }
  return found
}

/** What shows that the home signed another history than this relay cosigned. @param answer to HEAD with `from` (its size) and `peaks` */
export const evidenceOf = (last: Cosigned, answer: HeadAnswer, { key }: HomeKey, verify: Verify): Evidence | undefined => {
  const former = readCheckpoint(last.text)
  const { isBeginning, proof } = comparedHeads(former, answer, key, verify)
  return isBeginning ? undefined : { stream: former.stream, relay_pubkey: key, heads: [last.text, answer.checkpoint], proof }
}
