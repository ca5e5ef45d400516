// Which engine the relays of a run keep their data in: SQLite, or with STORE=postgres a database of its own for each data directory.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openKeeper } from '../../src/app.ts'
import { openStore } from '../../src/store/open.ts'
import type { OpenStore, Store } from '../../src/store/store.ts'
import { newDatabase, type TestDatabase } from './postgres.ts'
import { isOnPostgres } from './statements.ts'

export { isOnPostgres } from './statements.ts'

/** What is in memory goes with its relay; a directory is found again by the next one. */
const databases = new Map<string, TestDatabase>()
/** Left by relays in memory, and emptied: that is several times faster than to make one and to drop it. */
const emptied: TestDatabase[] = []

export const openRunStore: OpenStore = async options => {
  if (!isOnPostgres || options.store !== undefined) return openStore(options)
  const { data } = options
  if (data !== ':memory:') return openStore({ ...options, store: (await databaseOf(data)).url })
  const database = emptied.pop() ?? await newDatabase()
  return closing(await openStore({ ...options, store: database.url }), async () => {
    await database.ask(`${emptying}; ${beginning}`)
    emptied.push(database)
  })
}

/** The database that stands for a data directory. */
const databaseOf = async (data: string): Promise<TestDatabase> => {
  const database = databases.get(data) ?? await newDatabase()
  databases.set(data, database)
  return database
}

/** Where the data of a run's relay is, as its keeper is told. */
export const whereOf = async (data: string): Promise<{ readonly data: string, readonly store?: string }> =>
  isOnPostgres ? { data, store: (await databaseOf(data)).url } : { data }

/** The same for a command. */
export const placeOf = async (data: string): Promise<readonly string[]> => {
  const { store } = await whereOf(data)
  return store === undefined ? ['--data', data] : ['--store', store]
}

/** The files, or the tables, in which a text stands. */
export const tracesOf = async (data: string, text: string): Promise<readonly string[]> => {
  if (!isOnPostgres) return readdirSync(data).filter(name => readFileSync(join(data, name)).includes(text))
  const database = await databaseOf(data)
  const look = ({ name }: Table) => `SELECT '${name}' AS name WHERE EXISTS (SELECT FROM "${name}" AS row WHERE row::text LIKE '%${text}%')`
  return (await database.ask<Table>((await tablesOf(database)).map(look).join(' UNION ALL '))).map(({ name }) => name)
}

interface Table {
  readonly name: string
}
const tablesOf = (database: TestDatabase): Promise<readonly Table[]> =>
  database.ask<Table>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'migrations'",
  )

/** A copy of one moment, though a relay runs on it: a file, or what stands for one. */
export const backUp = async (data: string, target: string): Promise<void> => {
  if (isOnPostgres) databases.set(target, await copied(await databaseOf(data)))
  else await (await openKeeper()).backup({ data, target })
}

/** Puts a copy into the place of `data`, as another life of the log. */
export const putBack = async (copy: string, data: string, newEpoch: string): Promise<void> => {
  const keeper = await openKeeper()
  if (!isOnPostgres) return void await keeper.restore({ file: copy, data, force: false, newEpoch, now: 1 })
  databases.set(data, await copied(await databaseOf(copy)))
  await keeper.renewEpoch({ ...await whereOf(data), newEpoch })
}

/** What pg_dump and pg_restore do, which the registry's server comes without: each table by way of a file of the server's. */
const copied = async (from: TestDatabase): Promise<TestDatabase> => {
  const to = await newDatabase()
  const tables = await tablesOf(from)
  const file = (name: string) => `'${join(from.server.folder, `${to.name}.${name}`)}'`
  const each = (of: (name: string) => string) => tables.map(({ name }) => of(name)).join(';')
  await from.ask(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${each(name => `COPY "${name}" TO ${file(name)}`)}; COMMIT`)
  const numbers = await from.ask<{ name: string, last: number | null }>('SELECT sequencename AS name, last_value AS last FROM pg_sequences')
  await to.ask(`${emptying}; SET session_replication_role = replica; ${each(name => `COPY "${name}" FROM ${file(name)}`)}`)
  for (const { name, last } of numbers) if (last !== null) await to.ask(`SELECT setval('"${name}"', ${last})`)
  return to
}

/** What the migrations put into a table. */
const beginning = 'INSERT INTO search_state VALUES (0)'

/** As the template is: its tables, nothing in them, and numbers from the first on. */
const emptying = `DO $$ DECLARE each regclass; BEGIN
  SET LOCAL session_replication_role = replica;
  FOR each IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'migrations' LOOP
    EXECUTE format('DELETE FROM %s', each);
  END LOOP;
  FOR each IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
    PERFORM setval(each, 1, false);
  END LOOP;
END $$`

const closing = (store: Store, closed: () => Promise<void>, isClosed?: Promise<void>): Store => ({
  epoch: store.epoch,
  read: store.read,
  aside: store.aside,
  write: fn => store.write(fn),
  space: () => store.space(),
  // A relay is drained more than once where a test does it and the end of its scope does.
  close: () => isClosed ??= store.close().then(closed),
})
