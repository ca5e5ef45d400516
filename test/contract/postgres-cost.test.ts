// What a batch costs on PostgreSQL, counted: round trips and statements, however many messages there are in it.
import pg from 'pg'
import { afterEach, expect, test, vi } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { newDatabase, urlOf } from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test.each([
  [1, false],
  [500, false],
  // Beside others it is asked what they have changed, by two statements more.
  [1, true],
  [500, true],
] as const)('a plain batch of %i messages is two round trips, beside others: %s', async (count, isShared) => {
  await using database = await newDatabase()
  await using proxy = await newProxy(database.server.port)
  const url = new URL(urlOf(database.server, database.name, true))
  url.port = String(proxy.port)
  const roundTrips: number[] = []
  const onCommit = (told: number) => void roundTrips.push(told)
  const store = await openPostgres({ url: url.href, migrations, newEpoch: () => 'e'.repeat(16), onCommit, isShared })
  let n = 0
  const batch = () =>
    store.write(async tx => {
      tx.deciding?.({ agent: '@a', isRelay: false, scope: undefined, isBehind: false })
      const appended = Array.from({ length: count }, (_, i) =>
        tx.log.append({ stream: `#c${i % 10}`, author: '@a', key: { agent: '@a', id: `k${n++}` }, ...(i % 2 === 0 && { inbox: ['@b'] }) },
          1_000, stamp => Buffer.from(JSON.stringify(stamp))))
      const asked = tx.overtaken(['@a'])
      await tx.log.flush()
      expect(await asked).toEqual({ writers: [], channels: [] })
      return Promise.all(appended)
    })
  try {
    // Nothing of what is counted happens for the first time.
    await batch()
    const query = vi.spyOn(pg.Client.prototype, 'query')
    const before = proxy.trips
    expect((await batch()).every(({ kind }) => kind === 'stored')).toBe(true)
    expect(proxy.trips - before).toBe(2)
    expect(roundTrips.at(-1)).toBe(2)
    expect(query.mock.calls.map(([asked]) => (asked as unknown as { text: string }).text.trim().split(/\s+/, 3).join(' '))).toEqual([
      'BEGIN',
      'SELECT pg_current_xact_id()::text AS',
      ...isShared ? ['SELECT (CASE WHEN', 'SELECT agent AS'] : [],
      'WITH locked AS',
      'INSERT INTO inbox_heads',
      'SELECT k.agent, k.id,',
      'WITH added AS',
      'INSERT INTO publish_keys',
      'INSERT INTO inbox',
      'COMMIT',
    ])
    query.mockClear()
    // What writes nothing asks nothing.
    await store.write(() => undefined)
    expect(query).not.toHaveBeenCalled()
  } finally {
    await store.close()
  }
})
