// On PostgreSQL an event may be committed behind others that have higher ids: what goes along the ids looks at none of them too early.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrations } from '../../src/app.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import type { Store } from '../../src/store/store.ts'
import { held } from '../kit/held.ts'
import { newDatabase, type TestDatabase } from '../kit/postgres.ts'

let database: TestDatabase
let [one, two]: Store[] = []
beforeEach(async () => {
  database = await newDatabase()
  const open = () => openPostgres({ url: database.url, migrations, newEpoch: () => 'e'.repeat(16), isShared: true })
  one = await open()
  two = await open()
})
afterEach(async () => {
  await one?.close()
  await two?.close()
  await database[Symbol.asyncDispose]()
})

const say = (tx: Parameters<Parameters<Store['write']>[0]>[0], content: string, stream = '#a') => {
  void tx.log.append({ stream, author: '@a' }, 1_000,
    ({ ts, seq, msgId }) =>
      Buffer.from(JSON.stringify({ type: 'MSG', ts, from: '@a', from_name: 'a', to: stream, content, msg_id: msgId, seq })))
  return Promise.resolve()
}

test('where somebody spoke is not forgotten while it is said there again: an erasure finds it', async () => {
  await one!.write(tx => say(tx, 'first'))
  await one!.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
  const late = await held(two!, tx => say(tx, 'secret'))
  for (let turn = 0; turn < 3; turn++) await one!.write(tx => tx.keep.forgetSilent(0))
  await late.release()
  await one!.write(tx => tx.keep.beginErasure('@a'))
  while (!(await one!.write(tx => tx.keep.eraseSome('@a', ['@a'], 3_000))).done);
  const [said] = await one!.read.log.page('#a', { after: 0, limit: 10, maxBytes: 1e6 })
  expect(said!.text.toString()).not.toContain('secret')
})

test('it is forgotten of blocks of which nothing more can come, also while others are stored', async () => {
  const block = 4_096
  await one!.write(async tx => {
    for (const stream of ['#a', '#b']) await say(tx, 'first', stream)
  })
  await database.ask(`SELECT setval('events_id_seq', ${block})`)
  await one!.write(tx => say(tx, 'next', '#b'))
  await one!.write(tx => tx.keep.deleteThrough('#a', 1, 2_000))
  await one!.write(tx => tx.keep.deleteThrough('#b', 1, 2_000))
  const noted = () => database.ask('SELECT block::int FROM spoken ORDER BY block')
  expect(await noted()).toEqual([{ block: 0 }, { block: 1 }])
  const late = await held(two!, tx => say(tx, 'other', '#c'))
  await one!.write(tx => tx.keep.forgetSilent(0))
  await late.release()
  const later = await held(two!, tx => say(tx, 'another', '#c'))
  await one!.write(tx => tx.keep.forgetSilent(0))
  expect(await noted()).toEqual([{ block: 1 }])
  await later.release()
})
