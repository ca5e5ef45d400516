// What two processes decide about is divided in one order: whoever waits for a scope holds nothing that the other one waits for.
import { expect, test } from 'vitest'
import { createLogger } from '../../src/base/log.ts'
import { createMetrics } from '../../src/base/metrics.ts'
import { Committer, ownJob, type Result } from '../../src/relay/committer.ts'
import { writeMeta } from '../../src/store/meta.ts'
import { openStore } from '../../src/store/open.ts'
import type { Tx } from '../../src/store/store.ts'
import { newDatabase } from '../kit/postgres.ts'

const committerOn = async (url: string) => {
  const store = await openStore({
    store: url,
    isShared: true,
    data: '',
    durability: 'full',
    migrations: [],
    newEpoch: () => 'e'.repeat(16),
  })
  const metrics = createMetrics()
  const results: Result[] = []
  const committer = new Committer({
    store,
    clock: { now: Date.now },
    log: createLogger({ level: 'silent', format: 'json', destination: { write: () => undefined } }),
    ...metrics,
  }, {
    ...{ maxQueueFrames: 100, maxQueueBytes: 1e6, inboxWaitMs: 0 },
    deliver: more => results.push(...more),
    endTurn: () => undefined,
    reread: () => Promise.resolve(),
  })
  return {
    committer,
    results,
    [Symbol.asyncDispose]: async () => {
      metrics.close()
      await store.close()
    },
  }
}

test('a write that has a row, and one of a scope behind it, do not wait for somebody who has the scope and wants the row', async () => {
  await using database = await newDatabase()
  await using one = await committerOn(database.url)
  await using two = await committerOn(database.url)
  const decided: string[] = []
  const row = (name: string) => async (tx: Tx) => {
    decided.push(name)
    await writeMeta(tx, 'row', name)
    return undefined
  }
  let locked = (): void => {}
  const hasScope = new Promise<void>(resolve => {
    locked = resolve
  })
  let written = (): void => {}
  const hasRow = new Promise<void>(resolve => {
    written = resolve
  })
  // The second has the scope, and wants the row once the first has it.
  two.committer.push(ownJob(async tx => {
    locked()
    await hasRow
    return row('two')(tx)
  }, { scope: 'trade' }))
  await hasScope
  one.committer.push(ownJob(async tx => {
    await row('one')(tx)
    written()
    return undefined
  }))
  one.committer.push(ownJob(row('one, of the scope'), { scope: 'trade' }))
  await one.committer.idle()
  await two.committer.idle()
  expect([...one.results, ...two.results].map(({ kind }) => kind)).toEqual(['done', 'done', 'done'])
  // Each was decided once: the database had nobody to turn back.
  expect(decided.sort()).toEqual(['one', 'one, of the scope', 'two'])
})
