// Up to which event the log is whole. Ids are given before a commit, so that a higher one may be committed first: whoever goes along them
// and does not come back must not pass one that is still to come.
import type { Writer } from './writer.ts'

/** Transactions of others that store events, or may be about to: each holds this lock before its events have their ids, until it is over. */
const storingBeside = `SELECT DISTINCT virtualtransaction AS name FROM pg_locks
  WHERE locktype = 'relation' AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

export class Whole {
  readonly #writer: Writer
  /** Who was storing events when this one was the newest: of theirs some may come that have lower ids. */
  #awaited: { readonly newest: number, readonly of: readonly string[] } | undefined
  /** As far as it was found to be whole when somebody stored. */
  #known = 0

  constructor(writer: Writer) {
    this.#writer = writer
  }

  /**
   * Up to which event all are there that there will ever be, as far as is known. The newest is asked for before this is, and the events
   * behind it.
   */
  async upTo(newest: number): Promise<number> {
    const storing = (await this.#writer.ask<{ name: string }>(storingBeside)).map(({ name }) => name)
    if (storing.length === 0) return newest
    // Somebody always stores something: it is enough that those are done who did when it was looked last.
    if (this.#awaited?.of.every(name => !storing.includes(name)) ?? true) {
      this.#known = this.#awaited?.newest ?? 0
      this.#awaited = { newest, of: storing }
    }
    return Math.min(this.#known, newest)
  }
}
