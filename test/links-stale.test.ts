// Whoever reads a mirror whose home is gone, or does not go on, is told since when it was not heard: at any time, after a restart, and not when it is.
import { afterAll, expect, test } from 'vitest'
import { Cli } from './kit/cli.ts'
import { newFolder } from './kit/folder.ts'
import { adminKey, hostOf, link, linksOf, mirrored, startLinkable, until } from './kit/linked.ts'
import { newProxy } from './kit/proxy.ts'
import type { TestRelay } from './kit/relay.ts'

const cli = new Cli()
afterAll(() => cli[Symbol.dispose]())

/** What a reader is told of a mirror: by JOINED, and the same by HEAD. */
const toldOf = async (at: TestRelay, name: string): Promise<number | undefined> => {
  await using reader = await at.login('reader', { autojoin: false })
  for (let tries = 1;; tries++) {
    const { stale_since: since } = await reader.ask({ type: 'JOIN', channel: name, limit: 0 }, 'JOINED')
    const { stale_since: ofHead } = await reader.ask({ type: 'HEAD', channel: name }, 'HEAD')
    if (since === ofHead) return since
    // The home may have been heard between the two.
    if (tries === 3) throw new Error(`JOINED says ${since}, and HEAD ${ofHead}`)
  }
}
/** The same once it is told, as time goes by. */
const told = (at: TestRelay, name: string): Promise<number> =>
  until(() => {
    at.clock.advance(1_000)
    return toldOf(at, name)
  })

test('a home that is gone is told with the time, also by the command line and after a restart, until it is there again', async () => {
  using folders = newFolder()
  await using way = await newProxy(0)
  const url = `ws://127.0.0.1:${way.port}`
  const name = `#general@${hostOf({ url })}`
  const startHome = async () => {
    const home = await startLinkable({ data: folders.at('home'), publicUrls: [url] })
    way.leadTo(Number(new URL(home.url).port))
    return home
  }
  const startHere = (links: 'listed' | 'off' = 'listed') => startLinkable({ data: folders.at('here'), links })
  const first = await startHome()
  {
    await using bob = await first.login('bob')
    await bob.ask({ type: 'MSG', to: '#general', content: 'one' }, 'ACK')
  }
  let here = await startHere()
  try {
    await link(here, first, ['#general'], { url })
    await mirrored(here, name, 1)
    here.clock.advance(60_000)
    // With the next turn of the links it is known that the home is there.
    await until(async () => await toldOf(here, name) === undefined)

    const before = here.clock.now()
    await first.drain()
    const since = await told(here, name)
    expect(since).toBeGreaterThanOrEqual(before)
    expect(since).toBeLessThanOrEqual(here.clock.now() - 10_000)
    const heard = await cli.run(['listen', here.url, name, '--since', 'all', '-m', '1'])
    expect(heard).toMatchObject({ code: 0, json: [{ content: 'one' }] })
    expect(heard.stderr).toContain(`${name}: its home is not heard since ${new Date(since).toISOString()}`)

    const { clock } = here
    await here.drain()
    here = await startHere()
    here.clock.advance(clock.now() - here.clock.now())
    expect(await toldOf(here, name)).toBe(since)

    await using _home = await startHome()
    await until(async () => await toldOf(here, name) === undefined)
    expect((await cli.run(['listen', here.url, name, '--since', 'all', '-m', '1'])).stderr).not.toContain('is not heard')

    // Where links are off, nothing is heard of any home.
    await here.drain()
    here = await startHere('off')
    here.clock.advance(clock.now() - here.clock.now() + 10_000)
    expect(await toldOf(here, name)).toEqual(expect.any(Number))
  } finally {
    await here.drain()
  }
})

test('a mirror that stopped does not go on, though its home is there', async () => {
  await using home = await startLinkable()
  await using here = await startLinkable({ logLevel: 'silent' })
  const name = `#plans@${hostOf(home)}`
  await using ann = await home.login('ann')
  await ann.ask({ type: 'CREATE_CHANNEL', channel: '#plans' }, 'JOINED')
  await ann.ask({ type: 'MSG', to: '#plans', content: 'one' }, 'ACK')
  await link(here, home, ['#plans', '#general'])
  await mirrored(here, name, 1)
  await ann.ask({ type: 'DELETE_CHANNEL', channel: '#plans', admin_key: adminKey }, 'OK')
  await until(async () => (await linksOf(here))[0]?.mirrors.some(({ state }) => state === 'stopped'))
  expect(await told(here, name)).toEqual(expect.any(Number))
  expect(await toldOf(here, `#general@${hostOf(home)}`)).toBeUndefined()
})
