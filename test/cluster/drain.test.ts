// One of several processes is drained: it says so, takes nobody new, gives up what it alone did, serves whom it has until they are told to go, and
// they resume at another.
import { describe, expect, test } from 'vitest'
import { noNats } from '../kit/nats-run.ts'
import { TestNats } from '../kit/nats.ts'
import { newDatabase } from '../kit/postgres.ts'
import { startTestRelay } from '../kit/relay.ts'
import { connect, login, newKey } from '../kit/wire.ts'

const comesTrue = async (look: () => Promise<boolean>): Promise<void> => {
  while (!await look()) await new Promise(resolve => setTimeout(resolve, 50))
}

describe.skipIf(noNats !== undefined)('one of two processes', () => {
  test('is seen to drain, turns new ones back with a time, hands its duties over at once, and its clients resume elsewhere', async () => {
    await using database = await newDatabase()
    await using nats = await TestNats.start()
    const start = (node: string) =>
      startTestRelay({
        store: database.url,
        nats: nats.url,
        node,
        drainNoticeMs: 120_000,
        maxFileBytes: 0,
        directory: true,
        directoryPeers: ['http://127.0.0.1:9'],
      })
    const one = await start('one')
    const nodes = async () =>
      (await database.ask<{ name: string, state: string }>('SELECT name, state FROM nodes ORDER BY name')).map(row =>
        `${row.name} ${row.state}`
      )
    const owner = async () => (await database.ask<{ owner: string }>("SELECT owner FROM duties WHERE name = 'directory peers'"))[0]?.owner
    // What one process does alone is that one's which asked first.
    await comesTrue(async () => await owner() !== undefined)
    const before = await owner()
    await using two = await start('two')
    const key = newKey()
    await using ada = await login(one.url, 'ada', { key })
    await using late = await connect(one.url)
    const drained = one.drain()
    await comesTrue(async () => (await nodes()).includes('one draining'))
    expect(await nodes()).toEqual(['one draining', 'two serving'])
    expect(await (await fetch(`${one.httpUrl}/readyz`)).text()).toMatch(/draining/)
    expect(await (await fetch(`${one.httpUrl}/health`)).json()).toMatchObject({ status: 'draining' })
    // Long before its lease is over.
    await comesTrue(async () => await owner() !== undefined)
    expect(await owner()).not.toBe(before)
    // Whoever had not logged in, and whoever comes now.
    expect(await late.next('GOING_AWAY')).toMatchObject({ reason: 'restarting', retry_after_ms: expect.any(Number) })
    await using fresh = await connect(one.url)
    expect(await fresh.next('GOING_AWAY')).toMatchObject({ retry_after_ms: expect.any(Number) })
    expect(await fresh.closed()).toMatchObject({ code: 1012 })
    // Who is here is served, and heard at the other.
    await using bob = await login(two.url, 'bob', { key: newKey() })
    await ada.ask({ type: 'MSG', to: '#general', content: 'still here', id: '1' }, 'ACK')
    expect(await bob.next('MSG')).toMatchObject({ content: 'still here', seq: 1 })
    await ada[Symbol.asyncDispose]()
    await drained

    expect(await nodes()).toEqual(['two serving'])
    await using adaAtTwo = await login(two.url, 'ada', { key, autojoin: false, inbox: 'none' })
    await bob.ask({ type: 'MSG', to: '#general', content: 'and here', id: '2' }, 'ACK')
    await adaAtTwo.ask({ type: 'JOIN', channel: '#general', since: 1 }, 'JOINED')
    expect(await adaAtTwo.next('MSG')).toMatchObject({ content: 'and here', seq: 2 })
  }, 60_000)
})
