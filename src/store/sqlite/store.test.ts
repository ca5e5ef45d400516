import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openSqlite } from './store.ts'
import { StorageError, type Store, type Tx } from '../store.ts'

const dirs: string[] = []
const stores: Store[] = []

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
})

const tempDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'agentchat-store-'))
  dirs.push(dir)
  return dir
}

const open = (data: string = tempDir(), steps: readonly string[] = []): Store => {
  const store = openSqlite({
    data,
    durability: 'normal',
    migrations: [{ feature: 'test', steps, postgres: [] }],
    newEpoch: () => 'e'.repeat(16),
  })
  stores.push(store)
  return store
}

const say = (tx: Tx, stream: string, text: string, extra: { id?: string, inbox?: readonly string[], now?: number } = {}) =>
  tx.log.append(
    { stream, author: '@a', ...(extra.id && { key: { agent: '@a', id: extra.id } }), ...(extra.inbox && { inbox: extra.inbox }) },
    extra.now ?? 1_000,
    stamp => Buffer.from(JSON.stringify({ text, ...stamp })),
  )

test('what is wrong with the storage is said, with what to do', async () => {
  const dir = tempDir()
  open(dir)
  expect(() => open(dir)).toThrow(
    expect.objectContaining({ name: 'StorageError', hint: expect.stringContaining('Another process') }) as Error,
  )
  const damaged = tempDir()
  writeFileSync(join(damaged, 'agentchat.db'), 'this is not a database at all, but it is long enough to be looked at. '.repeat(20))
  expect(() => open(damaged)).toThrow(StorageError)
  const newer = tempDir()
  open(newer, ['CREATE TABLE a (n)', 'CREATE TABLE b (n)'])
  await stores.pop()!.close()
  expect(() => open(newer, ['CREATE TABLE a (n)'])).toThrow(/newer AgentChat/)
})

test('what was committed moves into the database while it is open, and not by a commit', async () => {
  const data = tempDir()
  const store = open(data)
  const size = () => statSync(join(data, 'agentchat.db')).size
  const before = size()
  for (let i = 0; i < 1_000; i++) await store.write(tx => say(tx, '#a', 'x'.repeat(1_000)))
  await expect.poll(size).toBeGreaterThan(before + 500_000)
})
