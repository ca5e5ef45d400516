import { afterEach, beforeEach, expect, test } from 'vitest'
import { proofMigrations, addProof, expiredProofs, takeProof } from '../features/talk/identity/store.ts'
import { addChannel, channelMigrations, type ChannelInfo } from './channels.ts'
import { makeOnce, readMeta } from './meta.ts'
import { forgetNonces, nonceMigrations, useNonce } from './nonces.ts'
import { openSqlite } from './sqlite/store.ts'
import { shareMigrations } from './shares.ts'
import type { Store } from './store.ts'

let store: Store
beforeEach(() => {
  const agents = { feature: 'holders', postgres: [], steps: ['agents', 'memberships', 'invitations'].map(holdersOf) }
  store = openSqlite({
    data: ':memory:',
    durability: 'normal',
    migrations: [agents, shareMigrations, nonceMigrations, proofMigrations, channelMigrations],
    newEpoch: () => 'e'.repeat(16),
  })
})
afterEach(() => store.close())

/** What the steps of shares look into; nothing is in it. */
const holdersOf = (table: string) => `CREATE TABLE ${table} (id TEXT, agent TEXT, channel TEXT, by TEXT)`

test('a name is taken once, and whoever is late is told so and not stopped', async () => {
  const info: ChannelInfo = {
    name: '#new',
    private: false,
    verifiedOnly: false,
    topic: '',
    description: '',
    owner: '@a',
    topicBy: 'members',
    editWindowMs: null,
    settings: null,
    groups: null,
    version: 1,
  }
  const added = await store.write(
    async tx => [await addChannel(tx, info, '@a', 1), await addChannel(tx, { ...info, owner: '@b' }, '@b', 2)],
  )
  expect(added).toEqual([true, false])
})

test('a nonce is used once', async () => {
  expect(await store.write(async tx => [await useNonce(tx, '@a', 'n', 1), await useNonce(tx, '@b', 'n', 1)])).toEqual([true, true])
  expect(await store.write(tx => useNonce(tx, '@a', 'n', 2))).toBe(false)
})

test('nonces of before a time go, the oldest first, a piece at a time', async () => {
  await store.write(async tx => {
    for (const [n, at] of [1, 2, 2, 3, 4, 5].entries()) await useNonce(tx, '@a', `${at} of ${n}`, at)
  })
  const left = () => store.read.tables<{ nonces: { at: number } }>().selectFrom('nonces').select('at').orderBy('at').execute()
  const turn = () => store.write(tx => forgetNonces(tx, 5, 2))
  expect([await turn(), (await left()).map(({ at }) => at)]).toEqual([true, [3, 4, 5]])
  expect([await turn(), (await left()).map(({ at }) => at)]).toEqual([true, [5]])
  expect([await turn(), (await left()).map(({ at }) => at)]).toEqual([false, [5]])
})

test('what is made once is the same for all who made it', async () => {
  let made = 0
  const make = () => `value ${++made}`
  // Both look before either has written.
  const values = await Promise.all([makeOnce(store, 'secret', make), makeOnce(store, 'secret', make)])
  expect(values).toEqual(['value 1', 'value 1'])
  expect(made).toBe(2)
  expect(await readMeta(store.read, 'secret')).toBe('value 1')
  expect(await makeOnce(store, 'secret', make)).toBe('value 1')
})

test('a proof that timed out is taken by one', async () => {
  const proof = (id: string, expires_at: number) => ({ id, requester: '@a', target: '@b', nonce: 'n', expires_at })
  await store.write(async tx => {
    for (const [id, at] of [['late', 10], ['taken', 10], ['open', 30]] as const) await addProof(tx, proof(id, at))
  })
  expect(await store.write(tx => takeProof(tx, 'taken'))).toEqual(proof('taken', 10))
  expect(await store.write(tx => expiredProofs(tx, 20))).toEqual([proof('late', 10)])
  expect(await store.write(tx => expiredProofs(tx, 20))).toEqual([])
})
