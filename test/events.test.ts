// Outcomes that append several events: one transaction, each event in its own stream, one key for all of them.
import { expect, test } from 'vitest'
import { createLogger } from '../src/base/log.ts'
import { createMetrics } from '../src/base/metrics.ts'
import { Committer, type Result } from '../src/relay/committer.ts'
import { ownJob } from '../src/relay/job.ts'
import type { Append, Outcome } from '../src/relay/feature.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'

const open = () => {
  const store = openSqlite({ data: ':memory:', durability: 'normal', migrations: [], newEpoch: () => '5b1f0c2e9a7d4433' })
  const metrics = createMetrics()
  const results: Result[] = []
  const committer = new Committer({
    store,
    clock: { now: () => 1_790_000_000_000 },
    log: createLogger({ level: 'silent', format: 'json' }),
    counts: metrics.counts,
    batchSize: metrics.batchSize,
    commitSeconds: metrics.commitSeconds,
  }, {
    maxQueueFrames: 100,
    maxQueueBytes: 1e6,
    inboxWaitMs: 0,
    allowlistStrict: false,
    deliver: done => {
      results.push(...done)
    },
    endTurn: () => {},
    reread: () => Promise.resolve(),
  })
  const run = async (...outcomes: readonly Outcome[]): Promise<readonly Result[]> => {
    results.length = 0
    for (const outcome of outcomes) committer.push(ownJob(() => outcome))
    await committer.idle()
    return [...results]
  }
  return {
    store,
    run,
    [Symbol.asyncDispose]: async () => {
      await store.close()
      metrics.close()
    },
  }
}

const said = (stream: string, content: string, more: Partial<Append<'MSG'>> = {}): Append<'MSG'> => ({
  stream,
  type: 'MSG',
  body: { from: '@alice', from_name: 'alice', to: '@bob', content },
  ...more,
})

test('events of one outcome are numbered in their streams and delivered together', async () => {
  await using relay = open()
  const [result] = await relay.run({ append: [said('one', 'a'), said('two', 'b', { inbox: ['@bob'] }), said('one', 'c')] })
  if (result?.kind !== 'done') throw new Error('failed')
  expect([result.event, ...result.more ?? []].map(event => [event?.append.stream, event?.stamp.seq, event?.inboxSeqs])).toEqual([
    ['one', 1, []],
    ['two', 1, [1]],
    ['one', 2, []],
  ])
  const page = await relay.store.read.log.page('one', { after: 0, limit: 10, maxBytes: 1e6 })
  expect(page.map(row => (JSON.parse(row.text.toString()) as { content: string }).content)).toEqual(['a', 'c'])
})

test('a key that was used before stores none of them again; for another first event it is refused', async () => {
  await using relay = open()
  const key = { agent: '@alice', id: '1' }
  await relay.run({ append: [said('one', 'a', { key }), said('two', 'b')] })
  const [again, other] = await relay.run({ append: [said('one', 'a', { key }), said('two', 'b')] }, {
    append: [said('one', 'x', { key }), said('two', 'b')],
  })
  expect(again).toMatchObject({ kind: 'done', duplicate: { seq: 1 } })
  expect(other).toMatchObject({ kind: 'failed', error: { code: 'ID_REUSED' } })
  expect(await relay.store.read.log.head('two')).toMatchObject({ seq: 1 })
})

test('the author of an event is who acted, not who it names', async () => {
  await using relay = open()
  const [result] = await relay.run({
    append: said('one', 'a', {
      body: { from: '@alice', from_name: 'alice', to: '@bob', content: 'a', by: '@bob' } as Append<'MSG'>['body'],
    }),
  })
  if (result?.kind !== 'done' || result.event === undefined) throw new Error('failed')
  expect((await relay.store.read.log.fate(result.event.stamp.msgId))?.author).toBe('@bob')
})
