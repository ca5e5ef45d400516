// What was said and not sent to a session, as it is told: numbers, and a few of the newest texts, all within bounds.
import type { FrameBody } from '../../lib/protocol/index.ts'
import type { Gone } from '../store/log.ts'
import { changedBy, type Heard } from './heard.ts'

const maxSenders = 10
const maxWords = 10
const maxExcerpts = 5

type Told = Omit<FrameBody<'DIGEST'>, 'ts' | 're' | 'channel'>

export class Digest {
  readonly #fromSeq: number
  #toSeq: number
  #count = 0
  #others = 0
  readonly #senders = new Map<string, Told['senders'][number]>()
  readonly #words = new Set<string>()
  /** With the message that each is of: an edit says it anew. */
  #excerpts: { readonly of: string, readonly seq: number, readonly told: Told['excerpts'][number] }[] = []

  constructor(first: number) {
    this.#fromSeq = this.#toSeq = first
  }

  /** What a message said before it was changed or taken back is not told any more. */
  forget(said: Heard['said']): void {
    const of = changedBy(said)
    if (of !== undefined) this.#excerpts = this.#excerpts.filter(excerpt => excerpt.of !== of)
  }

  /** Nor what was erased, or went by its age. */
  forgetGone({ upTo, seqs }: Gone): void {
    this.#excerpts = this.#excerpts.filter(({ seq }) => seq > upTo && !seqs.includes(seq))
  }

  add({ seq, said, words, excerpt }: Heard): void {
    const { from, from_name, msg_id, retract } = said
    this.forget(said)
    this.#toSeq = seq
    this.#count++
    const sender = this.#senders.get(from)
    if (sender !== undefined) sender.count++
    else if (this.#senders.size < maxSenders) this.#senders.set(from, { from, from_name, count: 1 })
    else this.#others++
    for (const word of words) if (this.#words.size < maxWords) this.#words.add(word)
    if (msg_id === undefined || retract !== undefined) return
    this.#excerpts.push({ of: changedBy(said) ?? msg_id, seq, told: { msg_id, from, text: excerpt } })
    if (this.#excerpts.length > maxExcerpts) this.#excerpts.shift()
  }

  get told(): Told {
    return {
      from_seq: this.#fromSeq,
      to_seq: this.#toSeq,
      count: this.#count,
      senders: [...this.#senders.values()].sort((a, b) => b.count - a.count),
      ...(this.#others > 0 && { others: this.#others }),
      ...(this.#words.size > 0 && { mentions: [...this.#words] }),
      excerpts: this.#excerpts.map(({ told }) => told),
    }
  }
}
