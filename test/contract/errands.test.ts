// Errands on each engine: whose turn it is, who holds what, what becomes of what fails, and what it costs, counted in statements.
import pg from 'pg'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { migrations } from '../../src/app.ts'
import {
  addErrand,
  beatErrands,
  buryErrand,
  claimErrands,
  countErrands,
  errandsHeld,
  findErrand,
  forgetDead,
  freeLapsed,
  freeOthers,
  heldErrand,
  listErrands,
  removeErrand,
  waitErrand,
  type ErrandRow,
} from '../../src/store/errands.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import { openSqlite } from '../../src/store/sqlite/store.ts'
import type { Store, Tx } from '../../src/store/store.ts'
import { newDatabase } from '../kit/postgres.ts'

const newEpoch = () => 'e'.repeat(16)
const limits = { perOwner: 1e9, all: 1e9 }
const worker = 'w1'

const engines = [
  {
    name: 'SQLite',
    open: () =>
      Promise.resolve({ store: openSqlite({ data: ':memory:', durability: 'normal', migrations, newEpoch }), end: async () => undefined }),
  },
  {
    name: 'PostgreSQL',
    open: async () => {
      const database = await newDatabase()
      return { store: await openPostgres({ url: database.url, migrations, newEpoch }), end: async () => database[Symbol.asyncDispose]() }
    },
  },
] as const

describe.each(engines)('$name', ({ name, open }) => {
  let store: Store
  let end: () => Promise<void>
  beforeAll(async () => {
    ;({ store, end } = await open() as { store: Store, end: () => Promise<void> })
  })
  afterAll(async () => {
    await store.close()
    await end()
  })

  const add = (tx: Tx, owner: string, ref: string, now = 0, kind = 'k') => addErrand(tx, { kind, owner, ref, due_at: now }, now, limits)
  const claim = (tx: Tx, now: number, limit = 1, leaseMs = 100, kind = 'k') => claimErrands(tx, { kind, worker, leaseMs, limit }, now)
  const clear = (tx: Tx) =>
    listErrands(tx, { after: 0, limit: 1e6 }).then(async all => {
      for (const errand of all) await removeErrand(tx, errand)
    })

  test('owners take turns, however much of one waits, and then age decides', () =>
    store.write(async tx => {
      for (let i = 0; i < 50; i++) await add(tx, '@many', `m${i}`, 0)
      expect((await claim(tx, 10))[0]!.ref).toBe('m0')
      await add(tx, '@one', 'o0', 10)
      await add(tx, '@one', 'o1', 10)
      // Whoever has not been served is next, in the same millisecond too.
      expect((await claim(tx, 10, 4)).map(({ ref }) => ref)).toEqual(['o0', 'm1', 'o1', 'm2'])
      await clear(tx)
    }))

  test('a claim costs the same beside one errand and beside 100,000 of somebody else, whose are not in the way', async () => {
    const count = 100_000
    const statements = async (run: (tx: Tx) => Promise<unknown>): Promise<number> =>
      store.write(async tx => {
        const spy = name === 'PostgreSQL' ? vi.spyOn(pg.Client.prototype, 'query') : undefined
        const before = tx.writes
        await run(tx)
        const made = spy?.mock.calls.length ?? tx.writes - before
        spy?.mockRestore()
        return made
      })
    const few = await statements(async tx => {
      await add(tx, '@one', 'first', 0)
      expect(await claim(tx, 1)).toHaveLength(1)
    })
    await store.write(async tx => {
      const rows = (from: number) =>
        Array.from({ length: 500 }, (_, i) => ({
          kind: 'k',
          owner: '@many',
          ref: `m${from + i}`,
          payload: '',
          state: 'waiting',
          attempts: 0,
          fence: 0,
          due_at: 2,
          worker: null,
          problem: null,
          made_at: 2,
        }))
      await add(tx, '@many', 'm', 2)
      for (let i = 0; i < count; i += 500)
        await tx.tables<{ errands: Omit<ErrandRow, 'n'> }>().insertInto('errands').values(rows(i) as never).execute()
      expect((await claim(tx, 3))[0]!.owner).toBe('@many')
      await add(tx, '@one', 'second', 3)
    })
    const many = await statements(async tx => {
      expect((await claim(tx, 3)).map(({ owner }) => owner)).toEqual(['@one'])
      await add(tx, '@one', 'third', 3)
    })
    expect(many).toBeLessThanOrEqual(few + 1)
    await store.write(async tx => {
      expect((await countErrands(tx)).waiting).toBe(count + 1)
      await tx.tables<{ errands: ErrandRow, errand_counts: object, errand_lines: object }>().deleteFrom('errands').execute()
      await tx.tables<{ errand_counts: object }>().deleteFrom('errand_counts').execute()
      await tx.tables<{ errand_lines: object }>().deleteFrom('errand_lines').execute()
    })
  })

  test('a lease that is over holds nothing, and a report under an older number is refused', () =>
    store.write(async tx => {
      await add(tx, '@a', 'x', 0)
      const [first] = await claim(tx, 0)
      expect(await heldErrand(tx, first!, 99)).toMatchObject({ fence: 1 })
      expect(await heldErrand(tx, first!, 100)).toBeUndefined()
      await beatErrands(tx, [first!], 150, 90)
      expect(await heldErrand(tx, first!, 149)).toMatchObject({ due_at: 150 })
      // Too late to be kept alive.
      await beatErrands(tx, [first!], 500, 150)
      expect(await claim(tx, 150)).toEqual([])
      expect(await freeLapsed(tx, 150, 10)).toHaveLength(1)
      const [second] = await claim(tx, 150)
      expect(second).toMatchObject({ fence: 2, attempts: 2 })
      expect(await heldErrand(tx, first!, 151)).toBeUndefined()
      expect(await heldErrand(tx, second!, 151)).toMatchObject({ n: first!.n })
      // What a worker held that is gone waits again at once.
      expect(await freeOthers(tx, 'k', worker, 151, 10)).toBe(0)
      expect(await freeOthers(tx, 'k', 'w2', 151, 10)).toBe(1)
      expect((await claim(tx, 151))[0]).toMatchObject({ fence: 3 })
      await clear(tx)
    }))

  test('bounds by owner and in all; dead letters end with their time, and are few', () =>
    store.write(async tx => {
      const tight = { perOwner: 2, all: 3 }
      const put = (owner: string, ref: string) => addErrand(tx, { kind: 'k', owner, ref, due_at: 0 }, 0, tight)
      expect([
        await put('@a', '1'),
        await put('@a', '1'),
        await put('@a', '2'),
        await put('@a', '3'),
        await put('@b', '4'),
        await put('@c', '5'),
      ])
        .toEqual(['added', 'there', 'added', 'owner', 'added', 'all'])
      await clear(tx)
      expect(await errandsHeld(tx, '@a')).toEqual({ owner: 0, all: 0 })
      for (let i = 0; i < 103; i++) {
        await add(tx, '@a', `d${i}`, 0)
        const [errand] = await claim(tx, i)
        await buryErrand(tx, errand!, 'no use', i)
      }
      expect(await countErrands(tx)).toEqual({ waiting: 0, leased: 0, dead: 100 })
      expect(await forgetDead(tx, 3, 10)).toBe(0)
      expect(await forgetDead(tx, 5, 10)).toBe(2)
      const [oldest] = await listErrands(tx, { state: 'dead', after: 0, limit: 1 })
      expect(oldest).toMatchObject({ ref: 'd5', problem: 'no use' })
      await waitErrand(tx, oldest!, { due_at: 200, attempts: 0, problem: null })
      expect((await claim(tx, 200))[0]).toMatchObject({ ref: 'd5', attempts: 1, fence: 2, problem: null })
      expect(await findErrand(tx, oldest!.n)).toMatchObject({ state: 'leased' })
      await clear(tx)
    }))

  test('workers that finish, fail, come late and die, in any order: one holder at a time, and nothing is stuck', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), owner: fc.nat(2) }),
      fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constantFrom('done' as const, 'fail', 'bury', 'beat'), pick: fc.nat() }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(10, 60, 150) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), steps =>
        store.write(async tx => {
          let now = 0
          let refs = 0
          const given: ErrandRow[] = []
          const holds = new Map<number, number>()
          const over = new Set<number>()
          for (const each of steps) {
            if (each.kind === 'add') await add(tx, `@${each.owner}`, `r${refs++}`, now)
            else if (each.kind === 'wait') now += each.ms
            else if (each.kind === 'claim') {
              await freeLapsed(tx, now, 100)
              for (const errand of await claim(tx, now, each.limit)) {
                expect(holds.get(errand.n) ?? 0).toBeLessThanOrEqual(now)
                expect(over.has(errand.n)).toBe(false)
                holds.set(errand.n, errand.due_at)
                given.push(errand)
              }
            } else if (given.length > 0) {
              const errand = given[each.pick % given.length]!
              const held = await heldErrand(tx, errand, now)
              const isNewest = given.findLast(({ n }) => n === errand.n) === errand
              if (held === undefined) continue
              expect(isNewest && holds.get(errand.n)! > now).toBe(true)
              if (each.kind === 'beat') {
                await beatErrands(tx, [held], now + 100, now)
                holds.set(errand.n, now + 100)
                continue
              }
              holds.delete(errand.n)
              if (each.kind === 'fail') await waitErrand(tx, held, { due_at: now + 20 })
              else {
                over.add(errand.n)
                if (each.kind === 'done') await removeErrand(tx, held)
                else await buryErrand(tx, held, 'no', now)
              }
            }
          }
          // Whatever was left: in a while a worker gets all of it.
          now += 1_000
          await freeLapsed(tx, now, 1_000)
          const left = (await countErrands(tx)).waiting
          expect(await claim(tx, now, 1_000)).toHaveLength(left)
          expect(left + over.size).toBe(refs)
          await clear(tx)
        })),
      { numRuns: name === 'SQLite' ? 60 : 15 },
    )
  })
})
