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

/** Reading a text costs as much as so many places in the lists of the index. */
export const textCost = 800
/** Nobody counts words that begin so: that is how much of a part has one, about. Their lists are put together before the first is read. */
const prefixShare = 0.05
/** Places, about, and however little is read of them. */
const prefixCost = 600_000
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
  /** the word of `words`, and its place there, or the list of `marks` */
  readonly unit: SoughtWords | readonly string[]
  readonly n: number
}

/** Terms whose shares a plan is made of. */
export const termsOf = ({ words, marks }: Sought): readonly string[] => [
  ...words.flatMap(({ words }) => words.map(({ word }) => termOf.word(word))),
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
      unit.words.map(({ word }, n) => ({ unit, n, share: isBeginning(unit, n) ? prefixShare : shareOf(termOf.word(word)) }))
    ),
    ...sought.marks.map(unit => ({ unit, n: 0, share: Math.min(1, unit.reduce((sum, mark) => sum + shareOf(termOf.mark(mark)), 0)) })),
  ].sort((a, b) => a.share - b.share)
  let found = partEvents
  const first = terms.filter(({ share }, i) => {
    const isAsked = i === 0 || found * (1 - share) * textCost > share * partEvents
    if (isAsked) found *= share
    return isAsked
  })
  return { first: askedOf(sought, first), more: askedOf(sought, terms.filter(term => term.share < everywhere || first.includes(term))) }
}

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
    weight: terms.reduce((sum, { share }) => sum + share, 0),
    fixed: sought.words.filter(({ isPrefix }) => isPrefix).length * prefixCost,
  }
}
