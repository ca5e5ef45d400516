// Accounts, seen to at the machine of the data: who there is, and a link for who lost the only passkey, with the relay running or not.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exits } from '../src/cli/exit.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { Cli } from './kit/cli.ts'
import { isOnPostgres, placeOf, tracesOf } from './kit/engine.ts'
import { newFolder, type Folder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const origin = 'https://relay.example'
const publicUrls = ['wss://relay.example']
let folder: Folder
let relay: TestRelay
let ada: Browser
let id: string
const cli = new Cli()
const lost = new Passkey(origin)

const start = () => startTestRelay({ accounts: true, publicUrls, data: folder.path })
const browser = () => new Browser(() => relay.httpUrl, origin)
const run = async (...args: readonly string[]) => cli.run(['account', ...args, ...await placeOf(folder.path), '--json'])
const statusOf = async (url: string) => (await browser().post('/signin/link/options', { link: url.split('#')[1], name: 'Eve' })).status
const me = async (who: Browser) => (await who.ask('GET', '/account/me')).body as Record<string, unknown>

beforeAll(async () => {
  folder = newFolder()
  relay = await start()
  ada = browser()
  await ada.setUp(relay.setUpUrl!, lost, 'Ada')
  id = (await me(ada) as { account: { id: string } }).account.id
})
afterAll(async () => {
  await relay.drain()
  cli[Symbol.dispose]()
  folder[Symbol.dispose]()
})

test('account list tells who there is, beside the relay', async () => {
  const listed = await run('list')
  expect(listed, listed.stderr).toMatchObject({ code: 0 })
  expect(JSON.parse(listed.stdout)).toEqual([
    { id, name: 'Ada', role: 'operator', created_at: expect.any(Number), passkeys: 1, agents: 0, sign_ins: 1 },
  ])
})

test('account recover: an operator without a passkey has one again, beside the relay, once; the former link is worth nothing', async () => {
  const [first, second] = [await run('recover'), await run('recover', 'Ada')]
  expect(second, second.stderr).toMatchObject({ code: 0, json: [{ account: id, name: 'Ada', role: 'operator' }] })
  const { url, expires_at: expires } = second.json[0] as { url: string, expires_at: number }
  expect(url).toMatch(/^https:\/\/relay\.example\/account#[\w-]{43}$/)
  expect(expires - Date.now()).toBeGreaterThan(59 * 60_000)
  expect(await statusOf(String(first.json[0]!['url']))).toBe(401)
  const found = new Passkey(origin)
  const again = browser()
  expect(await again.setUp(url, found, 'new phone')).toMatchObject({
    status: 201,
    body: { account: { id, name: 'Ada', role: 'operator' } },
  })
  expect(await statusOf(url)).toBe(401)
  // What was lost is removed by what was found.
  expect((await again.ask('DELETE', `/account/passkeys/${lost.id}`)).status).toBe(204)
  expect((await ada.ask('GET', '/account/me')).status).toBe(401)
  expect((await browser().signIn(found)).status).toBe(200)
  const { items } = (await again.ask('GET', '/account/audit')).body as { items: { action: string, sign_in: string | null }[] }
  expect(items.map(({ action }) => action)).toEqual([
    'sign_in',
    'passkey_remove',
    'account_recover',
    'recover_link',
    'recover_link',
    'account_create',
  ])
  expect(await tracesOf(folder.path, url.split('#')[1]!)).toEqual([])
})

test('account recover while no relay runs; the relay that starts takes it', async () => {
  await relay.drain()
  const { url } = (await run('recover', id)).json[0] as { url: string }
  relay = await start()
  expect(relay.setUpUrl).toBeUndefined()
  expect(await browser().setUp(url, new Passkey(origin), 'third')).toMatchObject({ status: 201, body: { account: { id } } })
})

test('who is nobody, or several, is told so; and so is what holds no accounts', async () => {
  expect(await run('recover', 'Ben')).toMatchObject({ code: exits.notFound.code })
  expect(await cli.run(['account', 'list', '--data', cli.at('nothing')])).toMatchObject({ code: exits.error.code })
  if (!isOnPostgres) {
    using other = newFolder()
    writeFileSync(other.at('agentchat.db'), randomBytes(8_192))
    const told = await cli.run(['account', 'list', '--data', other.path])
    expect([told.code, told.stderr]).toEqual([exits.error.code, expect.stringContaining('is not a database')])
  }
  const { url } = (await (async () => {
    const bea = browser()
    await bea.setUp(String((await run('recover')).json[0]!['url']), new Passkey(origin), 'fourth')
    return (await bea.post('/account/invitations')).body
  })()) as { url: string }
  await browser().setUp(url, new Passkey(origin), 'Ada')
  // However somebody else calls himself, an id is an id.
  const again = browser()
  await again.setUp(String((await run('recover', id)).json[0]!['url']), new Passkey(origin), 'fifth')
  const { url: other } = (await again.post('/account/invitations')).body as { url: string }
  await browser().setUp(other, new Passkey(origin), id)
  expect((await run('recover', id)).json).toMatchObject([{ account: id, name: 'Ada' }])
  const several = await run('recover', 'Ada')
  expect([several.code, several.stderr]).toEqual([exits.usage.code, expect.stringContaining(id)])
})
