import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { pairStream, type Stamp } from './log.ts'
import { openSqlite } from './sqlite.ts'
import { StorageError, type Store, type Tx } from './store.ts'

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
  const store = openSqlite({ data, durability: 'normal', migrations: [{ feature: 'test', steps }], newEpoch: () => 'e'.repeat(16) })
  stores.push(store)
  return store
}

const say = (tx: Tx, stream: string, text: string, extra: { id?: string, inbox?: readonly string[], now?: number } = {}) =>
  tx.log.append(
    { stream, author: '@a', ...(extra.id && { key: { agent: '@a', id: extra.id } }), ...(extra.inbox && { inbox: extra.inbox }) },
    extra.now ?? 1_000,
    stamp => Buffer.from(JSON.stringify({ text, ...stamp })),
  )

const texts = async (store: Store, stream: string, after = 0) =>
  (await store.read.log.page(stream, { after, limit: 100, maxBytes: 1e6 })).map(row =>
    (JSON.parse(row.text.toString()) as { text: string }).text
  )

test.each([':memory:', undefined])('streams are numbered apart, from 1, with rising times (%s)', async data => {
  const store = open(data)
  const stamps: Stamp[] = []
  await store.write(async tx => {
    for (const [stream, now] of [['#a', 1_000], ['#b', 1_000], ['#a', 1_000], ['#a', 900]] as const)
      stamps.push((await say(tx, stream, 'x', { now })).stamp)
  })
  expect(stamps.map(({ seq, ts }) => [seq, ts])).toEqual([[1, 1_000], [1, 1_000], [2, 1_001], [3, 1_002]])
  expect(new Set(stamps.map(stamp => stamp.msgId)).size).toBe(4)
  expect(await store.read.log.head('#a')).toEqual({ seq: 3, oldest: 1, ts: 1_002 })
})

test('a rolled-back batch gives its numbers back', async () => {
  const store = open()
  await store.write(tx => say(tx, '#a', 'one'))
  await expect(store.write(async tx => {
    await say(tx, '#a', 'lost')
    throw new Error('no')
  })).rejects.toThrow('no')
  await store.write(tx => say(tx, '#a', 'two'))
  expect(await texts(store, '#a')).toEqual(['one', 'two'])
  expect((await store.read.log.head('#a')).seq).toBe(2)
})

test('numbers go on after a restart', async () => {
  const dir = tempDir()
  const first = open(dir)
  await first.write(tx => say(tx, '#a', 'one'))
  await stores.pop()!.close()
  const second = open(dir)
  await second.write(tx => say(tx, '#a', 'two', { now: 5 }))
  expect(await texts(second, '#a')).toEqual(['one', 'two'])
  expect(await second.read.log.head('#a')).toEqual({ seq: 2, oldest: 1, ts: 1_001 })
  expect(second.epoch).toBe(first.epoch)
})

test('a publish key stores once and gives the first stamp again, also after a restart', async () => {
  const dir = tempDir()
  const first = await open(dir).write(tx => say(tx, '#a', 'one', { id: 'k' }))
  await stores.pop()!.close()
  const store = open(dir)
  const again = await store.write(tx => say(tx, '#a', 'one', { id: 'k' }))
  expect(first.kind).toBe('stored')
  expect(again).toMatchObject({ kind: 'duplicate', stamp: first.stamp })
  expect(await texts(store, '#a')).toEqual(['one'])
  await store.write(async tx => {
    await tx.log.forgetKeys(2_000)
  })
  expect((await store.write(tx => say(tx, '#a', 'one', { id: 'k' }))).kind).toBe('stored')
})

test('pages go both ways, by count and by bytes', async () => {
  const store = open()
  await store.write(async tx => {
    for (let i = 1; i <= 10; i++) await say(tx, '#a', String(i))
  })
  const seqs = async (query: object) => (await store.read.log.page('#a', { limit: 3, maxBytes: 1e6, ...query })).map(row => row.seq)
  expect(await seqs({ after: 4 })).toEqual([5, 6, 7])
  expect(await seqs({ before: 4 })).toEqual([1, 2, 3])
  expect(await seqs({})).toEqual([8, 9, 10])
  expect(await seqs({ after: 0, maxBytes: 1 })).toEqual([1])
  expect(await seqs({ after: 10 })).toEqual([])
})

test('an inbox has its own numbers, a cursor that only moves forward, and can be handed on', async () => {
  const store = open()
  const stream = pairStream('@b', '@a')
  const sent = await store.write(
    async tx => [await say(tx, stream, 'one', { inbox: ['@b'] }), await say(tx, '#x', 'two', { inbox: ['@b'] })],
  )
  expect(sent.map(result => result.kind === 'stored' && result.inboxSeqs)).toEqual([[1], [2]])
  const waiting = async (agent: string) =>
    (await store.read.log.inbox(agent, { after: (await store.read.log.inboxHead(agent)).cursor, limit: 10, maxBytes: 1e6, now: 0 })).map(
      row => row.seq,
    )
  expect(await waiting('@b')).toEqual([1, 2])
  await store.write(async tx => {
    expect(await tx.log.inboxSeqOf('@b', sent[0]!.stamp.msgId)).toBe(1)
    expect(await tx.log.inboxSeqOf('@c', sent[0]!.stamp.msgId)).toBeUndefined()
    for (const [upTo, cursor] of [[1, 1], [0, 1], [99, 2]] as const) {
      await tx.log.progress('@b', 'received', upTo, 5_000)
      expect((await tx.log.inboxHead('@b')).cursor).toBe(cursor)
    }
  })
  await store.write(tx => say(tx, stream, 'three', { inbox: ['@b'] }))
  await store.write(async tx => {
    await tx.log.moveInbox('@b', '@new')
  })
  expect(await waiting('@b')).toEqual([])
  expect((await store.read.log.inbox('@new', { after: 0, limit: 10, maxBytes: 1e6, now: 0 })).map(row => [row.seq, row.stream])).toEqual([[
    1,
    stream,
  ]])
})

test("a message's fate: stored, offered, received, read, each with its time, told only to authors who asked", async () => {
  const store = open()
  const send = (receipts: boolean, ttlMs?: number) =>
    store.write(tx =>
      tx.log.append(
        { stream: pairStream('@a', '@b'), author: '@a', inbox: ['@b'], receipts, ...(ttlMs && { ttlMs }) },
        1_000,
        stamp => Buffer.from(JSON.stringify({ msg_id: stamp.msgId })),
      )
    )
  const progress = (state: 'offered' | 'received' | 'read', upTo: number, now: number) =>
    store.write(tx => tx.log.progress('@b', state, upTo, now))
  const { msgId } = (await send(true)).stamp
  await send(false)
  expect((await store.read.log.fate(msgId))?.receipts).toEqual([{
    agent: '@b',
    offeredAt: null,
    receivedAt: null,
    readAt: null,
    expiredAt: null,
  }])
  expect(await progress('offered', 2, 10)).toMatchObject([{ msgId, author: '@a', receipts: [{ agent: '@b', offeredAt: 10 }] }])
  expect(await progress('offered', 2, 11)).toEqual([])
  expect(await progress('read', 2, 20)).toMatchObject([{ receipts: [{ offeredAt: 10, receivedAt: 20, readAt: 20 }] }])
  expect(await progress('received', 2, 30)).toEqual([])
  expect((await store.read.log.inboxHead('@b')).cursor).toBe(2)
  expect(await store.read.log.fate('1-99-eeeeee')).toBeUndefined()
  expect(await store.read.log.fate(msgId.replace(/e$/, 'f'))).toBeUndefined()
})

test('what is not received in time is expired, told once, and not offered any more', async () => {
  const store = open()
  const send = (ttlMs: number) =>
    store.write(tx =>
      tx.log.append({ stream: '@a|@b', author: '@a', inbox: ['@b'], receipts: true, ttlMs }, 1_000, stamp =>
        Buffer.from(JSON.stringify({ msg_id: stamp.msgId })))
    )
  const short = await send(500)
  const long = await send(5_000)
  const waiting = async (now: number) => (await store.read.log.inbox('@b', { after: 0, limit: 10, maxBytes: 1e6, now })).map(row => row.seq)
  expect(await waiting(1_499)).toEqual([1, 2])
  expect(await waiting(1_500)).toEqual([2])
  expect(await store.write(tx => tx.log.expire(1_499))).toEqual([])
  expect(await store.write(tx => tx.log.expire(1_500))).toMatchObject([{ msgId: short.stamp.msgId, receipts: [{ expiredAt: 1_500 }] }])
  expect(await store.write(tx => tx.log.expire(1_501))).toEqual([])
  await store.write(tx => tx.log.progress('@b', 'received', 2, 2_000))
  expect(await store.write(tx => tx.log.expire(99_999))).toEqual([])
  expect((await store.read.log.fate(long.stamp.msgId))?.receipts).toMatchObject([{ receivedAt: 2_000, expiredAt: null }])
})

test('a batch that writes nothing begins no transaction, and reads see commits only', async () => {
  const store = open(undefined, ['CREATE TABLE t (n INTEGER)'])
  interface Tables {
    t: { n: number }
  }
  await store.write(async tx => {
    expect(tx.writes).toBe(0)
    await tx.tables<Tables>().insertInto('t').values({ n: 1 }).execute()
    expect(tx.writes).toBe(1)
    expect(await store.read.tables<Tables>().selectFrom('t').selectAll().execute()).toEqual([])
  })
  expect(await store.read.tables<Tables>().selectFrom('t').selectAll().execute()).toEqual([{ n: 1 }])
})

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
