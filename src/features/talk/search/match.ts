// Whether a text is what was sought, read word by word: what an index finds is only a guess. And what is shown of it: a piece, and the
// places in it that matched, as numbers. Marks in the text itself could be written by whoever wrote the text.
import { isBeginning, maxSearchedChars, type SoughtWords } from '../../../store/search-index.ts'
import { isPlain, maxWordChars, wordsIn, type Word } from '../../../store/words.ts'

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
  const placesOf = isPlain(searched) ? placesInPlain(searched.toLowerCase()) : placesAmong([...wordsIn(searched)])
  const ranges: Range[] = []
  let score = 0
  for (const each of sought) {
    const found = placesOf(each)
    if (found.length === 0) return undefined
    ranges.push(...found)
    // Often counts more than once, and less each time; in a long text, less.
    score += found.length / (found.length + 0.5 + searched.length / longText)
  }
  return { ranges: merged(ranges), score }
}

/** Characters of a text in which one place is worth half of what it is in a short one, about. */
const longText = 150

type Places = (unit: SoughtWords) => readonly Range[]

const placesAmong = (words: readonly Word[]): Places => unit => {
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

const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 48 && code <= 57)

/** The same of small letters that have nothing else to be folded: found without telling all of its words apart. */
const placesInPlain = (text: string): Places => unit => {
  const { words: sought } = unit
  const found: Range[] = []
  const first = sought[0]!.word
  for (let at = text.indexOf(first); at !== -1; at = text.indexOf(first, at + first.length)) {
    if (at > 0 && isLetter(text.charCodeAt(at - 1))) continue
    const end = endIn(text, at, unit)
    if (end !== undefined) found.push([at, end])
  }
  return found
}

/** Where the words end that begin at a place; undefined: they are not there. */
const endIn = (text: string, begin: number, unit: SoughtWords): number | undefined => {
  let at = begin
  for (const [n, { word }] of unit.words.entries()) {
    if (n > 0) { while (at < text.length && !isLetter(text.charCodeAt(at))) at++ }
    if (!text.startsWith(word, at)) return undefined
    const end = at + word.length
    at = end
    while (at < text.length && isLetter(text.charCodeAt(at))) at++
    // Of a word that is too long only its beginning counts.
    if (at > end && word.length < maxWordChars && !isBeginning(unit, n)) return undefined
  }
  return at
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
