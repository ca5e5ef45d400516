// A PostgreSQL database that is moved, or that is moved to: one connection, which holds the claim of a relay on it, in one transaction.
import { hostname } from 'node:os'
import { Kysely, PostgresDialect } from 'kysely'
import {
  arrivedKey,
  isOwn,
  list,
  movedKey,
  MovingError,
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
import { StorageError } from '../failure.ts'
import { indexSkills } from '../people.ts'
import { configOf, loadDriver, poolOf, type Client } from './client.ts'
import { postgresDialect } from './dialect.ts'
import { askNature, isRefusal, problemOf, type Nature } from './problems.ts'
import { claim } from './writer.ts'
import { openPostgres } from './store.ts'
import type { Migration } from '../store.ts'

/** Of the longest messages too this is no more than memory holds. */
const rowsPerPage = 100

/** Of a stream whose events are gone only the number of the last is known on both engines. */
const found: Readonly<Record<string, string>> = {
  streams: `(SELECT id, name, base, seq, CASE WHEN EXISTS (SELECT 1 FROM events e WHERE e.stream = s.id) THEN ts ELSE 0 END AS ts
    FROM streams s)`,
}

/** Whose a url is, without user and password. */
export const placeOf = (url: string): string => {
  try {
    const { host, pathname } = new URL(url)
    return `postgres://${host}${pathname}`
  } catch {
    return 'a PostgreSQL database'
  }
}

export class PostgresSide implements Origin, Target {
  readonly where: string
  /** All that is kept, but for what each engine fills by itself. */
  readonly tables: readonly MovedTable[]
  /** A move away from here that broke off. */
  readonly begun: MovingError | undefined
  readonly #client: Client

  private constructor(client: Client, where: string, tables: readonly MovedTable[], begun?: MovingError) {
    this.#client = client
    this.begun = begun
    this.where = where
    this.tables = tables
  }

  /** Brings its tables up to date, and begins. @throws StorageError that says what is wrong with the database */
  static async open(url: string, migrations: readonly Migration[], newEpoch: () => string): Promise<PostgresSide> {
    const begun = await openPostgres({ url, migrations, newEpoch }).then(async store => {
      await store.close()
      return undefined
    }, (error: unknown) => {
      if (error instanceof MovingError) return error
      throw error
    })
    const driver = await loadDriver()
    const client: Client = new driver.Client({
      ...configOf(driver, url, `agentchat migrate on ${hostname().slice(0, 20)}, process ${process.pid}`),
      statement_timeout: 0,
      query_timeout: 0,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query("SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = 0")
      await client.query('SELECT pg_advisory_lock($1)', [claim]).catch((error: unknown) => {
        throw isRefusal(error)
          ? new StorageError('Another relay runs on this database', 'Stop it first.', error)
          : error
      })
      await client.query("SET synchronous_commit = 'on'")
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      return new PostgresSide(client, placeOf(url), await tablesOf(client), begun)
    } catch (error) {
      await client.end().catch(() => undefined)
      throw problemOf(error) ?? error
    }
  }

  /** What is there at this moment, also while a relay writes on. @throws StorageError that says what is wrong with the database */
  static async look(url: string, migrations: readonly Migration[]): Promise<PostgresSide> {
    const driver = await loadDriver()
    const client: Client = new driver.Client({ ...configOf(driver, url, 'agentchat export'), statement_timeout: 0, query_timeout: 0 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('SET idle_in_transaction_session_timeout = 0')
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const { rows: [nature] } = await client.query<Nature>(askNature)
      if (!nature!.ours) throw new StorageError('The database holds nothing of a relay', 'Is it the right database?')
      const { rows } = await client.query<{ feature: string, steps: number }>(
        'SELECT feature, count(*)::int AS steps FROM migrations GROUP BY feature',
      )
      const have = new Map(rows.map(({ feature, steps }) => [feature, steps]))
      if (migrations.some(({ feature, postgres }) => have.get(feature) !== postgres.length))
        throw new StorageError('The database was written by another version of AgentChat', 'Use the version of the relay that runs on it.')
      return new PostgresSide(client, placeOf(url), await tablesOf(client))
    } catch (error) {
      await client.end().catch(() => undefined)
      throw problemOf(error) ?? error
    }
  }

  /** The tables in which there is something already; an epoch alone is nothing. */
  async filled(): Promise<readonly string[]> {
    const names: string[] = []
    for (const { name } of this.tables) {
      const { rows } = await this.#ask(`SELECT 1 FROM ${quoted(name)} ${name === 'meta' ? "WHERE key <> 'epoch'" : ''} LIMIT 1`)
      if (rows.length > 0) names.push(name)
    }
    return names
  }

  /** The move that brought what is here. */
  async arrivedBy(): Promise<string | undefined> {
    return (await this.#ask<{ value: string }>('SELECT value FROM meta WHERE key = $1', [arrivedKey])).rows[0]?.value
  }

  /** Lets rows in as they are. */
  async begin(): Promise<void> {
    for (const { name } of this.tables) await this.#ask(`ALTER TABLE ${quoted(name)} DISABLE TRIGGER USER`)
    await this.#ask('DELETE FROM meta')
  }

  async count({ name }: MovedTable): Promise<number> {
    const { rows: [row] } = await this.#ask<{ n: number }>(`SELECT count(*) AS n FROM ${quoted(name)}`)
    return row!.n
  }

  async *pages(table: MovedTable): AsyncIterable<readonly Values[]> {
    const { name, columns } = table
    await this.#ask(`DECLARE moving NO SCROLL CURSOR FOR ${rowsStatement(table, found[name])}`)
    for (;;) {
      const { rows } = await this.#ask<Record<string, Value>>(`FETCH ${rowsPerPage} FROM moving`)
      if (rows.length > 0) yield rows.map(row => columns.map(column => row[column]!))
      if (rows.length < rowsPerPage) break
    }
    await this.#ask('CLOSE moving')
  }

  async add({ name, columns }: MovedTable, rows: readonly Values[]): Promise<void> {
    const objects = rows.map(row => Object.fromEntries(columns.map((column, n) => [column, row[n]])))
    await this.#ask(
      `INSERT INTO ${quoted(name)} (${list(columns)}) SELECT ${list(columns)} FROM json_populate_recordset(NULL::${
        quoted(name)
      }, $1::json)`,
      [JSON.stringify(objects)],
    )
  }

  async numbers(): Promise<Numbers> {
    const numbers = new Map<string, number>()
    for (const { table, sequence } of await this.#sequences()) {
      const { rows: [row] } = await this.#ask<{ n: number }>(`SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS n FROM ${sequence}`)
      numbers.set(table, row!.n)
    }
    return numbers
  }

  async finish(numbers: Numbers): Promise<void> {
    for (const { table, column, sequence } of await this.#sequences()) {
      await this.#ask(
        `SELECT setval($1::regclass, greatest(1, n), n > 0) FROM (SELECT greatest($2::bigint, max(${quoted(column)})) AS n FROM ${
          quoted(table)
        }) AS newest`,
        [sequence, numbers.get(table) ?? 0],
      )
    }
    const query = (sql: string, values: readonly unknown[]) => this.#client.query(sql, [...values])
    const tables = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: poolOf(query) as never }) })
    await indexSkills({ tables: <T>() => tables as unknown as Kysely<T>, dialect: postgresDialect })
    for (const { name } of this.tables) await this.#ask(`ALTER TABLE ${quoted(name)} ENABLE TRIGGER USER`)
  }

  async commit(move: string | undefined): Promise<void> {
    if (move !== undefined) await this.#mark(arrivedKey, move)
    await this.#ask('COMMIT')
    // The server plans by it from the first request on.
    await this.#ask('ANALYZE')
  }

  async markMoving(to: string, move: string): Promise<void> {
    await this.#mark(movingKey, movingMark(move, to))
    await this.#ask('COMMIT')
  }

  async markMoved(to: string): Promise<void> {
    await this.#mark(movedKey, to, movingKey)
    // If nothing was asked before it is committed already, and this says so.
    await this.#ask('COMMIT')
  }

  /** What is not committed is gone. */
  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined)
  }

  async #mark(key: string, value: string, instead = ''): Promise<void> {
    await this.#ask(
      `WITH gone AS (DELETE FROM meta WHERE key = $3)
        INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      [key, value, instead],
    )
  }

  async #ask<R extends object>(sql: string, values: readonly unknown[] = []) {
    try {
      return await this.#client.query<R>(sql, [...values])
    } catch (error) {
      throw problemOf(error) ?? error
    }
  }

  async #sequences(): Promise<readonly { readonly table: string, readonly column: string, readonly sequence: string }[]> {
    const { rows } = await this.#ask<{ table: string, column: string, sequence: string }>(
      `SELECT table_name AS table, column_name AS column, pg_get_serial_sequence(quote_ident(table_name), column_name) AS sequence
        FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`,
    )
    return rows
  }
}

const tablesOf = async (client: Client): Promise<readonly MovedTable[]> => {
  const { rows } = await client.query<{ name: string, columns: string[], key: string[] }>(
    `SELECT c.relname::text AS name,
        (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
          AND NOT a.attisdropped) AS columns,
        (SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (column_number, n),
          pg_attribute a WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid AND a.attnum = k.column_number) AS key
      FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY c.relname`,
  )
  return rows.filter(({ name }) => !isOwn(name))
}
