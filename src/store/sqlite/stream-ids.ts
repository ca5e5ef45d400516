// The numbers of streams. A stream keeps its own for good, so that one which is committed is looked up once.
import type { Database, Statement } from './driver.ts'

/** Kept in memory at most. */
const maxKnown = 100_000

export class StreamIds {
  readonly #find: Statement<[string], number>
  /** undefined: the connection sees streams of a transaction that may be undone. */
  readonly #known: Map<string, number> | undefined

  constructor(db: Database) {
    this.#find = db.prepare<[string], number>('SELECT id FROM streams WHERE name = ?').pluck()
    this.#known = db.readonly ? new Map() : undefined
  }

  /** undefined: nothing was ever said in it. */
  of(name: string): number | undefined {
    const known = this.#known?.get(name)
    if (known !== undefined) return known
    const id = this.#find.get(name)
    if (id === undefined || this.#known === undefined) return id
    if (this.#known.size >= maxKnown) this.#known.clear()
    this.#known.set(name, id)
    return id
  }
}
