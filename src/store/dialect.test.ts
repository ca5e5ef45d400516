import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSqlite } from './sqlite/store.ts'
import type { Store } from './store.ts'

interface Tables {
  things: { name: string, size: number, facts: string }
}

const names = ['a', "it's", '100%', 'under_score', '"quoted"', 'ünï'] as const

let store: Store
beforeEach(async () => {
  store = openSqlite({
    data: ':memory:',
    durability: 'normal',
    migrations: [{
      feature: 'things',
      postgres: [],
      steps: ['CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER NOT NULL, facts TEXT NOT NULL)'],
    }],
    newEpoch: () => 'e'.repeat(16),
  })
  await store.write(tx =>
    tx.tables<Tables>().insertInto('things').values(
      names.map((name, size) => ({ name, size, facts: JSON.stringify({ size, said: name }) })),
    )
      .execute()
  )
})
afterEach(() => store.close())

const things = () => store.read.tables<Tables>().selectFrom('things').select('name').orderBy('size')

test('a text holds another letter by letter: nothing in it stands for something else', async () => {
  const holding = async (part: string) =>
    (await things().where(store.read.dialect.contains('name', part)).execute()).map(({ name }) => name)
  expect(await holding('%')).toEqual(['100%'])
  expect(await holding('_')).toEqual(['under_score'])
  expect(await holding("'")).toEqual(["it's"])
  expect(await holding('A')).toEqual([])
  expect(await holding('nï')).toEqual(['ünï'])
})

test('a list is one parameter, whatever stands in it and however long it is', async () => {
  const among = (values: readonly string[]) => things().where(store.read.dialect.isAmong('name', values))
  const found = async (values: readonly string[]) => (await among(values).execute()).map(({ name }) => name)
  expect(await found(names)).toEqual(names)
  expect(await found(['"quoted"', 'a', 'a', 'not there'])).toEqual(['a', '"quoted"'])
  expect(await found([])).toEqual([])
  expect(among(names).compile().sql).toBe(among(['a']).compile().sql)
})

test('rows are given as they are, and their order is that of the list where it is asked for', async () => {
  const rows = names.map((name, n) => ({ name, at: 2 ** 53 - 1 - n }))
  const table = store.read.dialect.rowsOf<{ name: string, at: number }>({ name: 'text', at: 'number' }, rows).as('given')
  expect(await store.read.tables<Tables>().selectFrom(table).select(['name', 'at']).orderBy('at', 'desc').execute()).toEqual(rows)
  const none = store.read.dialect.rowsOf<{ name: string }>({ name: 'text' }, []).as('given')
  expect(await store.read.tables<Tables>().selectFrom(none).select('name').execute()).toEqual([])
})

test('the largest of several values; an object without one of its fields', async () => {
  const { dialect } = store.read
  const rows = await things().select([
    dialect.greatest(2, sql<number>`size`, sql<number>`size - 1`).as('larger'),
    dialect.withoutField('facts', 'said').as('rest'),
  ]).execute()
  expect(rows.map(({ larger }) => larger)).toEqual([2, 2, 2, 3, 4, 5])
  expect(rows.map(({ rest }) => JSON.parse(rest) as unknown)).toEqual(names.map((_, size) => ({ size })))
})
