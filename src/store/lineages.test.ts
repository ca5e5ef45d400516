import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { agentMigrations, rememberAgent } from './agents.ts'
import { countKeys, fillLineages, joinLineages, keysOf, lineagesOf, predecessors, successions, successorOf } from './lineages.ts'
import { shareMigrations } from './shares.ts'
import { openSqlite } from './sqlite/store.ts'
import { newFolder } from '../../test/kit/folder.ts'
import BetterSqlite3 from 'better-sqlite3'
import type { Store } from './store.ts'

interface Tables {
  agents: { id: string, rotated_to: string | null }
  lineages: { agent: string, lineage: string, n: number }
}

let store: Store
let file: string

beforeEach(async () => {
  const folder = newFolder()
  file = folder.at('data/agentchat.db')
  store = openSqlite({
    data: folder.at('data'),
    durability: 'normal',
    migrations: [agentMigrations, shareMigrations],
    newEpoch: () => '0'.repeat(16),
  })
  onTestFinished(async () => {
    await store.close()
    folder[Symbol.dispose]()
  })
})

/** What `rotateAgent` does of it. */
const rotate = (from: string, to: string) =>
  store.write(async tx => {
    for (const id of [from, to]) await rememberAgent(tx, { id, pubkey: 'pem', name: 'x' }, 1)
    await tx.tables<Tables>().updateTable('agents').set({ rotated_to: to }).where('id', '=', from).execute()
    await joinLineages(tx, from, to)
  })

const keys = async (id: string) =>
  (await store.read.tables<Tables>().selectFrom('agents').select('id').where('id', 'in', keysOf(id)).orderBy('id').execute()).map(row =>
    row.id
  )

describe('a chain of keys', () => {
  test('whoever is asked for, its former keys are told nearest first, and its present one', async () => {
    await rotate('@a', '@b')
    await rotate('@b', '@c')
    await rotate('@c', '@d')
    expect(await predecessors(store.read, '@d')).toEqual(['@c', '@b', '@a'])
    expect(await predecessors(store.read, '@b')).toEqual(['@a'])
    expect(await predecessors(store.read, '@a')).toEqual([])
    expect(await Promise.all(['@a', '@c', '@d', '@stranger'].map(id => successorOf(store.read, id)))).toEqual([
      '@d',
      '@d',
      '@d',
      '@stranger',
    ])
    expect(await successions(store.read)).toEqual(new Map([['@a', '@d'], ['@b', '@d'], ['@c', '@d']]))
    expect(await Promise.all(['@d', '@stranger'].map(id => countKeys(store.read, id)))).toEqual([4, 1])
    expect(await keys('@d')).toEqual(['@a', '@b', '@c', '@d'])
    expect([...await lineagesOf(store.read, ['@b', '@stranger'])].sort()).toEqual(['@a', '@b', '@c', '@d', '@stranger'])
  })

  test('a long one is not written again with each key', async () => {
    for (let i = 0; i < 300; i++) await rotate(`@${i}`, `@${i + 1}`)
    const { n } = await store.read.tables<Tables>().selectFrom('lineages').select('n').where('agent', '=', '@0').executeTakeFirstOrThrow()
    // As it was put when there were two.
    expect([n, (await predecessors(store.read, '@300')).length]).toEqual([-1, 300])
    for (let i = 0; i < 50; i++) await rotate(`@other${i}`, '@300')
    expect((await predecessors(store.read, '@300')).length).toBe(350)
    expect(await successorOf(store.read, '@other7')).toBe('@300')
  })
})

test('what an older version or an archive left is read the same', async () => {
  // A forest, some keys of which were revoked at their end, and a circle that nobody made honestly.
  const steps = [['@a', '@b'], ['@c', '@b'], ['@b', '@d'], ['@e', '@f'], ['@g', '@f'], ['@f', '@d'], ['@x', '@y'], ['@y', '@z']] as const
  for (const [from, to] of steps) await rotate(from, to)
  const all = ['@a', '@b', '@c', '@d', '@e', '@f', '@g', '@x', '@y', '@z', '@1', '@2']
  const told = async () =>
    Promise.all(all.map(async id => [id, await successorOf(store.read, id), new Set(await predecessors(store.read, id))]))
  const before = await told()
  await store.write(async tx => {
    for (const [id, next] of [['@1', '@2'], ['@2', '@1']] as const) {
      await rememberAgent(tx, { id, pubkey: 'pem', name: 'x' }, 1)
      await tx.tables<Tables>().updateTable('agents').set({ rotated_to: next }).where('id', '=', id).execute()
    }
    await tx.tables<Tables>().deleteFrom('lineages').execute()
  })
  const db = new BetterSqlite3(file)
  db.exec(fillLineages)
  db.close()
  expect(await told()).toEqual(before)
  expect(before[3]).toEqual(['@d', '@d', new Set(['@a', '@b', '@c', '@e', '@f', '@g'])])
})
