// A page of a list: so many entries, and about so many bytes of them; one entry always.
import { limits } from '../../lib/protocol/index.ts'

/** The entries that rows make, as far as they fit; `more`: there is another row. Rows that are not wanted become nothing. */
export const pageOf = <R, E>(
  rows: Iterable<R>,
  limit: number,
  entryOf: (row: R) => E | undefined,
): { readonly list: E[], readonly more: boolean } => {
  const list: E[] = []
  let chars = 0
  for (const row of rows) {
    if (list.length > 0 && chars >= limits.maxListChars) return { list, more: true }
    const entry = entryOf(row)
    if (entry === undefined) continue
    if (list.length === limit) return { list, more: true }
    list.push(entry)
    chars += JSON.stringify(entry).length
  }
  return { list, more: false }
}
