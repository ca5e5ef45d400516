// Which messages of an archive name others of their stream: answers, edits, retractions. Their texts say it; it is noted once all are there.
import type { Frame } from '../../lib/protocol/index.ts'
import type { Database, Statement } from '../store/sqlite/driver.ts'
import { SqliteLinks } from '../store/sqlite/links.ts'
import { StreamIds } from '../store/sqlite/stream-ids.ts'
import { Tail } from '../store/sqlite/tail.ts'

interface Named {
  readonly row: number
  readonly stream: number
  readonly name: string
  readonly seq: number
  readonly id: string
  readonly is_change: 0 | 1
}

const rowsAtOnce = 1_000

export class Naming {
  readonly #db: Database
  readonly #note: Statement<[number, number, string, 0 | 1]>

  constructor(db: Database) {
    this.#db = db
    db.exec('CREATE TEMP TABLE naming (stream INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, is_change INTEGER NOT NULL)')
    this.#note = db.prepare('INSERT INTO naming VALUES (?, ?, ?, ?)')
  }

  /** Streams come one after the other, each in its order. */
  note(stream: number, seq: number, { edit, retract, in_reply_to }: Frame<'MSG'>): void {
    const changed = (edit ?? retract)?.of
    if (changed !== undefined) this.#note.run(stream, seq, changed, 1)
    else if (in_reply_to !== undefined) this.#note.run(stream, seq, in_reply_to, 0)
  }

  /** The events have their places: what names one of its own stream, before it, is linked to it. */
  link(): void {
    const links = new SqliteLinks(this.#db, '', new Tail(), new StreamIds(this.#db))
    const page = this.#db.prepare<[number, number], Named>(`SELECT n.rowid AS row, n.stream, s.name, n.seq, n.id, n.is_change FROM naming n
      JOIN streams s ON s.id = n.stream WHERE n.rowid > ? ORDER BY n.rowid LIMIT ?`)
    for (let [after, rows] = [0, page.all(0, rowsAtOnce)]; rows.length > 0; rows = page.all(after, rowsAtOnce)) {
      for (const { row, stream, name, seq, id, is_change } of rows) {
        after = row
        const target = is_change === 1 ? links.find(id) : links.rootOf(name, id)
        if (target === undefined || target.seq >= seq || ('stream' in target && target.stream !== name)) continue
        links.add(stream, seq, { kind: is_change === 1 ? 'change' : 'reply', target: target.seq })
      }
    }
    this.#db.exec('DROP TABLE naming')
  }
}
