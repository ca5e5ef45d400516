// What would leave a mirror behind its home for ever: a home that tells nothing, one that puts the link out, others that are busier, a clock that
// is put back, and another link of which nothing can be stored.
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { expect, test } from 'vitest'
import { isOver, none, waitOf } from '../src/bridges/wait.ts'
import { databaseName } from '../src/keeping/files.ts'
import { newFolder } from './kit/folder.ts'
import { startGoBetween } from './kit/go-between.ts'
import { adminKey, hostOf, link, linksOf, mirrored, startLinkable, until } from './kit/linked.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'

const say = (content: string, to = '#general') => ({ type: 'MSG', to, content })
const mirrorOf = async (at: TestRelay, channel: string) =>
  (await linksOf(at)).flatMap(({ mirrors }) => mirrors).find(each => each.channel === channel)
const stopped = (at: TestRelay, channel: string) =>
  until(async () => {
    const found = await mirrorOf(at, channel)
    return found?.state === 'stopped' && found
  })

/** A home behind a relay that hears all that is said to it. */
const between = async (trick: Parameters<typeof startGoBetween>[1]) => {
  const way = await newProxy(0)
  const url = `ws://127.0.0.1:${way.port}`
  const home = await startLinkable({ publicUrls: [url] })
  const asked = await startGoBetween(home.url, trick)
  way.leadTo(Number(new URL(asked.url).port))
  return {
    ...{ home, asked, url, host: hostOf({ url }) },
    async [Symbol.asyncDispose]() {
      await asked[Symbol.asyncDispose]()
      await home.drain()
      await way[Symbol.asyncDispose]()
    },
  }
}

test('a home that tells nothing of what is said is looked at all the same', async () => {
  await using there = await between({ toVisitor: frame => frame.type === 'MSG' ? { type: 'PONG' } : frame })
  await using here = await startLinkable()
  await using bob = await there.home.login('bob')
  await bob.ask(say('one'), 'ACK')
  const name = `#general@${there.host}`
  await link(here, there.home, ['#general'], there)
  await mirrored(here, name, 1)
  await bob.ask(say('two'), 'ACK')
  here.clock.advance(120_000)
  await mirrored(here, name, 2)
  // It is a member there again, in case it was not.
  expect(there.asked.asked.filter(({ type }) => type === 'JOIN')).toHaveLength(2)
})

test.each(
  [
    ['put out of a channel', { type: 'REMOVE_MEMBER' }, 'put out of it'],
    ['where the channel is deleted', { type: 'DELETE_CHANNEL' }, 'it was deleted there'],
  ] as const,
)('a link that is %s stops that mirror, says why, and goes on when its operator says so', async (_, request, why) => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  await using bob = await home.login('bob')
  await bob.ask({ type: 'CREATE_CHANNEL', channel: '#ours' }, 'JOINED')
  await bob.ask(say('one', '#ours'), 'ACK')
  const name = `#ours@${hostOf(home)}`
  await link(here, home, ['#ours'])
  await mirrored(here, name, 1)
  const member = `@${here.serverId.slice(0, 16)}`
  await bob.ask({ ...request, channel: '#ours', ...(request.type === 'REMOVE_MEMBER' && { agent: member }) }, 'OK')
  expect(await stopped(here, name)).toMatchObject({ seq: 1, problem: expect.stringContaining(why) as string })
  await using ann = await here.login('ann')
  await ann.ask({ type: 'JOIN', channel: name, since: 0 }, 'JOINED')
  expect(await ann.next('MSG')).toMatchObject({ content: 'one' })
  if (request.type === 'DELETE_CHANNEL') return
  await bob.ask(say('two', '#ours'), 'ACK')
  await link(here, home, ['#ours'])
  expect(await ann.next('MSG')).toMatchObject({ content: 'two', seq: 2 })
})

test('a home that shows less than it did is not gone on with', async () => {
  let isLess = false
  await using there = await between({
    toVisitor: frame => isLess && frame.type === 'HISTORY' ? { ...frame, seq: 1, events: [] } : frame,
  })
  await using here = await startLinkable({ logLevel: 'silent' })
  await using bob = await there.home.login('bob')
  for (const content of ['one', 'two']) await bob.ask(say(content), 'ACK')
  const name = `#general@${there.host}`
  await link(here, there.home, ['#general'], there)
  await mirrored(here, name, 2)
  isLess = true
  await bob.ask(say('three'), 'ACK')
  expect(await stopped(here, name)).toMatchObject({ seq: 2, problem: 'its relay has 1 events and had 2: it went back' })
})

test('channels take turns: what is long of four keeps no fifth waiting', async () => {
  await using there = await between({})
  await using here = await startLinkable()
  await using bob = await there.home.login('bob')
  const channels = ['#a', '#b', '#c', '#d', '#e']
  for (const channel of channels) {
    await bob.ask({ type: 'CREATE_CHANNEL', channel }, 'JOINED')
    const count = channel === '#e' ? 1 : 601
    for (let i = 0; i < count; i++) bob.send({ ...say(`${i}`, channel), id: `${channel}${i}` })
    await until(async () => (await there.home.store.read.log.head(channel)).seq === count)
  }
  await link(here, there.home, channels, there)
  await mirrored(here, `#e@${there.host}`, 1)
  for (const channel of channels.slice(0, 4)) await mirrored(here, `${channel}@${there.host}`, 601)
  const pages = there.asked.asked.filter(({ type }) => type === 'HISTORY').map(({ channel }) => channel)
  expect(pages.indexOf('#e')).toBeLessThan(8)
})

test('a clock that is put back makes no wait longer', async () => {
  expect([none, waitOf(60_000, 100_000)].map(wait => [99_999, 100_000, 159_999, 160_000].map(now => isOver(wait, now))))
    .toEqual([[true, true, true, true], [true, false, false, true]])
  await using home = await startLinkable()
  await using here = await startLinkable()
  const name = `#later@${hostOf(home)}`
  await link(here, home, ['#later'])
  await until(async () => (await mirrorOf(here, name))?.problem)
  await using bob = await home.login('bob')
  await bob.ask({ type: 'CREATE_CHANNEL', channel: '#later' }, 'JOINED')
  here.clock.advance(-3_600_000)
  await mirrored(here, name, 0)
})

test('what cannot be stored of one link keeps none of the others waiting', async () => {
  using folder = newFolder()
  await using first = await startLinkable()
  await using second = await startLinkable()
  const homes = [first, second]
  const names = homes.map(home => `#general@${hostOf(home)}`)
  await using here = await startLinkable({ data: folder.path, logLevel: 'silent' })
  for (const home of homes) await link(here, home, ['#general'])
  for (const name of names) await mirrored(here, name, 0)
  const database = new BetterSqlite3(join(folder.path, databaseName))
  for (const [sick, well] of [[0, 1], [1, 0]] as const) {
    database.exec(`CREATE TRIGGER sick BEFORE UPDATE OF upto ON mirrors WHEN NEW.channel = '${names[sick]}' AND NEW.upto > OLD.upto
      BEGIN SELECT RAISE(ABORT, 'no room'); END`)
    for (const home of [homes[sick], homes[well]]) {
      await using bob = await home!.login('bob')
      await bob.ask(say('hello'), 'ACK')
    }
    const before = (await mirrorOf(here, names[well]!))!.seq
    await mirrored(here, names[well]!, before + 1)
    database.exec('DROP TRIGGER sick')
    await mirrored(here, names[sick]!, 1)
  }
  database.close()
  await using operator = await here.connect()
  expect(await operator.ask({ type: 'ADMIN_LINKS', admin_key: adminKey }, 'LINKS')).toBeDefined()
})

test('a name that leads into the network of the relay is not followed, unless its operator named that address', async () => {
  await using home = await startLinkable()
  await using bob = await home.login('bob')
  await bob.ask(say('one'), 'ACK')
  const host = `relay.example:${new URL(home.url).port}`
  const asked: string[] = []
  const resolve = (name: string) => {
    asked.push(name)
    return Promise.resolve([{ address: '127.0.0.1', family: 4 }])
  }
  await using here = await startLinkable({}, { resolve })
  await link(here, home, ['#general'], { host, url: `ws://${host}` })
  const problem = await until(async () => (await linksOf(here))[0]?.problem)
  expect(problem).toContain('relay.example is at an address that may not be reached')
  expect(asked).toContain('relay.example')
  await using open = await startLinkable({ outboundAllow: ['127.0.0.1'] }, { resolve })
  await link(open, home, ['#general'], { host, url: `ws://${host}` })
  // It answers at another address than it says it is at: so far it came.
  expect(await until(async () => (await linksOf(open))[0]?.problem)).not.toContain('may not be reached')
})

test('clocks that are further apart than a login allows are told of, and nothing is asked until they fit', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable()
  const name = `#general@${hostOf(home)}`
  here.clock.advance(3_600_000)
  await link(here, home, ['#general'])
  expect(await until(async () => (await linksOf(here))[0]?.problem)).toContain('check the clock')
  here.clock.advance(-3_600_000)
  await mirrored(here, name, 0)
})
