// Growing messages as a reader sees them: their pieces put together, as far as none is missing.
import type { Told } from '../protocol/index.ts'
import type { MessageFacts } from './message.ts'

/** Messages that grow at once, of all that are heard; the oldest one is forgotten first. */
const maxGrowing = 256
/** Characters that are put together of one. */
const maxChars = 512 * 1024

interface Growth {
  /** the piece that comes next */
  readonly next: number
  readonly text: string
}

const keyOf = (from: string, to: string, stream: string): string => `${from} ${to} ${stream}`

/**
 * Puts the pieces of growing messages together. Pieces that come twice, out of order, or behind the end change nothing; where one is missing
 * what is there stays, and the message that ends it brings the whole.
 * @example
 * const grown = new Grown()
 * client.on('DELTA', piece => show(piece.fromName, grown.add(piece)))
 * client.on('message', message => grown.end(message))
 */
export class Grown {
  readonly #growths = new Map<string, Growth>()

  /** The text so far; undefined where the piece brings nothing new. */
  add({ from, to, stream, n, text }: Pick<Told<'DELTA'>, 'from' | 'to' | 'stream' | 'n' | 'text'>): string | undefined {
    const key = keyOf(from, to, stream)
    const growth = this.#growths.get(key) ?? { next: 0, text: '' }
    if (n !== growth.next || growth.text.length + text.length > maxChars) return undefined
    const grown = { next: n + 1, text: growth.text + text }
    this.#keep(key, grown)
    return grown.text
  }

  /** Its message came: no piece of it means anything any more. Gives whether it grew here. */
  end({ from, to, frame: { stream } }: Pick<MessageFacts, 'from' | 'to' | 'frame'>): boolean {
    if (stream === undefined) return false
    const key = keyOf(from, to, stream)
    const didGrow = this.#growths.has(key)
    this.#keep(key, { next: -1, text: '' })
    return didGrow
  }

  #keep(key: string, growth: Growth): void {
    this.#growths.delete(key)
    this.#growths.set(key, growth)
    if (this.#growths.size > maxGrowing) this.#growths.delete(this.#growths.keys().next().value!)
  }
}
