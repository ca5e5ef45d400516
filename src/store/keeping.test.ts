import { expect, test } from 'vitest'
import { openKeptLog } from '../../test/kit/kept-log.ts'
import { blankedAfter } from './blanked.ts'
import { eraseSome } from './keeping.ts'
import { SilentRound } from './spoken.ts'

test('an erasure looks at the blocks of events in which the agent spoke, a part of one at a time', async () => {
  const store = openKeptLog()
  const text = (author: string) =>
    Buffer.from(JSON.stringify({ type: 'MSG', ts: 1, from: author, to: '#c', content: 'secret', msg_id: 'x' }))
  const said = [100, 9_000, 9_001, 40_000]
  await store.write(tx => {
    for (let i = 1; i <= 50_000; i++) {
      const author = said.includes(i) ? '@ann' : '@bob'
      void tx.log.append({ stream: '#c', author }, 1, () => text(author))
    }
  })
  await store.write(tx => tx.keep.beginErasure('@ann'))
  let steps = 0
  let step
  do {
    step = await store.write(tx => eraseSome(tx, '@ann', 2))
    steps++
  } while (!step.done && steps < 100)
  expect(step.events).toBe(said.length)
  // Three blocks of 4,096, five hundred at once; the whole log would be 100.
  expect(steps).toBeLessThanOrEqual(28)
  const rows = await store.read.log.page('#c', { after: 0, limit: 50_000, maxBytes: 1e9 })
  const erased = rows.filter(row => row.text.includes('"erased":true')).map(row => row.seq)
  expect(erased).toEqual(said)
  await store.close()
}, 30_000)

test('who has nothing left in a block of events is forgotten there, a block at a time, and only while events go', async () => {
  const store = openKeptLog()
  const append = (count: number, author: (i: number) => string) =>
    store.write(tx => {
      for (let i = 1; i <= count; i++) void tx.log.append({ stream: '#c', author: author(i) }, 1, () => Buffer.from('{}'))
    })
  const noted = async () =>
    (await store.read.tables<{ spoken: { author: string, block: number } }>().selectFrom('spoken').select(['author', 'block']).orderBy(
      'block',
    )
      .orderBy('author').execute()).map(({ author, block }) => `${author} ${block}`)
  const round = new SilentRound()
  const turn = () => store.write(tx => round.turn(tx))
  // Blocks 0 to 2; everybody in the first, two later.
  await append(4_095, i => `@a${i % 50}`)
  await append(4_096, i => `@b${i % 2}`)
  await append(100, () => '@c')
  await store.write(tx => tx.keep.agentUses())
  expect(await noted()).toHaveLength(50 + 2 + 1)
  for (let i = 0; i < 5; i++) await turn()
  expect(await noted()).toHaveLength(50 + 2 + 1)
  // The first block but for one event, by @a45.
  await store.write(tx => tx.keep.deleteThrough('#c', 4_094, 2))
  round.went()
  await turn()
  expect(await noted()).toEqual(['@a45 0', '@b0 1', '@b1 1', '@c 2'])
  await store.write(tx => tx.keep.deleteThrough('#c', 4_095 + 4_095, 2))
  round.went()
  const looked = []
  for (let i = 0; i < 6; i++) {
    await turn()
    looked.push((await noted()).length)
  }
  // A block in each turn: what went behind the round is found in the next one.
  expect(looked).toEqual([3, 3, 3, 2, 2, 2])
  expect(await noted()).toEqual(['@b0 1', '@c 2'])
  const { writes } = await store.write(async tx => {
    await round.turn(tx)
    return { writes: tx.writes }
  })
  expect(writes).toBe(0)
  await store.close()
}, 30_000)

test('of what was blanked and went the newest notes stay; of a channel that ended the one from which numbers go on', async () => {
  const store = openKeptLog()
  const text = (seq: number) => Buffer.from(JSON.stringify({ type: 'MSG', ts: 1, from: '@a', to: '#c', content: 'x', msg_id: `${seq}` }))
  await store.write(tx => {
    for (let i = 1; i <= 1_300; i++) void tx.log.append({ stream: '#c', author: '@a' }, 1, () => text(i))
  })
  await store.write(async tx => {
    for (let seq = 1; seq <= 1_200; seq++) await tx.keep.blank('#c', seq, 1)
  })
  const notes = async () => {
    const found = await blankedAfter(store.read, (await store.read.log.streamId('#c'))!, 0, 2_000)
    return [found.length, found[0], found.at(-1)]
  }
  const newest = { n: 1_200, seq: 1_200 }
  await store.write(tx => tx.keep.deleteThrough('#c', 100, 2))
  expect(await notes()).toEqual([1_100, { n: 101, seq: 101 }, newest])
  // The thousandth and those before are gone, of those there are the notes.
  await store.write(tx => tx.keep.deleteThrough('#c', 500, 2))
  expect(await notes()).toEqual([1_001, { n: 200, seq: 200 }, newest])
  await store.write(tx => tx.log.end('#c'))
  while ((await store.write(tx => tx.keep.clearEnded('#c', 3))).deleted > 0);
  expect(await notes()).toEqual([1, newest, newest])
  await store.close()
})
