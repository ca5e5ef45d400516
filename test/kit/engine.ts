// Which engine the relays of a run keep their data in: SQLite, or with STORE=postgres a database of its own for each data directory.
import { openStore } from '../../src/store/open.ts'
import type { OpenStore, Store } from '../../src/store/store.ts'
import { newDatabase, type TestDatabase } from './postgres.ts'

export const isOnPostgres = process.env['STORE'] === 'postgres'

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
    await database.ask(emptying)
    emptied.push(database)
  })
}

/** The database that stands for a data directory. */
const databaseOf = async (data: string): Promise<TestDatabase> => {
  const database = databases.get(data) ?? await newDatabase()
  databases.set(data, database)
  return database
}

/** What says to a command where the data of a run's relay is. */
export const placeOf = async (data: string): Promise<readonly string[]> =>
  isOnPostgres ? ['--store', (await databaseOf(data)).url] : ['--data', data]

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
