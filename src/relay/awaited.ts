// Whoever changes something for all is answered when the other processes know it: what they answer afterwards agrees with that. Who does
// not say that it knows within a while is not waited for again until it says that it knows something: one that is heard may not hear.
import type { Counts } from '../base/metrics.ts'
import { timerMs } from '../../lib/protocol/index.ts'

/** As long as an answer may take through a bus that is not broken. */
const limitMs = 1_000

interface Peer {
  /** Up to which of what was told it said that it knows. */
  knows: number
  /** It let somebody wait for nothing. */
  isSilent: boolean
}

interface Wait {
  readonly upTo: number
  readonly missing: Set<string>
  readonly over: () => void
}

export class Awaited {
  readonly #peers = new Map<string, Peer>()
  readonly #waits = new Set<Wait>()
  readonly #counts: Pick<Counts, 'unanswered'>

  constructor(counts: Pick<Counts, 'unanswered'>) {
    this.#counts = counts
  }

  get count(): number {
    return this.#peers.size
  }

  /** Something was heard of a process: it is there. */
  alive(name: string): void {
    if (!this.#peers.has(name)) this.#peers.set(name, { knows: 0, isSilent: false })
  }

  /** Those that are there. */
  get names(): Iterable<string> {
    return this.#peers.keys()
  }

  /** It does not run any more. */
  gone(name: string): void {
    this.#peers.delete(name)
    for (const wait of this.#waits) this.#has(wait, name)
  }

  /** A process knows what was told up to there. */
  knows(name: string, upTo: number): void {
    const peer = this.#peers.get(name)
    if (peer === undefined || upTo <= peer.knows) return
    peer.knows = upTo
    peer.isSilent = false
    for (const wait of this.#waits) if (wait.upTo <= upTo) this.#has(wait, name)
  }

  /** Resolves when all who are there know what was told up to there; undefined: they do. */
  until(upTo: number): Promise<void> | undefined {
    const missing = new Set<string>()
    for (const [name, { knows, isSilent }] of this.#peers) if (!isSilent && knows < upTo) missing.add(name)
    if (missing.size === 0) return undefined
    return new Promise(resolve => {
      const over = () => {
        clearTimeout(timer)
        this.#waits.delete(wait)
        resolve()
      }
      const wait: Wait = { upTo, missing, over }
      const timer = setTimeout(() => {
        this.#counts.unanswered++
        for (const name of missing) Object.assign(this.#peers.get(name) ?? {}, { isSilent: true })
        over()
      }, timerMs(limitMs)).unref()
      this.#waits.add(wait)
    })
  }

  #has({ missing, over }: Wait, name: string): void {
    if (missing.delete(name) && missing.size === 0) over()
  }
}
