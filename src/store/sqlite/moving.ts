// A SQLite database that is moved, or that is moved to: no relay has it open.
import { isUtf8 } from 'node:buffer'
import { Kysely, SqliteDialect } from 'kysely'
import type { Database } from './driver.ts'
import { StorageError } from '../failure.ts'
import { indexEvents } from './log-schema.ts'
import {
  arrivedKey,
  isOwn,
  list,
  movedKey,
  movingKey,
  movingMark,
  quoted,
  rowsStatement,
  type MovedTable,
  type Numbers,
  type Origin,
  type Target,
  type Value,
  type Values,
} from '../moving.ts'
import { indexSkills } from '../people.ts'
import { keyHere, keyThere, storableOf } from '../postgres/text.ts'
import { sqliteDialect } from './dialect.ts'

const rowsPerPage = 500
const charsPerPage = 1024 * 1024

/** Where an event stands, and up to where that is known: made from the events. */
const ofLog = new Set(['places', 'indexed', 'sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4'])

/** What the other engine keeps in rows and this one finds in others, in the words of this one. */
const found: Readonly<Record<string, string>> = {
  streams: `(SELECT s.id, s.name, s.base, max(s.base, coalesce((SELECT max(seq) FROM places WHERE stream = s.id), 0)) AS seq,
    coalesce((SELECT e.ts FROM places p JOIN events e ON e.id = p.event WHERE p.stream = s.id ORDER BY p.seq DESC LIMIT 1), 0) AS ts
    FROM streams s)`,
  inbox_heads: '(SELECT agent, max(seq) AS seq FROM inbox GROUP BY agent)',
}
/** Columns that are found like that, and are not written. */
const notWritten: Readonly<Record<string, readonly string[]>> = { streams: ['seq', 'ts'] }
/** The oldest go first. */
const orders: Readonly<Record<string, readonly string[]>> = { events: ['id'] }

export class SqliteSide implements Origin, Target {
  readonly where: string
  readonly #db: Database
  #triggers: readonly string[] = []

  /** `db` has the tables of this version. As a target it has nothing else, and is thrown away if the move fails. */
  constructor(db: Database, where: string) {
    this.#db = db
    this.where = where
    indexEvents(db)
  }

  /** @throws StorageError unless each table that is to be moved is here, with its columns, and there is no other */
  check(tables: readonly MovedTable[]): void {
    const here = this.#db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
    const moved = new Set(tables.map(({ name }) => name))
    const left = here.filter(name => !moved.has(name) && !ofLog.has(name) && !isOwn(name))
    const columnsOf = this.#db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck()
    const lacking = tables.filter(({ name, columns }) => {
      if (found[name] !== undefined) return false
      const own = columnsOf.all(name)
      return columns.some(column => !own.includes(column))
        || own.some(column => !columns.includes(column) && `${name}.${column}` !== 'events.key')
    }).map(({ name }) => name)
    const unlike = [...left, ...lacking]
    if (unlike.length > 0)
      throw new StorageError(`The two databases do not have the same tables: ${unlike.join(', ')}`,
        'This is a fault of AgentChat: tell us.')
  }

  /** Empties it of what its first opening made, and lets rows in as they are. */
  begin(): void {
    const db = this.#db
    this.#triggers = db.prepare<[], string>("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").pluck().all()
    for (const name of db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'trigger'").pluck().all())
      db.exec(`DROP TRIGGER ${quoted(name)}`)
    db.exec('DELETE FROM meta')
  }

  count({ name }: MovedTable): Promise<number> {
    return Promise.resolve(this.#db.prepare<[], number>(`SELECT count(*) FROM ${found[name] ?? quoted(name)}`).pluck().get()!)
  }

  async *pages(table: MovedTable): AsyncIterable<readonly Values[]> {
    const { name, columns } = table
    const rows = this.#db.prepare<[], (Value | Buffer)[]>(rowsStatement(table, found[name], orders[name])).raw()
    let page: Values[] = []
    let chars = 0
    const idAt = name === 'publish_keys' ? columns.indexOf('id') : -1
    for (const row of rows.iterate()) {
      const values = row.map((value, at) => at === idAt ? keyThere(String(value)) : storableOf(textOf(value, name)) as Value)
      for (const value of values) chars += typeof value === 'string' ? value.length : 8
      page.push(values)
      if (page.length < rowsPerPage && chars < charsPerPage) continue
      yield page
      page = []
      chars = 0
    }
    if (page.length > 0) yield page
  }

  add({ name, columns }: MovedTable, rows: readonly Values[]): Promise<void> {
    if (name === 'inbox_heads') return Promise.resolve()
    const written = columns.filter(column => notWritten[name]?.includes(column) !== true)
    const at = written.map(column => columns.indexOf(column))
    const insert = this.#db.prepare(`INSERT INTO ${quoted(name)} (${list(written)}) VALUES (${written.map(() => '?').join(', ')})`)
    const convert = (column: string, value: Value): Value | Buffer => {
      if (typeof value !== 'string') return value
      if (name === 'events' && column === 'text') return Buffer.from(value)
      return name === 'publish_keys' && column === 'id' ? keyHere(value) : value
    }
    this.#db.transaction(() => {
      for (const row of rows) insert.run(written.map((column, n) => convert(column, row[at[n]!]!)))
    })()
    return Promise.resolve()
  }

  numbers(): Promise<Numbers> {
    const numbers = new Map(
      this.#db.prepare<[], { name: string, seq: number }>('SELECT name, seq FROM sqlite_sequence').all().map((
        { name, seq },
      ) => [name, seq]),
    )
    numbers.set('events', this.#db.prepare<[], number>('SELECT upto FROM indexed').pluck().get()!)
    return Promise.resolve(numbers)
  }

  async finish(numbers: Numbers): Promise<void> {
    const db = this.#db
    db.exec('INSERT INTO places SELECT stream, seq, id FROM events ORDER BY stream, seq')
    db.prepare('UPDATE indexed SET upto = max(?, coalesce((SELECT max(id) FROM events), 0))').run(numbers.get('events') ?? 0)
    const counts = new Set(
      db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'").pluck().all(),
    )
    for (const [name, number] of numbers) {
      if (!counts.has(name) || number === 0) continue
      db.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(name)
      db.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(name, number)
    }
    db.exec('BEGIN')
    const tables = new Kysely<unknown>({ dialect: new SqliteDialect({ database: db }) })
    await indexSkills({ tables: <T>() => tables as unknown as Kysely<T>, dialect: sqliteDialect })
    db.exec('COMMIT')
    for (const trigger of this.#triggers) db.exec(trigger)
  }

  commit(move: string | undefined): Promise<void> {
    if (move !== undefined) this.#mark(arrivedKey, move)
    return Promise.resolve()
  }

  markMoving(to: string, move: string): Promise<void> {
    this.#db.pragma('synchronous = FULL')
    this.#mark(movingKey, movingMark(move, to))
    return Promise.resolve()
  }

  /** It has not gone anywhere. */
  unmark(): void {
    this.#db.prepare('DELETE FROM meta WHERE key = ?').run(movingKey)
  }

  markMoved(to: string): Promise<void> {
    this.#db.pragma('synchronous = FULL')
    this.#db.transaction(() => {
      this.#mark(movedKey, to)
      this.unmark()
    })()
    return Promise.resolve()
  }

  close(): Promise<void> {
    this.#db.close()
    return Promise.resolve()
  }

  #mark(key: string, value: string): void {
    this.#db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value)
  }
}

const textOf = (value: Value | Buffer, table: string): Value => {
  if (!Buffer.isBuffer(value)) return value
  if (!isUtf8(value)) throw new StorageError(`Table ${table} holds a text that is not UTF-8`, 'The database is damaged: restore a backup.')
  return value.toString()
}
