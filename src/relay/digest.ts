// What was said and not sent to a session, as it is told: numbers, and a few of the newest texts, all within bounds.
import type { FrameBody } from '../../lib/protocol/index.ts'
import type { Heard } from './heard.ts'

const maxSenders = 10
const maxWords = 10
const maxExcerpts = 5
const maxExcerptChars = 120

type Told = Omit<FrameBody<'DIGEST'>, 'ts' | 're' | 'channel'>

/** Its beginning; a character of two halves is not cut. */
const excerptOf = (content: string): string => {
  const cut = content.slice(0, maxExcerptChars)
  const last = cut.charCodeAt(cut.length - 1)
  return last >= 0xd800 && last < 0xdc00 ? cut.slice(0, -1) : cut
}

export class Digest {
  readonly #fromSeq: number
  #toSeq: number
  #count = 0
  #others = 0
  readonly #senders = new Map<string, Told['senders'][number]>()
  readonly #words = new Set<string>()
  readonly #excerpts: Told['excerpts'] = []

  constructor(first: number) {
    this.#fromSeq = this.#toSeq = first
  }

  add({ seq, said: { from, from_name, msg_id, content }, words }: Heard): void {
    this.#toSeq = seq
    this.#count++
    const sender = this.#senders.get(from)
    if (sender !== undefined) sender.count++
    else if (this.#senders.size < maxSenders) this.#senders.set(from, { from, from_name, count: 1 })
    else this.#others++
    for (const word of words) if (this.#words.size < maxWords) this.#words.add(word)
    if (msg_id === undefined) return
    this.#excerpts.push({ msg_id, from, text: excerptOf(content) })
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
      excerpts: this.#excerpts,
    }
  }
}
