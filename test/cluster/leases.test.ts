// Workers of one agent at two processes: each entry is one's alone, and comes to the other when the process of whoever had it is away for
// longer than the lease. Who was away holds nothing any more.
import { expect, test } from 'vitest'
import type { FrameBody } from '../../lib/protocol/index.ts'
import { startTestCluster } from '../kit/cluster.ts'
import { urlOf } from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'
import { newKey, type Wire } from '../kit/wire.ts'

type Item = FrameBody<'CLAIMED'>['items'][number]

const rounds = 10

test("what two workers at two processes claim at once is one worker's alone; what one has that is cut off comes to the other", async () => {
  await using line = await newProxy(0)
  await using cluster = await startTestCluster(2, {}, {
    storeOf: ({ server, name, url }, n) => {
      line.leadTo(server.port)
      return n === 1 ? urlOf({ ...server, port: line.port }, name, true) : url
    },
  })
  const { nodes, buses, clock, database } = cluster
  const key = newKey()
  const worker = (n: number) => nodes[n]!.login('bob', { key, autojoin: false, inbox: 'manual', session: `worker${n}` })
  await using one = await worker(0)
  await using two = await worker(1)
  await using ann = await nodes[1]!.login('ann', { key: newKey(), autojoin: false })
  const say = (content: string) => ann.ask({ type: 'MSG', to: key.id, content }, 'ACK')
  const claim = async (wire: Wire, lease_ms = 60_000): Promise<Item | undefined> =>
    (await wire.ask({ type: 'CLAIM', limit: 1, lease_ms }, 'CLAIMED')).items[0]
  const done = (wire: Wire, { lease }: Item) => wire.answer({ type: 'DONE', lease })
  const atOnce = () => Promise.all([one, two].map(wire => claim(wire)))

  // For each there is one.
  for (let n = 0; n < rounds * 2; n++) await say(`${n}`)
  const claimed: Item[] = []
  for (let round = 0; round < rounds; round++) {
    const items = (await atOnce()).map(item => item!)
    expect(await Promise.all([one, two].map((wire, i) => done(wire, items[i]!)))).toMatchObject([{ type: 'OK' }, { type: 'OK' }])
    claimed.push(...items)
  }
  expect(claimed.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: rounds * 2 }, (_, i) => i + 1))
  expect(claimed.map(({ attempt }) => attempt)).toEqual(claimed.map(() => 1))
  // There is one for both.
  for (let round = 0; round < rounds; round++) {
    await say(`for one ${round}`)
    const items = await atOnce()
    expect(items.filter(item => item !== undefined)).toMatchObject([{ seq: rounds * 2 + round + 1, attempt: 1 }])
    const [wire, item] = items[0] === undefined ? [two, items[1]!] : [one, items[0]]
    expect(await done(wire, item)).toMatchObject({ type: 'OK' })
  }

  // Whoever has the last one is cut off with its process.
  await say('last')
  const lost = await claim(one, 10_000)
  expect(lost).toMatchObject({ attempt: 1, event: { content: 'last' } })
  expect(await claim(two)).toBeUndefined()
  buses[0]!.isCut = true
  line.leadTo(1)
  line.cut()
  clock.advance(10_000)
  const found = await claim(two)
  expect(found).toMatchObject({ seq: lost!.seq, attempt: 2, event: { content: 'last' } })
  line.leadTo(database.server.port)
  buses[0]!.mend()
  while (!(await fetch(`${nodes[0]!.httpUrl}/readyz`)).ok) await new Promise(resolve => setTimeout(resolve, 20))
  expect(await done(one, lost!)).toMatchObject({ code: 'LEASE_OVER' })
  expect(await done(two, found!)).toMatchObject({ type: 'OK' })
  expect(await atOnce()).toEqual([undefined, undefined])
})
