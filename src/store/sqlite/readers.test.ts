import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { writeMeta } from '../meta.ts'
import { openSqlite } from './store.ts'
import { BusyError, type Store } from '../store.ts'
import { newFolder } from '../../../test/kit/folder.ts'
import { sql } from 'kysely'

interface Tables {
  meta: { key: string, value: string }
  missing: { x: number }
}

let store: Store

beforeEach(() => {
  const folder = newFolder()
  store = openSqlite({ data: folder.at('data'), durability: 'normal', migrations: [], newEpoch: () => '0'.repeat(16) })
  onTestFinished(async () => {
    await store.close()
    folder[Symbol.dispose]()
  })
})

const count = (upTo: number) =>
  store.aside.tables<Tables>().selectFrom(
    sql<{ n: number }>`(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${upTo}) SELECT count(*) AS n FROM c)`.as(
      'counted',
    ),
  ).select('n').executeTakeFirstOrThrow()

test('the event loop goes on while a thread reads', async () => {
  let turns = 0
  let isOver = false
  const turn = () => {
    turns++
    if (!isOver) setImmediate(turn)
  }
  await count(1)
  setImmediate(turn)
  expect(await count(1_000_000)).toEqual({ n: 1_000_000 })
  isOver = true
  expect(turns).toBeGreaterThan(20)
})

test('it sees what was committed before it was asked', async () => {
  for (let i = 0; i < 50; i++) {
    await store.write(tx => writeMeta(tx, 'n', String(i)))
    expect(await store.aside.tables<Tables>().selectFrom('meta').select('value').where('key', '=', 'n').executeTakeFirst())
      .toEqual({ value: String(i) })
  }
})

test('a query that fails says why, and the next one is answered', async () => {
  await expect(store.aside.tables<Tables>().selectFrom('missing').select('x').execute()).rejects.toMatchObject({ code: 'SQLITE_ERROR' })
  expect(await count(3)).toEqual({ n: 3 })
})

test('those that wait are bounded, and refused when the store closes', async () => {
  const asked = Array.from({ length: 1_200 }, () => count(1_000))
  const settled = Promise.allSettled(asked)
  await expect(count(1)).rejects.toBeInstanceOf(BusyError)
  const refused = (await settled).filter(each => each.status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect(refused.length).toBeLessThanOrEqual(200)
  const late = Array.from({ length: 10 }, () => count(1_000))
  const ended = Promise.allSettled(late)
  await store.close()
  expect((await ended).filter(each => each.status === 'rejected').length).toBeGreaterThan(0)
})
