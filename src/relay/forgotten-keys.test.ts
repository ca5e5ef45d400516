import { expect, test } from 'vitest'
import { keysForgottenAtOnce } from '../store/log-rows.ts'
import { openSqlite } from '../store/sqlite/store.ts'
import type { Store, Tx } from '../store/store.ts'
import { forgetKeys } from './duties.ts'
import type { Job } from './job.ts'

const open = (): Store => openSqlite({ data: ':memory:', durability: 'normal', migrations: [], newEpoch: () => 'e' })

/** Keeps keys, `count` of them, all old. */
const keep = (store: Store, count: number) =>
  store.write(tx => {
    for (let i = 0; i < count; i++)
      void tx.log.append({ stream: '#a', author: '@a', key: { agent: '@a', id: String(i) } }, 1_000, () => Buffer.from('{}'))
  })

/** How many transactions a turn takes, of which each is `pieceMs` behind the one before. */
const turn = async (store: Store, pieceMs: number, txOf = (tx: Tx) => tx): Promise<number> => {
  let pieces = 0
  for (let next: Job['decide'] | undefined = forgetKeys(1e9); next !== undefined; pieces++) {
    const decide: Job['decide'] = next
    next = (await store.write(tx => decide(txOf(tx), 2e9 + pieces * pieceMs)))?.again
  }
  return pieces
}

// They are indexed in the order of their names: the last to go is 9999.
const isKept = (store: Store, id: number) => store.write(tx => tx.log.isPublished({ agent: '@a', id: String(id) }))

test('a turn forgets the keys that are old, however many there are, in pieces', async () => {
  const store = open()
  await keep(store, 2 * keysForgottenAtOnce + 1)
  expect(await turn(store, 1)).toBe(3)
  expect(await isKept(store, 9_999)).toBe(false)
  expect(await turn(store, 1)).toBe(1)
  await store.close()
})

test('a turn ends when its time is over, after so many pieces, and where another process has it', async () => {
  const store = open()
  await keep(store, 2 * keysForgottenAtOnce + 1)
  expect(await turn(store, 1, tx => ({ ...tx, claim: () => false }))).toBe(1)
  expect(await isKept(store, 0)).toBe(true)
  expect(await turn(store, 20_000)).toBe(2)
  expect(await isKept(store, 9_999)).toBe(true)
  // As if they never came to an end.
  const endless = (tx: Tx): Tx => ({
    ...tx,
    log: Object.assign(Object.create(tx.log) as Tx['log'], { forgetKeys: () => keysForgottenAtOnce }),
  })
  expect(await turn(store, 1, endless)).toBe(400)
  await store.close()
})
