// A page of the log as it is filled.
import type { Row } from '../log.ts'

/** At most `limit` rows, and until their text passes `maxBytes`; the first one always. */
export class Page<R extends Row> {
  readonly rows: R[] = []
  readonly #limit: number
  readonly #maxBytes: number
  #bytes = 0

  constructor(limit: number, maxBytes: number) {
    this.#limit = limit
    this.#maxBytes = maxBytes
  }

  /** Takes what there is room for; gives whether there is more room. */
  fill(rows: Iterable<R>): boolean {
    for (const row of rows) {
      this.#bytes += row.text.length
      if (this.rows.length > 0 && this.#bytes > this.#maxBytes) return false
      this.rows.push(row)
      if (this.rows.length === this.#limit) return false
    }
    return true
  }
}
