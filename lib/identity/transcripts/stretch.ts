// Leaves from some number on, without what is before them: kept as roots of whole trees, until that is known.
import { sha256 } from '@noble/hashes/sha2.js'
import { nodeOf, voidOf, type Hash, type TranscriptRange } from './tree.ts'

interface Whole {
  readonly level: number
  /** Its place among the trees of its height. */
  readonly index: number
  readonly root: Uint8Array
}

export class Stretch {
  readonly #hash: Hash
  /** The number before the first leaf. */
  readonly start: number
  #end: number
  readonly #wholes: Whole[] = []

  constructor(start: number, hash: Hash = sha256) {
    this.start = start
    this.#end = start
    this.#hash = hash
  }

  /** The number of the last leaf. */
  get end(): number {
    return this.#end
  }

  /** Adds the leaf of a number behind all that were added; of those between no event is there. */
  add(seq: number, leaf: Uint8Array): void {
    while (this.#end < seq - 1) this.#push(voidOf(0))
    this.#push(leaf)
  }

  /** Another of the same leaves, that stays as it is. */
  copy(): Stretch {
    const copy = new Stretch(this.start, this.#hash)
    copy.#end = this.#end
    copy.#wholes.push(...this.#wholes)
    return copy
  }

  /** The whole of it, where it goes on from this. Changes what it is given. @throws RangeError where it does not */
  behind(base: TranscriptRange): TranscriptRange {
    if (base.size !== this.start) throw new RangeError('It begins elsewhere')
    for (const { level, root } of this.#wholes) base.addWhole(level, root)
    return base
  }

  #push(leaf: Uint8Array): void {
    let [level, index, root] = [0, this.#end, leaf]
    for (;;) {
      const left = this.#wholes.at(-1)
      if (index % 2 === 0 || left?.level !== level || left.index !== index - 1) break
      this.#wholes.pop()
      ;[level, index, root] = [level + 1, (index - 1) / 2, nodeOf(left.root, root, this.#hash)]
    }
    this.#wholes.push({ level, index, root })
    this.#end++
  }
}
