// A search from the newest message backwards: first what the index does not have yet, then part after part of it. Each statement looks at one
// part, and a request makes so many of them and no more: what is left is for the next one, which says where to go on. What it costs is
// counted in places of the index's lists, not in time: a busy machine answers later, and not less.
import { partEvents, type FoundMessage, type PageOfFound, type SearchReader, type Sought } from '../../../store/search-index.ts'
import { lengthCost, planOf, termsOf, textCost } from './plan.ts'

export interface Bounds {
  readonly statements: number
  /** Places in lists, about: 1,000,000 are 20 ms of CPU. No statement begins after them. */
  readonly work: number
  /** ms, after which no other statement begins */
  readonly ms: number
  /** Newest messages without an index that are read one by one. */
  readonly unindexed: number
  readonly page: Omit<PageOfFound, 'before'>
}

export const bounds: Bounds = { statements: 64, work: 1_250_000, ms: 500, unindexed: 1_000, page: { limit: 100, maxBytes: 128 * 1024 } }

/** What a statement costs that finds nothing. */
const statementCost = 15_000

/** Of a page. */
const fewHits = 0.2

/** Texts are read for so long, about 4 ms, before another search and everybody else had a turn. */
const turnWork = 200_000

/** Each turn comes a turn of the event loop after the one before, whoever had that: however many search, one reads in each. */
export const inTurns = (pause: () => Promise<void>): () => Promise<void> => {
  let last = Promise.resolve()
  return () => last = last.then(pause)
}

export interface Looked<H> {
  readonly hits: readonly H[]
  /** Where to go on; undefined: everything was looked at. */
  readonly next: number | undefined
  /** Messages that the index does not have, and that were too many to be read one by one. */
  readonly behind: number
}

export interface Walk<H> {
  readonly sought: Sought
  /** Only events before this row. */
  readonly before: number
  /** ms */
  readonly since: number
  readonly until: number
  /** How many are enough. */
  readonly wanted: number
  /** Undefined: it is not what was sought. */
  readonly accept: (found: FoundMessage) => H | undefined
  /** ms, only ever growing */
  readonly elapsed: () => number
  /** Waits until texts may be read. */
  readonly turn: () => Promise<void>
}

export const look = async <H>(
  search: SearchReader,
  { sought, before, since, until, wanted, accept, elapsed, turn }: Walk<H>,
  { statements, work, ms, unindexed, page }: Bounds = bounds,
): Promise<Looked<H>> => {
  const { upto, newest, parts, shares } = await search.standing(termsOf(sought))
  const plan = planOf(sought, shares)
  /** What the index is asked. */
  let asked = plan.first
  const started = elapsed()
  const hits: H[] = []
  let [at, left, spent] = [before, statements, 0]

  /** Reads pages down to a row; false: it is enough. */
  const read = async (floor: number, isIndexed: boolean, next: (before: number) => Promise<readonly FoundMessage[]>): Promise<boolean> => {
    for (;;) {
      if (hits.length >= wanted || left === 0 || spent >= work || elapsed() - started > ms) return false
      left--
      const rows = await next(at)
      const walked = isIndexed ? at - (rows.length < page.limit ? floor : rows.at(-1)!.id) : 0
      spent += statementCost + rows.length * textCost + (isIndexed ? walked * asked.weight + asked.fixed : 0)
      const before = hits.length
      let turnEnds = rows.length === 0 ? Infinity : 0
      let read = 0
      for (const found of rows) {
        if (read >= turnEnds) {
          await turn()
          turnEnds = read + turnWork
        }
        // There was no room for its text: the next page begins with it.
        if (found.text === undefined && !found.isGone) break
        at = found.id
        const more = lengthCost(found.text ?? '')
        spent += more
        read += textCost + more
        const hit = found.isGone ? undefined : accept(found)
        if (hit !== undefined) hits.push(hit)
        if (hits.length >= wanted) return false
      }
      // Many have what was asked, and few of them the rest: the index knows that cheaper.
      if (isIndexed && rows.length === page.limit && hits.length - before < rows.length * fewHits) asked = plan.more
      if (rows.length < page.limit && at <= (rows.at(-1)?.id ?? at)) {
        at = Math.min(at, floor)
        return true
      }
    }
  }

  const floor = Math.max(upto, newest - unindexed)
  const behind = floor - upto
  let goesOn = at <= floor + 1 || newest <= floor || await read(floor + 1, false, at => search.unindexed(floor, { ...page, before: at }))
  at = Math.min(at, goesOn ? upto + 1 : at)
  for (const part of parts) {
    const first = part.n * partEvents
    if (!goesOn || first >= at || part.since > until || part.until < since) continue
    at = Math.min(at, first + partEvents)
    goesOn = await read(first, true, at => search.within(part.n, asked.sought, { ...page, before: at }))
  }
  return { hits, next: goesOn ? undefined : at, behind }
}
