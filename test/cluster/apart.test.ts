// Processes that do not reach each other, or not the database: what their clients see, and that nothing is missed.
import { describe, expect, test } from 'vitest'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import { SlowBus, startTestCluster, type TestCluster } from '../kit/cluster.ts'
import { urlOf } from '../kit/postgres.ts'
import { newProxy } from '../kit/proxy.ts'
import { startTestRelay } from '../kit/relay.ts'
import { newKey, type Wire } from '../kit/wire.ts'

const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 20))
}

const healthOf = async ({ nodes }: TestCluster, n: number) =>
  await (await fetch(`${nodes[n]!.httpUrl}/health`)).json() as {
    readonly status: string
    readonly reason?: string
    readonly nodes: { readonly behind: number, readonly bus: string }
  }

const both = async (use: (one: Wire, two: Wire, cluster: TestCluster) => Promise<void>): Promise<void> => {
  await using cluster = await startTestCluster(2, { adminKey: 'open sesame, please' })
  await using one = await cluster.nodes[0]!.login('ann', { key: newKey() })
  await using two = await cluster.nodes[1]!.login('bob', { key: newKey() })
  await use(one, two, cluster)
}

describe('a process that is not heard, though NATS is there', () => {
  test('has what it stores looked up by the others, who say so, until it is heard again', () =>
    both(async (ann, bob, cluster) => {
      const { buses, clock, nodes } = cluster
      await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
      await bob.ask({ type: 'JOIN', channel: '#plans' }, 'JOINED')
      const eve = await nodes[1]!.login('eve', { key: newKey() })
      // What it says is lost, and it hears the others.
      buses[0]!.loses = () => true
      clock.advance(4_000)
      await ann.ask(say('is anybody there?'), 'ACK')
      await ann.ask(say('to you', bob.id), 'ACK')
      expect((await bob.take('MSG', 2)).map(({ content }) => content).sort()).toEqual(['is anybody there?', 'to you'])
      await ann.ask({ type: 'REMOVE_MEMBER', channel: '#plans', agent: bob.id }, 'OK')
      expect(await bob.next('LEFT')).toMatchObject({ channel: '#plans' })
      await ann.ask({ type: 'ADMIN_BAN', admin_key: 'open sesame, please', agent_id: eve.id }, 'ADMIN_RESULT')
      expect(await eve.closed()).toMatchObject({ reason: 'BANNED' })
      expect(await healthOf(cluster, 1)).toMatchObject({
        status: 'degraded',
        reason: expect.stringContaining('not heard') as string,
        nodes: { bus: 'up' },
      })
      // The other way nothing is lost.
      await bob.ask(say('I am'), 'ACK')
      expect((await ann.take('MSG', 3)).map(({ content }) => content)).toEqual(['is anybody there?', 'to you', 'I am'])

      buses[0]!.loses = () => false
      await comesTrue(async () => {
        const { status, nodes: { behind } } = await healthOf(cluster, 1)
        return status === 'healthy' && behind === 0
      })
    }))
})

describe('a process whose name another one took while it stood still', () => {
  test('says that it has to be started again, and its clients are told to come back', () =>
    both(async (ann, _bob, { nodes, database, clock }) => {
      // Its lease is over, and it does not know that yet: it stands still.
      clock.stop()
      await nodes[0]!.store.write(() => undefined)
      await database.ask("UPDATE nodes SET until = 0 WHERE name = 'node1'")
      const config = { store: database.url, nats: 'nats://in.memory', node: 'node1', maxFileBytes: 0 }
      const bus = new SlowBus(new MemoryBus<BusMessage>().join('node1'), 0, Math.random, false)
      await using later = await startTestRelay(config, { bus, pace: { isOwnTime: true } }, { clock })
      clock.go()
      clock.advance(3_000)
      expect(await nodes[0]!.renewed).toContain('runs under the name')
      const drained = nodes[0]!.drain()
      expect(await ann.next('GOING_AWAY')).toMatchObject({ reason: 'restarting' })
      expect(await ann.closed()).toMatchObject({ code: 1012 })
      await drained
      // What it says of its end takes nothing of the other one.
      const names = async () => (await database.ask<{ name: string }>('SELECT name FROM nodes ORDER BY name')).map(({ name }) => name)
      expect(await names()).toEqual(['node1', 'node2'])
      await using again = await later.login('ann', { key: newKey() })
      await again.ask(say('here'), 'ACK')
    }))
})

describe.concurrent('a process that the database does not answer', () => {
  test('sends its clients to the others that it answers, and serves again when it answers', async ({ expect }) => {
    await using line = await newProxy(0)
    await using cluster = await startTestCluster(2, {}, {
      storeOf: ({ server, name, url }, n) => {
        line.leadTo(server.port)
        return n === 1 ? urlOf({ ...server, port: line.port }, name, true) : url
      },
    })
    const { nodes, clock, database } = cluster
    const key = newKey()
    await using ann = await nodes[0]!.login('ann', { key })
    await using bob = await nodes[1]!.login('bob', { key: newKey() })
    line.leadTo(1)
    line.cut()
    expect(await ann.answer(say('stored?'))).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
    expect((await fetch(`${nodes[0]!.httpUrl}/readyz`)).status).toBe(503)
    clock.advance(20_000)
    expect(await ann.next('GOING_AWAY')).toMatchObject({ reason: 'restarting', retry_after_ms: expect.any(Number) as number })
    expect(await ann.closed()).toMatchObject({ code: 1012 })
    // A balancer may send somebody here yet.
    await using late = await nodes[0]!.connect()
    expect(await late.next('GOING_AWAY')).toMatchObject({ retry_after_ms: expect.any(Number) as number })
    expect(await late.closed()).toMatchObject({ code: 1012 })
    // Nobody of the other one goes.
    await using annAtTwo = await nodes[1]!.login('ann', { key })
    await bob.ask(say('here'), 'ACK')
    expect(await annAtTwo.next('MSG')).toMatchObject({ content: 'here' })
    line.leadTo(database.server.port)
    await comesTrue(async () => (await fetch(`${nodes[0]!.httpUrl}/readyz`)).ok)
    await using eve = await nodes[0]!.login('eve', { key: newKey() })
    await eve.ask(say('and here'), 'ACK')
    expect(await annAtTwo.next('MSG')).toMatchObject({ content: 'and here' })
  }, 60_000)

  test('sends them to the others where it hears nobody either, and who comes then is told, until it hears and is answered again',
    async ({ expect }) => {
      await using line = await newProxy(0)
      await using cluster = await startTestCluster(2, {}, {
        storeOf: ({ server, name, url }, n) => {
          line.leadTo(server.port)
          return n === 1 ? urlOf({ ...server, port: line.port }, name, true) : url
        },
      })
      const { nodes: [one, two], buses, clock, database } = cluster
      const key = newKey()
      await using ann = await one!.login('ann', { key })
      await using bob = await two!.login('bob', { key: newKey() })
      buses[0]!.isCut = true
      line.leadTo(1)
      line.cut()
      expect(await ann.answer(say('stored?'))).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
      // Long after it heard last that the database answers anybody.
      clock.advance(20_000)
      expect(await ann.next('GOING_AWAY')).toMatchObject({ reason: 'restarting', retry_after_ms: expect.any(Number) as number })
      expect(await ann.closed()).toMatchObject({ code: 1012 })
      await using late = await one!.connect()
      expect(await late.next('GOING_AWAY')).toMatchObject({ retry_after_ms: expect.any(Number) as number })
      expect(await late.closed()).toMatchObject({ code: 1012 })
      // The other one goes on.
      await using annAtTwo = await two!.login('ann', { key })
      await bob.ask(say('here'), 'ACK')
      expect(await annAtTwo.next('MSG')).toMatchObject({ content: 'here', seq: 1 })
      line.leadTo(database.server.port)
      buses[0]!.mend()
      await comesTrue(async () => (await fetch(`${one!.httpUrl}/readyz`)).ok)
      await using eve = await one!.login('eve', { key: newKey() })
      await eve.ask(say('and here'), 'ACK')
      expect(await annAtTwo.next('MSG')).toMatchObject({ content: 'and here', seq: 2 })
      await bob.ask(say('heard again'), 'ACK')
      expect((await eve.take('MSG', 2)).map(({ seq }) => seq)).toEqual([2, 3])
    }, 60_000)

  test('keeps them where it answers nobody', async ({ expect }) => {
    await using line = await newProxy(0)
    await using cluster = await startTestCluster(2, {}, {
      storeOf: ({ server, name }) => {
        line.leadTo(server.port)
        return urlOf({ ...server, port: line.port }, name, true)
      },
    })
    const { nodes: [one, two], clock, database } = cluster
    await using ann = await one!.login('ann', { key: newKey() })
    await using bob = await two!.login('bob', { key: newKey() })
    line.leadTo(1)
    line.cut()
    const answers = await Promise.all([ann, bob].map(wire => wire.answer(say('stored?'))))
    expect(answers).toMatchObject([{ code: 'STORAGE_UNAVAILABLE' }, { code: 'STORAGE_UNAVAILABLE' }])
    clock.advance(20_000)
    // They are looked at again and again.
    for (const wire of [ann, bob]) for (let n = 0; n < 5; n++) await wire.ask({ type: 'PING' }, 'PONG')
    line.leadTo(database.server.port)
    await comesTrue(async () => (await Promise.all([one, two].map(node => fetch(`${node!.httpUrl}/readyz`)))).every(({ ok }) => ok))
    await ann.ask(say('stored'), 'ACK')
    expect(await bob.next('MSG')).toMatchObject({ content: 'stored' })
  }, 60_000)
})
