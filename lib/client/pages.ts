// Lists that come in pages, read to their end. The relay says when that is, so it is held to going on, and to an end.
import { ProtocolError } from './errors.ts'

/** Entries, and characters of their JSON, that one list may come to. */
const maxEntries = 100_000
const maxChars = 128 * 1024 * 1024

/** A list that the relay tells page by page: how to ask for one, and where the next begins. */
export interface PagedList<P, C extends string | number> {
  /** Reads a page; the first one without a cursor. */
  readonly read: (cursor: C | undefined) => Promise<P>
  readonly entries: (page: P) => readonly unknown[]
  /** Whether the relay says that there are more. */
  readonly more: (page: P) => boolean
  /** Where the next page begins. */
  readonly next: (page: P) => C | undefined
  /** How cursors go on: numbers rise or fall; of others none comes twice. */
  readonly order: 'rising' | 'falling' | 'any'
  /** Default 100,000 */
  readonly maxEntries?: number
  /** Default 128 Mi; Infinity where pages are not kept. */
  readonly maxChars?: number
}

/**
 * Every page, one after the other.
 * @throws ProtocolError when a page does not go on from the last one, or there is no end to them; what `read` throws
 */
export async function* pagesOf<P, C extends string | number>(list: PagedList<P, C>): AsyncGenerator<P, void, void> {
  const bounds = { entries: list.maxEntries ?? maxEntries, chars: list.maxChars ?? maxChars }
  const seen = new Set<C>()
  let [entries, chars] = [0, 0]
  for (let cursor: C | undefined;;) {
    const page = await list.read(cursor)
    entries += list.entries(page).length
    if (bounds.chars !== Infinity) chars += JSON.stringify(page).length
    if (entries > bounds.entries)
      throw new ProtocolError('ENDLESS_LIST', `The relay's list has no end: more than ${bounds.entries} entries`)
    if (chars > bounds.chars) throw new ProtocolError('ENDLESS_LIST', `The relay's list has no end: more than ${bounds.chars} characters`)
    yield page
    if (!list.more(page)) return
    const next = list.next(page)
    const goesOn = next !== undefined && list.entries(page).length > 0 && (cursor === undefined || list.order === 'any'
      ? !seen.has(next!)
      : list.order === 'rising'
      ? next > cursor
      : next < cursor)
    if (!goesOn) throw new ProtocolError('ENDLESS_LIST', 'The relay says that its list goes on, and does not go on with it')
    if (list.order === 'any') seen.add(next)
    cursor = next
  }
}

/** Pages of numbered events, from the first one on. @throws as `pagesOf` */
export const eventPages = <P extends { readonly events: readonly { readonly seq?: number | undefined }[], readonly more: boolean }>(
  read: (after: number) => Promise<P>,
): AsyncGenerator<P, void, void> =>
  pagesOf<P, number>({
    read: (after = 0) => read(after),
    entries: ({ events }) => events,
    more: ({ more }) => more,
    next: ({ events }) => events.at(-1)?.seq,
    order: 'rising',
  })

/** The first `limit` entries of a list; all of them where `limit` is Infinity. @throws as `pagesOf` */
export const firstOf = async <E, P, C extends string | number>(
  limit: number,
  list: Omit<PagedList<P, C>, 'read' | 'entries'> & {
    readonly entries: (page: P) => readonly E[]
    /** `left`: how many are still wanted */
    readonly read: (cursor: C | undefined, left: number) => Promise<P>
  },
): Promise<E[]> => {
  const found: E[] = []
  if (limit <= 0) return found
  const pages = pagesOf<P, C>({
    ...list,
    read: cursor => list.read(cursor, limit - found.length),
    more: page => found.length < limit && list.more(page),
  })
  for await (const page of pages) found.push(...list.entries(page))
  return found.length > limit ? found.slice(0, limit) : found
}
