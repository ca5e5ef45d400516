// Which engine the relays of a run keep their data in: SQLite, or with STORE=postgres a database of its own for each data directory.
import { openStore } from '../../src/store/open.ts'
import type { OpenStore, Store } from '../../src/store/store.ts'
import { newDatabase, type TestDatabase } from './postgres.ts'

export const isOnPostgres = process.env['STORE'] === 'postgres'

/** What is in memory goes with its relay; a directory is found again by the next one. */
const databases = new Map<string, TestDatabase>()

export const openRunStore: OpenStore = async options => {
  if (!isOnPostgres || options.store !== undefined) return openStore(options)
  const { data } = options
  const isKept = data !== ':memory:'
  const database = databases.get(data) ?? await newDatabase()
  if (isKept) databases.set(data, database)
  const store = await openStore({ ...options, store: database.url })
  return isKept ? store : closing(store, () => database[Symbol.asyncDispose]())
}

const closing = (store: Store, closed: () => PromiseLike<void>): Store => ({
  epoch: store.epoch,
  read: store.read,
  aside: store.aside,
  write: fn => store.write(fn),
  space: () => store.space(),
  close: async () => {
    await store.close()
    await closed()
  },
})
