// The tree of RFC 6962 (Merkle Tree Hash): its nodes, its root from the left, and what its proofs are made of and checked by.
import { sha256 } from '@noble/hashes/sha2.js'
import { fromBase64, toBase64 } from '../pem.ts'

/** SHA-256; programs on Node give a faster one than the library's own. */
export type Hash = (bytes: Uint8Array) => Uint8Array

export const hashBytes = 32

const leafMark = 0
const nodeMark = 1

/** @param entry what a leaf stands for */
export const leafOf = (entry: Uint8Array, hash: Hash = sha256): Uint8Array => {
  const bytes = new Uint8Array(1 + entry.length)
  bytes[0] = leafMark
  bytes.set(entry, 1)
  return hash(bytes)
}

export const nodeOf = (left: Uint8Array, right: Uint8Array, hash: Hash = sha256): Uint8Array => {
  const bytes = new Uint8Array(1 + 2 * hashBytes)
  bytes[0] = nodeMark
  bytes.set(left, 1)
  bytes.set(right, 1 + hashBytes)
  return hash(bytes)
}

export const isSameHash = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** The root of a tree with no leaf. */
export const emptyRoot = (hash: Hash = sha256): Uint8Array => hash(new Uint8Array(0))

/** Of numbers that no event has: leaves of an entry with nothing in it, and the whole trees above such leaves, by their height. */
const voids: Uint8Array[] = [leafOf(new Uint8Array(0))]

/** The root of 2^level leaves that stand for nothing. */
export const voidOf = (level: number): Uint8Array => {
  while (voids.length <= level) voids.push(nodeOf(voids.at(-1)!, voids.at(-1)!))
  return voids[level]!
}

/** How many nodes of a size's binary form there are: a tree of that size is kept as so many roots of whole trees. */
const peaksIn = (size: number): number => {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}

/** The left part of a tree, as the roots of the whole trees that it consists of: all that adding to it takes. */
export class TranscriptRange {
  readonly #hash: Hash
  #size = 0
  #peaks: Uint8Array[] = []

  constructor(hash: Hash = sha256) {
    this.#hash = hash
  }

  /** A range of so many leaves, by its peaks. @throws RangeError where the peaks are not those of that size */
  static of(size: number, peaks: readonly Uint8Array[], hash: Hash = sha256): TranscriptRange {
    if (!Number.isSafeInteger(size) || size < 0 || peaks.length !== peaksIn(size) || peaks.some(peak => peak.length !== hashBytes))
      throw new RangeError('Not the peaks of a tree of that size')
    const range = new TranscriptRange(hash)
    range.#size = size
    range.#peaks = [...peaks]
    return range
  }

  /** The range of a text made by `toString`; undefined where it is none. */
  static from(text: string): TranscriptRange | undefined {
    const [size, ...peaks] = text.length > 4_096 ? [] : text.split(' ')
    if (size === undefined || !/^(?:0|[1-9][0-9]{0,15})$/.test(size)) return undefined
    try {
      return TranscriptRange.of(Number(size), peaks.map(peak => fromBase64(peak) ?? new Uint8Array(0)))
    } catch {
      return undefined
    }
  }

  /** How many leaves there are. */
  get size(): number {
    return this.#size
  }

  /** From left to right. */
  get peaks(): readonly Uint8Array[] {
    return this.#peaks
  }

  /** What it hashes to. */
  get root(): Uint8Array {
    if (this.#peaks.length === 0) return emptyRoot(this.#hash)
    return this.#peaks.reduceRight((right, left) => nodeOf(left, right, this.#hash))
  }

  /** Adds the next leaf. */
  add(leaf: Uint8Array): void {
    this.addWhole(0, leaf)
  }

  /** Adds 2^level leaves at once; the size has to be a multiple of that. */
  addWhole(level: number, root: Uint8Array): void {
    const width = 2 ** level
    if (this.#size % width !== 0) throw new RangeError('A whole tree stands at a multiple of its width')
    let node = root
    for (let n = this.#size / width; n % 2 === 1; n = (n - 1) / 2) node = nodeOf(this.#peaks.pop()!, node, this.#hash)
    this.#peaks.push(node)
    this.#size += width
  }

  /** Adds leaves of numbers that no event has, until so many there are. */
  addVoidsTo(size: number): void {
    while (this.#size < size) {
      let level = 0
      while (this.#size % 2 ** (level + 1) === 0 && this.#size + 2 ** (level + 1) <= size) level++
      this.addWhole(level, voidOf(level))
    }
  }

  /** Another of the same leaves, that goes on by itself. */
  copy(): TranscriptRange {
    return TranscriptRange.of(this.#size, this.#peaks, this.#hash)
  }

  /** Its size and its peaks, from which `TranscriptRange.from` makes it again: a few hundred characters. */
  toString(): string {
    return [this.#size, ...this.#peaks.map(toBase64)].join(' ')
  }
}

/** Leaves from `start` on, up to `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The largest power of two below a width. */
const splitOf = (width: number): number => {
  let split = 1
  while (split * 2 < width) split *= 2
  return split
}

/** What a proof that a leaf is in a tree consists of: the parts beside its way to the root, from the leaf on. */
export const inclusionSpans = (index: number, size: number): readonly Span[] => {
  const spans: Span[] = []
  for (let [start, end] = [0, size]; end - start > 1;) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      spans.push({ start: middle, end })
      end = middle
    } else {
      spans.push({ start, end: middle })
      start = middle
    }
  }
  return spans.reverse()
}

/** What a proof consists of that a tree of one size is the beginning of a larger one. */
export const consistencySpans = (from: number, size: number): readonly Span[] => {
  if (from === 0 || from === size) return []
  const spans: Span[] = []
  let [start, end] = [0, size]
  // Down to the part that ends where the smaller tree does.
  while (end !== from) {
    const middle = start + splitOf(end - start)
    if (from <= middle) {
      spans.push({ start: middle, end })
      end = middle
    } else {
      spans.push({ start, end: middle })
      start = middle
    }
  }
  if (start > 0) spans.push({ start, end })
  return spans.reverse()
}

/** The whole trees that a part of a proof consists of, from left to right: each by its height and its place among those of that height. */
export const wholesOf = ({ start, end }: Span): readonly { readonly level: number, readonly index: number }[] => {
  const wholes: { level: number, index: number }[] = []
  for (let at = start; at < end;) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++
    wholes.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return wholes
}

/** The whole trees that a tree of a size consists of: what goes on from there needs. */
export const peakSpans = (size: number): readonly Span[] =>
  wholesOf({ start: 0, end: size }).map(({ level, index }) => ({ start: index * 2 ** level, end: (index + 1) * 2 ** level }))

/** RFC 9162, 2.1.3.2. */
export const isIncluded = (
  { leaf, index, size, proof, root }: {
    readonly leaf: Uint8Array
    readonly index: number
    readonly size: number
    readonly proof: readonly Uint8Array[]
    readonly root: Uint8Array
  },
  hash: Hash = sha256,
): boolean => {
  if (!(index >= 0 && index < size)) return false
  let [fn, sn, r] = [index, size - 1, leaf]
  for (const p of proof) {
    if (sn === 0 || p.length !== hashBytes) return false
    if (fn % 2 === 1 || fn === sn) {
      r = nodeOf(p, r, hash)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else r = nodeOf(r, p, hash)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && isSameHash(r, root)
}

/** A tree: how many leaves, and its root. */
export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

/** RFC 9162, 2.1.4.2. A tree of nothing is the beginning of every other. */
export const isConsistent = (former: TreeHead, later: TreeHead, proof: readonly Uint8Array[], hash: Hash = sha256): boolean => {
  if (former.size > later.size) return false
  if (former.size === later.size) return proof.length === 0 && isSameHash(former.root, later.root)
  if (former.size === 0) return proof.length === 0 && isSameHash(former.root, emptyRoot(hash))
  if (proof.some(each => each.length !== hashBytes)) return false
  let [fn, sn] = [former.size - 1, later.size - 1]
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  const [first, ...rest] = fn === 0 ? [former.root, ...proof] : proof
  if (first === undefined) return false
  let [fr, sr] = [first, first]
  for (const c of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeOf(c, fr, hash)
      sr = nodeOf(c, sr, hash)
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)]
    } else sr = nodeOf(sr, c, hash)
    ;[fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)]
  }
  return sn === 0 && isSameHash(fr, former.root) && isSameHash(sr, later.root)
}
