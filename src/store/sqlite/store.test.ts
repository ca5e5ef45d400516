import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openKeptLog } from '../../../test/kit/kept-log.ts'
import type { LogReader } from '../log.ts'
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

const withMessages = (data: string): Store => {
  const store = openKeptLog(data)
  stores.push(store)
  return store
}

const contentsOf = async (log: LogReader) =>
  (await log.page('#a', { after: 0, limit: 10, maxBytes: 1e6 })).map(({ text }) =>
    (JSON.parse(String(text)) as { content?: string }).content
  )

const append = (tx: Tx, content: string) =>
  tx.log.append({ stream: '#a', author: '@a' }, 1_000, ({ ts, seq, msgId }) =>
    Buffer.from(JSON.stringify({ type: 'MSG', ts, from: '@a', to: '#a', content, msg_id: msgId, seq })))

test('what was said just now is read once while it is indexed, within the transaction and beside it', async () => {
  for (const data of [':memory:', tempDir()]) {
    const store = withMessages(data)
    await store.write(tx => {
      append(tx, 'one')
      append(tx, 'two')
    })
    await store.write(async tx => {
      append(tx, 'three')
      await tx.keep.blank('#a', 1, 2_000)
      append(tx, 'four')
      expect(await contentsOf(tx.log)).toEqual(['', 'two', 'three', 'four'])
      // What is in memory has one connection, and shows what is not committed.
      if (data !== ':memory:') expect(await contentsOf(store.read.log)).toEqual(['one', 'two'])
      else expect((await contentsOf(store.read.log)).slice(0, 3)).toEqual(['', 'two', 'three'])
    })
    expect(await contentsOf(store.read.log)).toEqual(['', 'two', 'three', 'four'])
  }
})

test('what was said just now reads as it is committed: not before, and not as it was before it was blanked', async () => {
  const store = withMessages(tempDir())
  const contents = (log: LogReader = store.read.log) => contentsOf(log)
  await store.write(async tx => {
    append(tx, 'one')
    append(tx, 'two')
    expect(await contents(tx.log)).toEqual(['one', 'two'])
    expect(await contents()).toEqual([])
  })
  expect(await contents()).toEqual(['one', 'two'])
  const failed = new Error('undone')
  await expect(store.write(async tx => {
    await tx.keep.blank('#a', 1, 2_000)
    append(tx, 'three')
    expect(await contents()).toEqual(['one', 'two'])
    throw failed
  })).rejects.toBe(failed)
  expect(await contents()).toEqual(['one', 'two'])
  await store.write(async tx => {
    append(tx, 'three')
    await tx.keep.blank('#a', 1, 2_000)
    append(tx, 'four')
    expect(await contents()).toEqual(['one', 'two'])
  })
  expect(await contents()).toEqual(['', 'two', 'three', 'four'])
  // One that is long is read where it is stored.
  await store.write(tx => append(tx, 'x'.repeat(10_000)))
  expect((await contents()).at(-1)).toHaveLength(10_000)
})

test('what was committed moves into the database while it is open, and not by a commit', async () => {
  const data = tempDir()
  const store = open(data)
  const size = () => statSync(join(data, 'agentchat.db')).size
  const before = size()
  for (let i = 0; i < 1_000; i++) await store.write(tx => say(tx, '#a', 'x'.repeat(1_000)))
  await expect.poll(size).toBeGreaterThan(before + 500_000)
})
