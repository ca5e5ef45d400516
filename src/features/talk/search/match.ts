// Whether a text is what was sought, read word by word: what an index finds is only a guess. And what is shown of it: a piece, and the
// places in it that matched, as numbers. Marks in the text itself could be written by whoever wrote the text.
import { isBeginning, maxSearchedChars, type SoughtWords } from '../../../store/search-index.ts'
import { isPlain, wordsIn, type Word } from '../../../store/words.ts'

/** UTF-16 positions: from, and up to but not including. */
export type Range = readonly [at: number, end: number]

export interface Match {
  /** in order, none over another */
  readonly ranges: readonly Range[]
  /** more is better: how much of the text is what was sought */
  readonly score: number
}

export const matchIn = (text: string, sought: readonly SoughtWords[]): Match | undefined => {
  const searched = text.slice(0, maxSearchedChars)
  // Most of what is looked at is not what was sought: that is seen sooner than its words are told apart.
  if (isPlain(searched) && lacksSome(searched.toLowerCase(), sought)) return undefined
  const words = [...wordsIn(searched)]
  const ranges: Range[] = []
  let score = 0
  for (const each of sought) {
    const found = places(words, each)
    if (found.length === 0) return undefined
    ranges.push(...found)
    // Often counts more than once, and less each time; in a long text, less.
    score += found.length / (found.length + 0.5 + words.length / 25)
  }
  return { ranges: merged(ranges), score }
}

const lacksSome = (text: string, sought: readonly SoughtWords[]): boolean =>
  sought.some(({ words }) => words.some(({ word }) => !text.includes(word)))

const places = (words: readonly Word[], unit: SoughtWords): readonly Range[] => {
  const { words: sought } = unit
  const found: Range[] = []
  for (let first = 0; first + sought.length <= words.length; first++) {
    const isThere = sought.every(({ word }, n) =>
      isBeginning(unit, n) ? words[first + n]!.word.startsWith(word) : words[first + n]!.word === word
    )
    if (isThere) found.push([words[first]!.at, words[first + sought.length - 1]!.end])
  }
  return found
}

const merged = (ranges: Range[]): readonly Range[] => {
  const joined: [number, number][] = []
  for (const [at, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1)
    if (last !== undefined && at <= last[1]) last[1] = Math.max(last[1], end)
    else joined.push([at, end])
  }
  return joined
}

const snippetChars = 240
/** Of what stands before the first place. */
const leadChars = 60
const maxMarks = 20

export interface Snippet {
  readonly snippet: string
  /** Where it begins in the content, which has so many `chars`: UTF-16 units. */
  readonly at: number
  readonly chars: number
  /** Where in the snippet, and how many units. */
  readonly marks: number[][]
}

export const snippetOf = (text: string, ranges: readonly Range[]): Snippet => {
  const first = ranges[0]?.[0] ?? 0
  const start = text.length <= snippetChars ? 0 : whole(text, Math.max(0, Math.min(first - leadChars, text.length - snippetChars)))
  const end = whole(text, Math.min(text.length, start + snippetChars))
  const marks = ranges.filter(([at, end_]) => at >= start && end_ <= end).slice(0, maxMarks)
    .map(([at, end_]) => [at - start, end_ - at])
  return { snippet: text.slice(start, end), at: start, chars: text.length, marks }
}

/** Not between the halves of a character. */
const whole = (text: string, at: number): number => {
  const unit = text.charCodeAt(at)
  return at > 0 && unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at
}
