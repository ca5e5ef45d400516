// A position of a former life, in a log that was put back to an earlier point and written on: against the simplest model.
import { afterEach, expect, test } from 'vitest'
import BetterSqlite3 from 'better-sqlite3'
import fc from 'fast-check'
import { join } from 'node:path'
import { newFolder, type Folder } from '../../test/kit/folder.ts'
import { positionNow } from './lives.ts'
import { openSqlite } from './sqlite/store.ts'
import type { Store } from './store.ts'

const folders: Folder[] = []
afterEach(() => folders.splice(0).forEach(folder => folder[Symbol.dispose]()))

const epochs = ['a'.repeat(16), 'b'.repeat(16), 'c'.repeat(16)] as const
const stream = '#a'

/** Writes so many events in each life, one after the other, and gives the store of the last one. */
const livesOf = async (counts: readonly number[]): Promise<Store> => {
  const folder = newFolder()
  folders.push(folder)
  let store: Store | undefined
  for (const [life, count] of counts.entries()) {
    await store?.close()
    if (life > 0) {
      const db = new BetterSqlite3(join(folder.path, 'agentchat.db'))
      db.prepare("UPDATE meta SET value = ? WHERE key = 'epoch'").run(epochs[life])
      db.close()
    }
    store = openSqlite({ data: folder.path, durability: 'normal', migrations: [], newEpoch: () => epochs[life]! })
    for (let i = 0; i < count; i++) {
      // What a peer says cannot pass for an id.
      const content = `{"msg_id":"1-1-${'a'.repeat(6)}"}`
      await store.write(tx =>
        tx.log.append({ stream, author: '@a' }, 1, ({ ts, seq, msgId }) =>
          Buffer.from(JSON.stringify({ type: 'MSG', ts, content, msg_id: msgId, seq, n: 1 })))
      )
    }
  }
  return store!
}
const asked = async (store: Store, former: { readonly seq: number, readonly epoch: string }) =>
  positionNow(store.read.log, { stream, head: await store.read.log.head(stream), epoch: store.epoch }, former)

test('what somebody had is what was kept of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.nat(12), fc.nat(20), async (kept, since, seq) => {
      const store = await livesOf([kept, since])
      expect(await asked(store, { seq, epoch: epochs[0] })).toBe(Math.min(seq, kept))
      await store.close()
    }),
    { numRuns: 15 },
  )
}, 60_000)

test('of a life of which nothing is known everything is new; so it is where that cannot be told', async () => {
  const store = await livesOf([5, 5, 5])
  expect(await asked(store, { seq: 7, epoch: 'd'.repeat(16) })).toBe(0)
  expect(await asked(store, { seq: 20, epoch: epochs[1] })).toBe(10)
  expect(await asked(store, { seq: 8, epoch: epochs[1] })).toBe(8)
  expect(await asked(store, { seq: 4, epoch: epochs[0] })).toBe(4)
  // It had events of the first life up to 7, of which two are gone; those of the second life it has not.
  expect(await asked(store, { seq: 7, epoch: epochs[0] })).toBe(0)
  await store.close()
})

test('nothing of a channel that was deleted is taken for what follows it', async () => {
  const store = await livesOf([5, 0])
  await store.write(tx => tx.log.end(stream))
  expect(await asked(store, { seq: 3, epoch: epochs[0] })).toBeUndefined()
  await store.close()
})

test('a life that never was costs two reads', async () => {
  const store = await livesOf([500])
  let reads = 0
  const log = { ...store.read.log, page: (...query: Parameters<typeof store.read.log.page>) => (reads++, store.read.log.page(...query)) }
  const head = await store.read.log.head(stream)
  expect(await positionNow(log as never, { stream, head, epoch: store.epoch }, { seq: 400, epoch: 'd'.repeat(16) })).toBe(0)
  expect(reads).toBeLessThanOrEqual(2)
  await store.close()
})
