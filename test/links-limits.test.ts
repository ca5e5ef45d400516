// What a link is held to, so that it costs nobody else anything; and homes that are gone, or not what they were.
import { expect, test } from 'vitest'
import { openKeeper } from '../src/app.ts'
import { whereOf } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import {
  adminKey,
  hostOf,
  link,
  linkBoth,
  linksOf,
  mirrored,
  signedFor,
  startLinkable,
  stranger,
  textsIn,
  trust,
  until,
} from './kit/linked.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const dayMs = 86_400_000

test('a link that brings more than fifty messages a second waits, and no other link does', async () => {
  await using home = await startLinkable()
  await using much = await stranger(home, 'a.example')
  await using other = await stranger(home, 'b.example')
  await until(async () => (await other.wire.answer(other.handed())).type === 'ACK')
  home.clock.stop()
  const takenOf = async () => {
    for (let taken = 0;; taken++) {
      const answer = await much.wire.answer(much.handed())
      if (answer.type === 'ACK') continue
      expect(answer).toMatchObject({ type: 'ERROR', code: 'RATE_LIMITED', retry_after_ms: expect.any(Number) as number })
      return taken
    }
  }
  expect(await takenOf()).toBe(500)
  await other.wire.ask(other.handed(), 'ACK')
  home.clock.advance(1_000)
  await until(async () => (await much.wire.answer(much.handed())).type === 'ACK')
  expect(await takenOf()).toBe(49)
  expect(await textsIn(home, '#general')).toHaveLength(552)
})

test('a link that brings what nobody signed is closed for a day, and no other one is', async () => {
  await using home = await startLinkable()
  await using bad = await stranger(home, 'a.example')
  await using other = await stranger(home, 'b.example')
  await until(async () => (await bad.wire.answer(bad.handed())).type === 'ACK')
  for (let i = 0; i < 100; i++) expect(await bad.wire.refusal(bad.handed({ content: 'y' }))).toMatchObject({ code: 'VERIFICATION_FAILED' })
  expect(await bad.wire.refusal(bad.handed())).toMatchObject({ code: 'LINK_REFUSED', retry_after_ms: expect.any(Number) as number })
  await other.wire.ask(other.handed(), 'ACK')
  home.clock.advance(dayMs)
  await until(async () => (await bad.wire.answer(bad.handed())).type === 'ACK')
})

test('what nobody signed is counted over restarts, and so is the day; whoever trusts the link anew ends it', async () => {
  using folder = newFolder()
  const start = () => startLinkable({ data: folder.path })
  const key = newKey()
  const host = 'a.example'
  const strike = async (home: TestRelay, count: number, isNew = false) => {
    await using bad = await stranger(home, host, { key, isNew })
    await until(async () => (await bad.wire.answer(bad.handed())).type === 'ACK')
    await bad.strike(count)
  }
  {
    await using home = await start()
    await strike(home, 60, true)
  }
  {
    await using home = await start()
    await strike(home, 40)
    expect(await linksOf(home)).toMatchObject([{ host, closed_until: expect.any(Number) as number }])
  }
  await using home = await start()
  await using bad = await stranger(home, host, { key, isNew: false })
  expect(await bad.wire.refusal(bad.handed())).toMatchObject({ code: 'LINK_REFUSED', retry_after_ms: expect.any(Number) as number })
  await trust(home, host, { trust: 'read' })
  await trust(home, host)
  expect((await linksOf(home))[0]).not.toHaveProperty('closed_until')
  await until(async () => (await bad.wire.answer(bad.handed())).type === 'ACK')
  await strike(home, 99)
  await using after = await stranger(home, host, { key, isNew: false })
  await until(async () => (await after.wire.answer(after.handed())).type === 'ACK')
})

test('what waits for a home that closed the link is handed on within a minute after its operator trusts the link again', async () => {
  await using here = await startLinkable()
  await using home = await startLinkable()
  const key = newKey()
  await using ann = await here.login('ann', { key })
  const name = `#general@${hostOf(home)}`
  await linkBoth(here, home, ['#general'])
  await mirrored(here, name, 0)
  await ann.ask({ type: 'JOIN', channel: name }, 'JOINED')
  await home.store.write(tx =>
    tx.tables<{ relay_links: { closed_until: number } }>().updateTable('relay_links').set({ closed_until: home.clock.now() + dayMs })
      .execute()
  )
  await ann.ask(signedFor(home, key, name, 'one', '1'), 'ACK')
  await until(async () => (await linksOf(here))[0]?.problem?.includes('had not signed'))
  await trust(home, hostOf(here))
  here.clock.advance(60_000)
  expect(await ann.next('SETTLED')).toMatchObject({ pub_id: '1', seq: 1 })
})

test('what was handed on is forgotten as fast as it came, however much there was since the last time', async () => {
  await using here = await startLinkable()
  const table = () => here.store.read.tables<{ handed: Readonly<Record<string, string | number>> }>()
  const count = async () => (await table().selectFrom('handed').select('n').execute()).length
  const row = { host: 'a.example', agent: '@a', to: '#general@a.example', content: '', body: '', at: 1, settled_at: 1 }
  for (let from = 0; from < 2_500; from += 500) {
    const rows = Array.from({ length: 500 }, (_, i) => ({ ...row, id: String(from + i) }))
    await here.store.write(tx =>
      tx.tables<{ handed: Readonly<Record<string, string | number>> }>().insertInto('handed').values(rows).execute()
    )
  }
  here.clock.advance(60_000)
  await until(async () => await count() === 0)
})

test('what waits for a home that does not come back is given up before it could be taken for a repeat, and the mirror stays', async () => {
  await using here = await startLinkable()
  const key = newKey()
  await using ann = await here.login('ann', { key })
  const home = await startLinkable()
  const name = `#general@${hostOf(home)}`
  await using bob = await home.login('bob')
  await bob.ask({ type: 'MSG', to: '#general', content: 'one' }, 'ACK')
  await linkBoth(here, home, ['#general'])
  await mirrored(here, name, 1)
  await ann.ask({ type: 'JOIN', channel: name, since: 0 }, 'JOINED')
  await ann.next('MSG')
  await home.drain()
  const message = signedFor(home, key, name, 'two', '1')
  expect(await ann.ask(message, 'ACK')).toMatchObject({ pending: true })
  here.clock.advance(20 * 3_600_000 + 60_000)
  expect(await ann.next('SETTLED')).toMatchObject({
    pub_id: '1',
    code: 'VERIFICATION_EXPIRED',
    message: expect.stringContaining('could not be reached in time') as string,
  })
  expect(await ann.refusal(message)).toMatchObject({ code: 'VERIFICATION_EXPIRED' })
  const { events } = await ann.ask({ type: 'HISTORY', channel: name, after: 0 }, 'HISTORY')
  expect(events).toMatchObject([{ content: 'one', seq: 1 }])
})

test('a home that was restored stops its mirrors, which stay as they are; linked again they begin anew', async () => {
  using folder = newFolder()
  await using way = await newProxy(0)
  const url = `ws://127.0.0.1:${way.port}`
  const host = hostOf({ url })
  const name = `#general@${host}`
  const startHome = async () => {
    const home = await startLinkable({ data: folder.path, publicUrls: [url] })
    way.leadTo(Number(new URL(home.url).port))
    return home
  }
  await using here = await startLinkable({ logLevel: 'silent' })
  const first = await startHome()
  const bob = await first.login('bob')
  for (const content of ['one', 'two']) await bob.ask({ type: 'MSG', to: '#general', content }, 'ACK')
  await link(here, first, ['#general'], { url, host })
  await mirrored(here, name, 2)
  await first.drain()
  await (await openKeeper()).renewEpoch({ ...await whereOf(folder.path), newEpoch: 'c'.repeat(16) })
  way.cut()
  await using home = await startHome()
  const stopped = await until(async () => (await linksOf(here))[0]?.mirrors.find(({ state }) => state === 'stopped'))
  expect(stopped).toMatchObject({ seq: 2, problem: expect.stringContaining('its relay was restored') as string })
  expect(await textsIn(here, name)).toHaveLength(2)
  await using operator = await here.connect()
  await operator.ask({ type: 'ADMIN_UNLINK', admin_key: adminKey, host }, 'LINKS')
  await link(here, home, ['#general'], { url, host })
  await mirrored(here, name, 2)
})
