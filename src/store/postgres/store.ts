// The store on a PostgreSQL server: one connection that writes and claims the database for this relay, some that read, and some for what reads
// much.
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, PostgresDialect } from 'kysely'
import { timerMs } from '../../../lib/protocol/timer.ts'
import { checkMarks } from '../moving.ts'
import { configOf, loadDriver, poolOf, Statements, type Client, type Pool, type QueryResult } from './client.ts'
import { postgresDialect as dialect } from './dialect.ts'
import { TablesKeeper } from '../log-keeper.ts'
import { postgresLogWords } from './keeper.ts'
import { Life } from './life.ts'
import { PostgresLinks } from './links.ts'
import { PostgresLog } from './log.ts'
import { PostgresLogReader, type Ask } from './log-reader.ts'
import { migratePostgres } from './migrate.ts'
import { askNature, isRefusal, isStalePlan, problemOf, wrongNature, type Nature } from './problems.ts'
import { logSchema, storeSchema } from './schema.ts'
import { dropIndex, PostgresSearch } from './search.ts'
import { goodbyeMs, patienceMs, retryMs, Writer } from './writer.ts'
import { alone } from '../alone.ts'
import { divided } from './divided.ts'
import { Order } from './order.ts'
import { Whole } from './whole.ts'
import { BusyError, type Awaitable, type Db, type Divided, type Space, type Store, type StoreOptions, type Tx } from '../store.ts'

const maxReaders = 4
/** A name of a connection is cut after 63 bytes. */
const maxHostChars = 20
const maxAside = 2
/** Reads that wait beside the others; there is one at most of each connection, so that these are many connections. */
const maxWaiting = 1_000

export interface PostgresOptions
  extends Pick<StoreOptions, 'migrations' | 'maxDataBytes' | 'newEpoch' | 'onDoubt' | 'onCommit' | 'onRenewed' | 'search' | 'isShared'>
{
  /** postgres://user:password@host:port/database */
  readonly url: string
}

/** @throws StorageError that says what is wrong with the database, in a sentence */
export const openPostgres = async (options: PostgresOptions): Promise<Store> => {
  // Told to whoever comes second, and known by ourselves.
  const name = `agentchat on ${hostname().slice(0, maxHostChars)}, process ${process.pid}, ${options.newEpoch().slice(-8)}`
  const writer = new Writer(options.url, name, () => performance.now(), options)
  try {
    const epoch = await prepared(options, name, writer)
    const { newEpoch, isShared = false, onRenewed = () => undefined } = options
    writer.life = new Life({ epoch, newEpoch, isShared, onOver: onRenewed })
    await writer.ready()
    await writer.life.look((sql, values) => writer.ask(sql, values))
    return new PostgresStore(writer, epoch, await readersOf(options.url, name), options)
  } catch (error) {
    await writer.close()
    throw problemOf(error) ?? error
  }
}

/** Makes the tables that are missing; gives the epoch. */
const prepared = async (
  { url, migrations, newEpoch, search, isShared }: PostgresOptions,
  name: string,
  writer: Writer,
): Promise<string> => {
  const driver = await loadDriver()
  const client: Client = new driver.Client({ ...configOf(driver, url, name), statement_timeout: 0, query_timeout: 0 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows: [nature] } = await client.query<Nature>(askNature)
    const wrong = wrongNature(nature!)
    if (wrong !== undefined) throw wrong
    // Before the tables are touched: another relay may run on them.
    await writer.ready()
    await migratePostgres(client, [
      { feature: 'store', steps: [], postgres: storeSchema },
      { feature: 'log', steps: [], postgres: logSchema },
      ...migrations,
    ], isShared)
    await client.query("INSERT INTO meta (key, value) VALUES ('epoch', $1) ON CONFLICT DO NOTHING", [newEpoch()])
    if (search === false) await dropIndex(client)
    const { rows } = await client.query<{ key: string, value: string }>('SELECT key, value FROM meta')
    const kept = new Map(rows.map(({ key, value }) => [key, value]))
    checkMarks(key => kept.get(key))
    return kept.get('epoch')!
  } finally {
    await client.end().catch(() => undefined)
  }
}

type Query = (sql: string, values: readonly unknown[]) => Promise<QueryResult>

/** Connections that read, and the statements each has prepared. */
class ReaderPool {
  readonly #pool: Pool
  readonly #statements = new WeakMap<object, Statements>()
  /** When lines began to break; undefined: they hold. */
  #brokenAt: number | undefined

  constructor(pool: Pool) {
    this.#pool = pool
    pool.on('error', () => undefined)
    // Of a connection that is lent the pool hears nothing: its end is told to whoever reads, and must not end the process.
    pool.on('connect', client => client.on('error', () => undefined))
  }

  /** A read can be made again: one whose line broke waits for another, as writes do. */
  readonly query: Query = async (sql, values) => {
    for (;;) {
      try {
        const result = await this.#query(sql, values)
        this.#brokenAt = undefined
        return result
      } catch (error) {
        if (error instanceof BusyError) throw error
        // A new version changed the table meanwhile: another connection has not read it before.
        if (isStalePlan(error) && !this.#pool.ending) continue
        const problem = problemOf(error)
        if (problem === undefined || isRefusal(error) || this.#pool.ending) throw problem ?? error
        const now = performance.now()
        this.#brokenAt ??= now
        if (now >= this.#brokenAt + patienceMs) throw problem
        await sleep(timerMs(retryMs))
      }
    }
  }

  async close(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }

  async #query(sql: string, values: readonly unknown[]): Promise<QueryResult> {
    if (this.#pool.waitingCount >= maxWaiting) throw new BusyError('Too many searches and lists wait; try again in a moment')
    const client = await this.#pool.connect()
    let statements = this.#statements.get(client)
    if (statements === undefined) this.#statements.set(client, statements = new Statements())
    try {
      const result = await client.query(statements.query(sql, values))
      client.release()
      return result
    } catch (error) {
      // Whatever it was: a connection that failed is not lent again.
      client.release(true)
      throw error
    }
  }
}

interface ReaderPools {
  readonly read: ReaderPool
  readonly aside: ReaderPool
}

const readersOf = async (url: string, name: string): Promise<ReaderPools> => {
  const driver = await loadDriver()
  const poolOf = (max: number) => new ReaderPool(new driver.Pool({ ...configOf(driver, url, name), max, allowExitOnIdle: true }))
  return { read: poolOf(maxReaders), aside: poolOf(maxAside) }
}

const kyselyOn = (query: Query) => new Kysely<unknown>({ dialect: new PostgresDialect({ pool: poolOf(query) as never }) })

class PostgresStore implements Store {
  readonly epoch: string
  readonly read: Db
  readonly aside: Db
  readonly #writer: Writer
  readonly #readers: ReaderPools
  readonly #maxDataBytes: number
  readonly #log: PostgresLog
  readonly #search: PostgresSearch | undefined
  readonly #tx: Tx
  #tail: Promise<unknown> = Promise.resolve()

  /** Where several processes write. */
  readonly #order: Order | undefined

  constructor(writer: Writer, epoch: string, readers: ReaderPools, { maxDataBytes, search = false, isShared = false }: PostgresOptions) {
    this.epoch = epoch
    this.#writer = writer
    this.#readers = readers
    this.#maxDataBytes = maxDataBytes === undefined || maxDataBytes === 0 ? Infinity : maxDataBytes
    this.#order = isShared ? new Order(writer) : undefined
    const whole = new Whole(writer)
    this.#log = new PostgresLog(writer, epoch, this.#order && { order: this.#order, whole })
    this.#search = search
      ? new PostgresSearch(writer, whole,
        async <R extends object>(sql: string, values: readonly unknown[]) => (await readers.aside.query(sql, values)).rows as R[])
      : undefined
    this.#tx = this.#newTx()
    const reads = kyselyOn(readers.read.query)
    const ask: Ask = async <R extends object>(sql: string, values: readonly unknown[]) =>
      (await readers.read.query(sql, values)).rows as R[]
    this.read = {
      tables: <T>() => reads as unknown as Kysely<T>,
      dialect,
      log: new PostgresLogReader(ask, epoch),
      links: new PostgresLinks(ask, epoch),
      search: this.#search,
    }
    const apart = kyselyOn(readers.aside.query)
    this.aside = { ...this.read, tables: <T>() => apart as unknown as Kysely<T> }
  }

  write<T>(fn: (tx: Tx) => Awaitable<T>): Promise<T> {
    const run = this.#tail.then(() => this.#transaction(fn))
    this.#tail = run.catch(() => undefined)
    return run
  }

  async space(): Promise<Space> {
    const { rows: [row] } = await this.#readers.read.query('SELECT pg_database_size(current_database()) AS bytes', [])
    return {
      usedBytes: (row as { bytes: number }).bytes,
      reservedBytes: 0,
      quotaBytes: this.#maxDataBytes,
      freeBytes: Infinity,
    }
  }

  async close(): Promise<void> {
    // What waits for a line that is stalled is not waited for.
    await Promise.race([this.#tail, sleep(timerMs(goodbyeMs), undefined, { ref: false })])
    const readers = Promise.all([this.#readers.read.close(), this.#readers.aside.close()])
    await Promise.all([this.#writer.close(), Promise.race([readers, sleep(timerMs(goodbyeMs), undefined, { ref: false })])])
  }

  async #transaction<T>(fn: (tx: Tx) => Awaitable<T>): Promise<T> {
    try {
      await this.#writer.ready()
      this.#writer.begin()
      const result = await fn(this.#tx)
      await this.#log.flush()
      await this.#writer.commit()
      this.#log.committed()
      return result
    } catch (error) {
      this.#log.rolledBack()
      await this.#writer.rollback()
      throw problemOf(error) ?? problemOf((error as Error).cause) ?? error
    }
  }

  #newTx(): Tx {
    const [writer, order] = [this.#writer, this.#order]
    const isRead = (sql: string) => /^\s*(?:select|\()/i.test(sql)
    const tables = kyselyOn((sql, values) => isRead(sql) ? writer.send(sql, values) : (order ?? writer).change(sql, values))
    const known = { tables: <T>() => tables as unknown as Kysely<T> }
    const parts: Divided = order === undefined ? alone(known) : divided(writer, order)
    return {
      ...known,
      dialect,
      log: this.#log,
      links: new PostgresLinks((sql, values) => writer.ask(sql, values), this.epoch, stream => this.#log.settled({ stream, links: true })),
      keep: new TablesKeeper(this.#log, tables, dialect, postgresLogWords),
      search: this.#search,
      ...parts,
      get writes() {
        return writer.writes
      },
      get waitedMs() {
        return writer.waitedMs
      },
    }
  }
}
