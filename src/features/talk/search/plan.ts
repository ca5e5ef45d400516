// What of a search the index is asked. A term that is asked costs reading its list, and spares reading the texts that lack it: the rarest is
// asked first, and of the others those that spare more than they cost. Whoever accepts looks for all of them in the texts.
import {
  isBeginning,
  partEvents,
  rareShare,
  termOf,
  type IndexStanding,
  type Sought,
  type SoughtWords,
} from '../../../store/search-index.ts'
import { isPlain } from '../../../store/words.ts'

/** Reading a text costs as much as so many places in the lists of the index. */
export const textCost = 800
/** Of a text so many characters are within that; each of the others costs more, and much more where accents and cases have to be folded. */
const shortText = 400
const charCost = { plain: 0.5, other: 12 } as const
/** What reading a text costs beside `textCost`. */
export const lengthCost = (text: string): number =>
  text.length <= shortText ? 0 : (text.length - shortText) * (isPlain(text) ? charCost.plain : charCost.other)
/** Of words that begin so, the rare ones are not counted: that is how much of a part has one of them, about. */
const rareBeginnings = 0.02
/** Their lists are put together before the first is read, however little is read of them: that costs so much for each place. */
const joinCost = 5
/** What so many have is found as soon by reading texts as by putting its lists together. */
const dense = 0.05
/** Whatever that spares: one statement shall not last longer than a whole answer. */
const tooDense = 0.25
/** A term that so many have is hardly ever worth its list. */
const everywhere = 0.5

/** Where nobody counted. */
const unknownWeight = 0.3

export interface Asked {
  readonly sought: Sought
  /** Places that are read in its lists, for each event that they are walked by: at most, about. */
  readonly weight: number
  /** Places that each statement reads, however far it walks. */
  readonly fixed: number
}

export interface Plan {
  /** What is asked at first. */
  readonly first: Asked
  /** What is asked where that finds much that is not sought. */
  readonly more: Asked
}

interface Term {
  /** in what share of the messages it stands */
  readonly share: number
  /** a word that may go on */
  readonly goesOn: boolean
  /** the word of `words`, and its place there, or the list of `marks` */
  readonly unit: SoughtWords | readonly string[]
  readonly n: number
}

/** Terms whose shares a plan is made of. */
export const termsOf = ({ words, marks }: Sought): readonly string[] => [
  ...words.flatMap(unit => unit.words.map(({ word }, n) => isBeginning(unit, n) ? termOf.beginning(word) : termOf.word(word))),
  ...marks.flatMap(oneOf => oneOf.map(termOf.mark)),
]

export const planOf = (sought: Sought, shares: IndexStanding['shares']): Plan => {
  if (shares === undefined) {
    const asked = { sought, weight: unknownWeight, fixed: 0 }
    return { first: asked, more: asked }
  }
  const shareOf = (term: string): number => shares.get(term) ?? rareShare
  const terms: Term[] = [
    ...sought.words.flatMap(unit =>
      unit.words.map(({ word }, n) =>
        isBeginning(unit, n)
          ? { unit, n, goesOn: true, share: Math.min(1, (shares.get(termOf.beginning(word)) ?? 0) + rareBeginnings) }
          : { unit, n, goesOn: false, share: shareOf(termOf.word(word)) }
      )
    ),
    ...sought.marks.map(unit => ({
      unit,
      n: 0,
      goesOn: false,
      share: Math.min(1, unit.reduce((sum, mark) => sum + shareOf(termOf.mark(mark)), 0)),
    })),
  ].sort((a, b) => a.share - b.share)
  const isSparse = (most: number) => (term: Term) => !term.goesOn || term.share < most
  const sparse = terms.filter(isSparse(dense))
  let found = partEvents
  const first = (sparse.length === 0 ? terms.slice(0, 1) : sparse).filter((term, i) => {
    const isAsked = i === 0 || found * (1 - term.share) * textCost > costOf(term)
    if (isAsked) found *= term.share
    return isAsked
  })
  const more = terms.filter(term => first.includes(term) || (term.share < everywhere && isSparse(tooDense)(term)))
  return { first: askedOf(sought, first), more: askedOf(sought, more) }
}

/** Places, for a whole part. */
const costOf = ({ share, goesOn }: Term): number => share * partEvents * (goesOn ? joinCost : 1)

/** Phrases as they are where all of their words are asked, else word by word. */
const askedOf = ({ words, marks }: Sought, terms: readonly Term[]): Asked => {
  const isAsked = (unit: Term['unit'], n: number) => terms.some(term => term.unit === unit && term.n === n)
  const sought = {
    words: words.flatMap(unit => {
      const asked = unit.words.flatMap((word, n) => isAsked(unit, n) ? [{ words: [word], isPrefix: isBeginning(unit, n) }] : [])
      return asked.length === unit.words.length ? [unit] : asked
    }),
    marks: marks.filter(unit => isAsked(unit, 0)),
  }
  return {
    sought,
    weight: terms.reduce((sum, { share, goesOn }) => sum + (goesOn ? 0 : share), 0),
    fixed: terms.reduce((sum, term) => sum + (term.goesOn ? costOf(term) : 0), 0),
  }
}
