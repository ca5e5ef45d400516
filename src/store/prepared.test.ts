import { afterEach, expect, test } from 'vitest'
import { preparedRead, preparedWrite } from './prepared.ts'
import { openSqlite } from './sqlite/store.ts'
import type { ReadTables, Store, WriteTables } from './store.ts'

interface Tables {
  things: { name: string, size: number | null }
}

let store: Store
afterEach(() => store.close())

const newStore = (): Store =>
  openSqlite({
    data: ':memory:',
    durability: 'normal',
    migrations: [{ feature: 'things', postgres: [], steps: ['CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER)'] }],
    newEpoch: () => 'e'.repeat(16),
  })

test('a query is built once for a connection, and asks with the values of each time', async () => {
  store = newStore()
  let built = 0
  const put = preparedWrite((tables: WriteTables<Tables>, name: string, size: number | null) => {
    built++
    return tables.insertInto('things').values({ name, size }).onConflict(conflict => conflict.column('name').doUpdateSet({ size }))
  })
  const larger = preparedRead((tables: ReadTables<Tables>, than: number) =>
    tables.selectFrom('things').select('name').where('size', '>', than).orderBy('name')
  )
  const wrote = await store.write(async tx => {
    const counts = [await put(tx, 'a', 1), await put(tx, 'b', 5), await put(tx, 'b', 7), await put(tx, 'c', null)]
    return { counts, writes: tx.writes }
  })
  expect(wrote).toEqual({ counts: [1, 1, 1, 1], writes: 4 })
  expect(built).toBe(1)
  expect(await larger(store.read, 0)).toEqual([{ name: 'a' }, { name: 'b' }])
  expect(await larger(store.read, 6)).toEqual([{ name: 'b' }])
})

test('a value stays a value, whatever it looks like', async () => {
  store = newStore()
  const put = preparedWrite((tables: WriteTables<Tables>, name: string) => tables.insertInto('things').values({ name, size: 1 }))
  const find = preparedRead((tables: ReadTables<Tables>, name: string) => tables.selectFrom('things').selectAll().where('name', '=', name))
  const name = "'; DROP TABLE things; -- ? $1"
  await store.write(tx => put(tx, name))
  expect(await find(store.read, name)).toEqual([{ name, size: 1 }])
  expect(await find(store.read, '?')).toEqual([])
})
