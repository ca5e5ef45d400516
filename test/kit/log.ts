// A log of anything, as somebody else would keep one: its leaves, heads that it signs, and proofs that one is the beginning of another.
import { consistencySpans, leafOf, nodeOf, TranscriptRange, writeSubmission, type Span } from '../../lib/identity/transcripts/index.ts'
import { createHash } from 'node:crypto'
import { newKey, signWith, type Key } from './wire.ts'

const sha256 = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const keyBytes = (pem: string): Buffer => Buffer.from(pem.split('\n')[1]!, 'base64').subarray(12)

export class TestLog {
  readonly origin: string
  readonly key: Key
  readonly #leaves: Uint8Array[] = []

  constructor(origin = 'log.example/2026', key: Key = newKey()) {
    this.origin = origin
    this.key = key
  }

  get size(): number {
    return this.#leaves.length
  }

  add(count: number, content = 'entry'): void {
    for (let i = 0; i < count; i++) this.#leaves.push(leafOf(Buffer.from(`${content} ${this.size}`)))
  }

  /** Another that began the same. */
  copy(size = this.size): TestLog {
    const copy = new TestLog(this.origin, this.key)
    copy.#leaves.push(...this.#leaves.slice(0, size))
    return copy
  }

  /** Its key as tools for C2SP write it. */
  get keyText(): string {
    return `${this.origin}+${this.#id(this.origin).toString('hex')}+${
      Buffer.concat([Buffer.of(1), keyBytes(this.key.pem)]).toString('base64')
    }`
  }

  #id(name: string): Buffer {
    return sha256(`${name}\n`, Buffer.of(1), keyBytes(this.key.pem)).subarray(0, 4)
  }

  root(size = this.size): Uint8Array {
    const range = new TranscriptRange()
    for (const leaf of this.#leaves.slice(0, size)) range.add(leaf)
    return range.root
  }

  /** @param more lines behind the third, each with its end */
  head(size = this.size, { root = this.root(size), more = '' }: { readonly root?: Uint8Array, readonly more?: string } = {}): string {
    const body = `${this.origin}\n${size}\n${Buffer.from(root).toString('base64')}\n${more}`
    return `${body}\n${this.line(body)}`
  }

  /** Its signature under a body. */
  line(body: string, name = this.origin): string {
    return `— ${name} ${Buffer.concat([this.#id(name), Buffer.from(signWith(this.key, body), 'base64')]).toString('base64')}\n`
  }

  proof(from: number, size = this.size): readonly Uint8Array[] {
    return consistencySpans(from, size).map(span => this.#hash(span))
  }

  /** What is sent to a witness. */
  submission(old: number, size = this.size): string {
    return writeSubmission({ old, proof: this.proof(old, size), checkpoint: this.head(size) })
  }

  #hash({ start, end }: Span): Uint8Array {
    if (end - start === 1) return this.#leaves[start]!
    let middle = 1
    while (middle * 2 < end - start) middle *= 2
    return nodeOf(this.#hash({ start, end: start + middle }), this.#hash({ start: start + middle, end }))
  }
}

export const addCheckpoint = '/witness/add-checkpoint'

export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
}

/** Brings a head to a relay, to be cosigned. */
export const bring = async ({ httpUrl }: { readonly httpUrl: string }, body: string): Promise<Answer> => {
  const response = await fetch(`${httpUrl}${addCheckpoint}`, { method: 'POST', body })
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
}
