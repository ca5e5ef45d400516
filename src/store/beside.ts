// A moment in a database beside the relay that may run on it: some rows are looked at, or changed, in one short transaction.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, PostgresDialect, SqliteDialect } from 'kysely'
import type { Dialect } from './dialect.ts'
import { newer } from './migrate.ts'
import { checkMarks } from './moving.ts'
import { databaseFile } from './space.ts'
import { sqliteDialect } from './sqlite/dialect.ts'
import { openDatabase } from './sqlite/driver.ts'
import { storageErrorOf } from './sqlite/store.ts'
import { StorageError, type Migration, type Tx } from './store.ts'

export interface BesideOptions {
  /** postgres://… in the place of `data` */
  readonly store?: string | undefined
  readonly data: string
  /** Whose tables are used: they have to be those of this version. */
  readonly migrations: readonly Migration[]
}

/** Who looks at tables and changes them, beside the relay. */
export type Beside = Pick<Tx, 'tables' | 'dialect'>

/** A relay that commits meanwhile is waited for. */
const waitMs = 5_000

interface Tables {
  migrations: { feature: string, step: number }
  meta: { key: string, value: string }
}

/** @throws StorageError; what `use` throws undoes what it did */
export const besideRelay = async <T>(options: BesideOptions, use: (tables: Beside) => Promise<T>): Promise<T> =>
  options.store === undefined ? besideSqlite(options, use) : besidePostgres(options, options.store, use)

const besideSqlite = async <T>({ data, migrations }: BesideOptions, use: (tables: Beside) => Promise<T>): Promise<T> => {
  const file = join(data, databaseFile)
  if (!existsSync(file)) throw new StorageError(`${data} holds no ${databaseFile}`, "Name the relay's data directory with --data.")
  const database = openDatabase(file, { timeout: waitMs, fileMustExist: true })
  try {
    database.exec('BEGIN IMMEDIATE')
    const done = await checked(new Kysely<unknown>({ dialect: new SqliteDialect({ database }) }), sqliteDialect,
      migrations.map(countOf('steps')), use)
    database.exec('COMMIT')
    return done
  } catch (error) {
    throw storageErrorOf(error) ?? error
  } finally {
    // What was not committed is undone by that.
    database.close()
  }
}

const besidePostgres = async <T>({ migrations }: BesideOptions, url: string, use: (tables: Beside) => Promise<T>): Promise<T> => {
  const [{ configOf, loadDriver, poolOf }, { postgresDialect }, { problemOf }] = await Promise.all([
    import('./postgres/client.ts'),
    import('./postgres/dialect.ts'),
    import('./postgres/problems.ts'),
  ])
  const driver = await loadDriver()
  const client = new driver.Client(configOf(driver, url, 'agentchat beside the relay'))
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('BEGIN')
    const pool = poolOf((sql, values) => client.query(sql, [...values]))
    const tables = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: pool as never }) })
    const done = await checked(tables, postgresDialect, migrations.map(countOf('postgres')), use)
    await client.query('COMMIT')
    return done
  } catch (error) {
    throw problemOf(error) ?? error
  } finally {
    await client.end().catch(() => undefined)
  }
}

const countOf = (engine: 'steps' | 'postgres') => ({ feature, [engine]: steps }: Migration) => [feature, steps.length] as const

const checked = async <T>(
  kysely: Kysely<unknown>,
  dialect: Dialect,
  wanted: readonly (readonly [feature: string, steps: number])[],
  use: (tables: Beside) => Promise<T>,
): Promise<T> => {
  const writer: Beside = { tables: <R>() => kysely as unknown as Kysely<R>, dialect }
  const tables = writer.tables<Tables>()
  const marks = new Map((await tables.selectFrom('meta').selectAll().execute()).map(({ key, value }) => [key, value]))
  checkMarks(key => marks.get(key))
  for (const [feature, steps] of wanted) {
    const { length: done } = await tables.selectFrom('migrations').selectAll().where('feature', '=', feature).execute()
    if (done > steps) throw newer(feature)
    if (done < steps)
      throw new StorageError('The database was written by an older AgentChat', 'Start a relay of this version on it once.')
  }
  return use(writer)
}
