// The embedded store: SQLite in WAL mode, one writer behind a queue and one reader connection.
import { join } from 'node:path'
import { Kysely, SqliteDialect, type Compilable, type CompiledQuery, type QueryResult } from 'kysely'
import { makePrivateFile, makePrivateFolder } from '../../../lib/node/private-folder.ts'
import { Checkpointer, maxWalPages, pageBytes } from './checkpointer.ts'
import { openDatabase, type Database, type DatabaseOptions, type Statement } from './driver.ts'
import { alone } from '../alone.ts'
import { migrate } from '../migrate.ts'
import { checkMarks } from '../moving.ts'
import { Readers } from './readers.ts'
import { logSchema } from './log-schema.ts'
import { noting } from '../search.ts'
import { SqliteSearch } from './search.ts'
import { attach, attachToWrite, makeSearchFile, makeSearchFileAnew, momentOf, removeSearchFile, searchSchema } from './search-file.ts'
import { databaseFile, quotaAt, SpaceMeter, type Space } from '../space.ts'
import { sqliteLogWords } from './keeper.ts'
import { TablesKeeper } from '../log-keeper.ts'
import { SqliteLinks } from './links.ts'
import { SqliteLogReader } from './log-reader.ts'
import { SqliteLog } from './log.ts'
import { sqliteDialect as dialect } from './dialect.ts'
import { StreamIds } from './stream-ids.ts'
import { Tail } from './tail.ts'
import { StorageError, type Awaitable, type Db, type Store, type StoreOptions, type Tx } from '../store.ts'

/** Databases, what SQLite keeps beside them, and what was put aside. */
const isDataFile = (name: string): boolean => /^(?:agentchat|lock|search)\.db/.test(name)

const maxCachedStatements = 500
/** About: a batch and a large message, or what is deleted at once. By so much the write-ahead log grows past its limit. */
const largestTransactionBytes = 4 * 1024 * 1024

type Open = (file: string, options: DatabaseOptions) => Database

export const openSqlite = (options: StoreOptions): Store => {
  const opened: Database[] = []
  try {
    return new SqliteStore(options, (file, how) => {
      const db = openDatabase(file, how)
      opened.push(db)
      return db
    })
  } catch (error) {
    // Nothing stays open, the lock least of all: the next attempt starts afresh.
    for (const db of opened) db.close()
    throw storageErrorOf(error) ?? error
  }
}

class SqliteStore implements Store {
  readonly epoch: string
  readonly read: Db
  readonly aside: Db
  readonly #readers: Readers | undefined
  readonly #indexer: Readers | undefined
  readonly #search: SqliteSearch | undefined
  readonly #lock: Database | undefined
  readonly #writer: Database
  readonly #reader: Database
  readonly #checkpointer: Checkpointer | undefined
  readonly #space: SpaceMeter
  readonly #log: SqliteLog
  readonly #tx: Tx
  readonly #begin: Statement
  readonly #commit: Statement
  readonly #rollback: Statement
  #writes = 0
  #isIndexing = false
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: StoreOptions, open: Open) {
    const { data, durability, migrations, maxDataBytes, newEpoch, onTightened, search, onIndexProblem } = options
    const inMemory = data === ':memory:'
    if (!inMemory) {
      const change = makePrivateFolder(data, isDataFile)
      if (change.tightened.length > 0 || change.left.length > 0) onTightened?.(change)
      // SQLite gives the files beside a database the rights of the database.
      for (const name of ['lock.db', databaseFile]) makePrivateFile(join(data, name))
    }
    this.#lock = inMemory ? undefined : holdLock(open(join(data, 'lock.db'), { timeout: 1_000 }))
    const file = inMemory ? data : join(data, databaseFile)
    this.#writer = open(file, { timeout: 2_000 })
    this.#writer.pragma('journal_mode = WAL')
    this.#writer.pragma(`synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
    const walPages = inMemory ? 0 : maxWalPages(quotaAt(data, maxDataBytes))
    this.#writer.pragma(`wal_autocheckpoint = ${walPages}`)
    // A log that a long read let grow gives its room back.
    this.#writer.pragma(`journal_size_limit = ${walPages * pageBytes}`)
    // What is erased is not left lying in free pages.
    this.#writer.pragma('secure_delete = ON')
    migrate(this.#writer, [
      { feature: 'store', steps: ['CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID'], postgres: [] },
      { feature: 'log', steps: logSchema, postgres: [] },
      ...migrations,
    ])
    this.#writer.prepare("INSERT INTO meta (key, value) VALUES ('epoch', ?) ON CONFLICT DO NOTHING").run(newEpoch())
    const kept = this.#writer.prepare<[string], string>('SELECT value FROM meta WHERE key = ?').pluck()
    checkMarks(key => kept.get(key))
    this.epoch = kept.get('epoch')!
    this.#checkpointer = inMemory ? undefined : new Checkpointer(file)
    this.#reader = inMemory ? this.#writer : open(file, { readonly: true, timeout: 2_000 })

    this.#space = new SpaceMeter(this.#reader, { data, maxDataBytes, maxWalBytes: walPages * pageBytes + largestTransactionBytes })

    this.#begin = this.#writer.prepare('BEGIN IMMEDIATE')
    this.#commit = this.#writer.prepare('COMMIT')
    this.#rollback = this.#writer.prepare('ROLLBACK')
    const tail = new Tail()
    const writes = kyselyOn(this.#writer, () => this.#wrote())
    const ids = new StreamIds(this.#writer)
    const links = new SqliteLinks(this.#writer, this.epoch, tail, ids)
    this.#log = new SqliteLog(this.#writer, this.epoch, tail, ids, links, () => this.#wrote())
    const beside = search === true && !inMemory ? makeSearchFile(data, this.epoch, momentOf(this.#writer)) : undefined
    // Without an index nothing is noted for it; the next one is made anew.
    if (search === false && !inMemory) removeSearchFile(data)
    if (search !== undefined && this.#writer.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'search_gone'").get() !== undefined) {
      for (const statement of search ? noting.begin : noting.end) this.#writer.exec(statement)
    }
    // What is in memory has one connection.
    this.#readers = inMemory ? undefined : new Readers(file, { setup: beside === undefined ? [] : attach(beside) })
    this.#indexer = beside === undefined ? undefined : new Readers(file, { setup: attachToWrite(beside), writes: true })
    this.#search = search === true ? this.#newSearch(data, onIndexProblem) : undefined
    this.#tx = this.#newTx(writes, links)
    const reads = kyselyOn(this.#reader)
    const known = new StreamIds(this.#reader)
    this.read = {
      tables: <T>() => reads as unknown as Kysely<T>,
      dialect,
      log: new SqliteLogReader(this.#reader, this.epoch, tail, known),
      links: new SqliteLinks(this.#reader, this.epoch, tail, known),
      search: this.#search,
    }
    const apart = this.#readers?.tables() ?? reads
    this.aside = { ...this.read, tables: <T>() => apart as unknown as Kysely<T> }
  }

  write<T>(fn: (tx: Tx) => Awaitable<T>): Promise<T> {
    const run = this.#tail.then(() => this.#transaction(fn))
    this.#tail = run.catch(() => undefined)
    return run
  }

  space(): Promise<Space> {
    return this.#space.measure()
  }

  async close(): Promise<void> {
    await this.#tail
    await this.#search?.close()
    await this.write(() => this.#search?.forget()).catch(() => undefined)
    await Promise.all([this.#readers?.close(), this.#indexer?.close()])
    await this.#checkpointer?.close()
    if (this.#reader !== this.#writer) this.#reader.close()
    this.#writer.close()
    this.#lock?.close()
  }

  async #transaction<T>(fn: (tx: Tx) => Awaitable<T>): Promise<T> {
    this.#writes = 0
    try {
      const result = await fn(this.#tx)
      if (this.#writer.inTransaction) {
        this.#commit.run()
        this.#checkpointer?.committed(this.#writes)
      }
      this.#log.committed()
      this.#indexWhenDue()
      return result
    } catch (error) {
      if (this.#writer.inTransaction) this.#rollback.run()
      this.#log.rolledBack()
      throw storageErrorOf(error) ?? storageErrorOf((error as Error).cause) ?? error
    }
  }

  /**
   * Behind the transaction that made it due, so that nobody waits for it. A full disk lets it fail: it is tried again, and
   * reads do without.
   */
  #indexWhenDue(): void {
    if (this.#isIndexing || !this.#log.isIndexDue) return
    this.#isIndexing = true
    this.write(() => this.#log.index()).catch(() => undefined).finally(() => {
      this.#isIndexing = false
    })
  }

  /** The transaction begins with its first write: a batch that stores nothing costs no statement. */
  #wrote(): void {
    this.#writes++
    if (!this.#writer.inTransaction) this.#begin.run()
  }

  #newSearch(data: string, onProblem: StoreOptions['onIndexProblem']): SqliteSearch {
    const [readers, indexer] = [this.#readers, this.#indexer]
    const newest = this.#writer.prepare<[], number>('SELECT coalesce(max(id), 0) FROM search_gone').pluck()
    const first = this.#writer.prepare<[], number>('SELECT id FROM search_gone ORDER BY id LIMIT 1').pluck()
    const forget = this.#writer.prepare<[number]>('DELETE FROM search_gone WHERE id <= ?')
    const log = {
      newest: () => ({ event: this.#log.newestEvent, gone: newest.get()! }),
      forget: (gone: number) => {
        if ((first.get() ?? Infinity) > gone) return
        this.#wrote()
        forget.run(gone)
      },
    }
    if (readers !== undefined && indexer !== undefined) {
      const [write, read] = [indexer, readers].map(threads => (sql: string, parameters: readonly unknown[]) =>
        threads.read(sql, parameters)
      )
      const makeAnew = () => readers.paused(() => indexer.paused(() => makeSearchFileAnew(data, this.epoch, momentOf(this.#writer))))
      return new SqliteSearch({ log, write: write!, read: read!, isApart: true, onProblem, makeAnew })
    }
    this.#writer.exec("ATTACH ':memory:' AS search")
    for (const statement of searchSchema(this.epoch)) this.#writer.exec(statement)
    const here = async (sql: string, parameters: readonly unknown[]) => {
      const statement = this.#writer.prepare(sql)
      if (!statement.readonly) this.#wrote()
      return statement.reader ? statement.all(...parameters) : (statement.run(...parameters), [])
    }
    return new SqliteSearch({ log, write: here, read: here, isApart: false })
  }

  #newTx(writes: Kysely<unknown>, links: SqliteLinks): Tx {
    const count = () => this.#writes
    return {
      tables: <T>() => writes as unknown as Kysely<T>,
      dialect,
      log: this.#log,
      links,
      keep: new TablesKeeper(this.#log, writes, dialect, sqliteLogWords),
      search: this.#search,
      ...alone({ tables: <T>() => writes as unknown as Kysely<T> }),
      waitedMs: 0,
      get writes() {
        return count()
      },
    }
  }
}

/** One process per directory: a second one would hand out the same numbers. The lock dies with the process that holds it. */
const holdLock = (lock: Database): Database => {
  lock.exec('BEGIN EXCLUSIVE')
  return lock
}

/** Kysely over an open connection, with its statements prepared once. */
export const kyselyOn = (db: Database, wrote?: () => void): Kysely<unknown> => {
  const statements = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      if (statements.size >= maxCachedStatements) statements.clear()
      statement = db.prepare(sql)
      statements.set(sql, statement)
    }
    if (wrote !== undefined && !statement.readonly) wrote()
    return statement
  }
  return new DirectKysely(prepare)
}

/** Runs at once what was built before: the way through Kysely's executor is a lock and a dozen promises for each query. */
class DirectKysely extends Kysely<unknown> {
  readonly #prepare: (sql: string) => Statement

  constructor(prepare: (sql: string) => Statement) {
    super({ dialect: new SqliteDialect({ database: { prepare, close: () => undefined } }) })
    this.#prepare = prepare
  }

  override async executeQuery<R>(query: CompiledQuery<R> | Compilable<R>): Promise<QueryResult<R>> {
    const { sql, parameters } = 'compile' in query ? query.compile() : query
    const statement = this.#prepare(sql)
    if (statement.reader) return { rows: statement.all(...parameters) as R[] }
    return { rows: [], numAffectedRows: BigInt(statement.run(...parameters).changes) }
  }
}

const hints: Readonly<Record<string, string>> = {
  SQLITE_FULL: 'The disk is full: free some space; the relay goes on by itself.',
  SQLITE_IOERR: 'The disk fails or is full: check it; the relay goes on when writing works again.',
  SQLITE_BUSY: 'Another process holds the database: stop it, or give another --data directory.',
  SQLITE_LOCKED: 'Another process holds the database: stop it, or give another --data directory.',
  SQLITE_READONLY: 'The database cannot be written: check the owner and the mode of the --data directory.',
  SQLITE_CANTOPEN: 'The database cannot be opened: check that the --data directory exists and is yours.',
  SQLITE_CORRUPT: 'The database is damaged: restore a backup, or give an empty --data directory.',
  SQLITE_NOTADB: 'The file is not a database: give another --data directory.',
}

/** What SQLite or the file system says, as a sentence; undefined: it is neither. */
export const storageErrorOf = (error: unknown): StorageError | undefined => {
  if (error instanceof StorageError) return error
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string') return undefined
  const known = Object.keys(hints).find(prefix => code.startsWith(prefix))
  if (known !== undefined) return new StorageError(`Storage failed: ${(error as Error).message}`, hints[known]!, error)
  if (['EACCES', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST', 'EPERM'].includes(code))
    return new StorageError(`Storage failed: ${(error as Error).message}`, 'Check the --data directory.', error)
  return undefined
}
