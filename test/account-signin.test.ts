// Commands that sign in: a code and an address, a browser that confirms it, and the key of the command that signs the rest.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimText, randomNonce } from '../lib/identity/index.ts'
import { exits } from '../src/cli/exit.ts'
import { addDevice, countDevices } from '../src/features/account/accounts/devices-store.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { Cli } from './kit/cli.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newKey, signWith, type Key } from './kit/wire.ts'

let relay: TestRelay
let ada: Browser
let account: string
let origin: string
let passkey: Passkey

const browser = () => new Browser(() => relay.httpUrl, origin)
const later = (ms = 11 * 60_000) => relay.clock.advance(ms)
const codeOf = ({ status, body }: { readonly status: number, readonly body: Record<string, unknown> }) => [status, body['code']]
/** Without a cookie and from no page. */
const tell = (path: string, body: object) => browser().ask('POST', path, body, { origin: '' })
interface Begun {
  readonly device: string
  readonly code: string
  readonly url: string
}
const begin = async (agent: string): Promise<Begun> => (await tell('/signin/device', { agent })).body as unknown as Begun
const claimOf = (key: Key, of = account) => {
  const fields = { agent: key.id, account: of, relay: relay.serverId, ts: relay.clock.now(), nonce: randomNonce() }
  const { relay: _, ...claim } = fields
  return { ...claim, sig: signWith(key, claimText(fields)) }
}
const agentsOf = async (who: Browser) => (await who.ask('GET', '/account/agents')).text

beforeAll(async () => {
  relay = await startTestRelay({ accounts: true }, { pace: { deviceMs: 50 } })
  origin = relay.setUpUrl!.split('/account')[0]!
  passkey = new Passkey(origin)
  ada = browser()
  await ada.setUp(relay.setUpUrl!, passkey, 'Ada')
  account = ((await ada.ask('GET', '/account/me')).body as { account: { id: string } }).account.id
})
afterAll(() => relay.drain())

// First: a command reads the clock of this machine, which is then moved.
test('agentchat signin shows a code; confirmed by a passkey, the key belongs to the account, until agentchat signout', async () => {
  using cli = new Cli()
  const file = cli.at('cyd.json')
  const agent = String((await cli.run(['identity', 'generate', '-n', 'cyd', '-f', file, '--json'])).json[0]!['agent_id'])
  const url = relay.url.replace('127.0.0.1', 'localhost')
  const running = cli.run(['signin', url, '-i', file, '--json'])
  await running.prints('waiting')
  const { code, url: page } = JSON.parse(running.soFar()) as { code: string, url: string }
  expect([code, page]).toEqual([expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/), `${origin}/account#code=${code}`])
  expect(await ada.post('/account/devices/look', { code: code.toLowerCase() })).toMatchObject({ body: { agent, address: '127.0.0.1' } })
  expect((await ada.post('/account/devices', { code })).status).toBe(201)
  const done = await running
  expect(done, done.stderr).toMatchObject({ code: 0, json: [{ state: 'waiting' }, { agent_id: agent, account, state: 'yours' }] })
  expect(await agentsOf(ada)).toContain(agent)
  // What it is told for eyes, where somebody looks; and who is interrupted has signed nothing.
  const again = cli.run(['signin', url, '-i', file], { isTTY: true })
  await again.prints('#code=')
  again.interrupt()
  expect((await again).code).toBe(exits.interrupted.code)
  expect(await cli.run(['signout', url, '-i', file, '--json'])).toMatchObject({
    code: 0,
    json: [{ agent_id: agent, account, state: 'ended' }],
  })
  expect(await agentsOf(ada)).not.toContain(agent)
  expect(await cli.run(['signout', url, '-i', file])).toMatchObject({ code: exits.notFound.code })
})

test('a code is confirmed by a fresh passkey, and used once; nothing else becomes of it than the key that asked', async () => {
  const key = newKey()
  const wire = await relay.login('cyd', { key })
  const other = newKey()
  const { device, code } = await begin(key.id)
  expect((await tell('/signin/device/poll', { device })).body).toEqual({ state: 'waiting', retry_after_ms: 50 })
  expect(codeOf(await tell('/signin/device/claim', { device, ...claimOf(key) })), 'nobody confirmed').toEqual([403, 'NOT_ALLOWED'])
  later()
  // Ten minutes are over.
  expect(codeOf(await tell('/signin/device/poll', { device }))).toEqual([401, 'VERIFICATION_EXPIRED'])
  const next = await begin(key.id)
  expect(next.code).not.toBe(code)
  expect(codeOf(await ada.post('/account/devices', { code: next.code })), 'stale').toEqual([403, 'PASSKEY_ASKED'])
  expect(codeOf(await browser().post('/account/devices', { code: next.code }))).toEqual([401, 'AUTH_REQUIRED'])
  await ada.signIn(passkey)
  expect(codeOf(await ada.ask('POST', '/account/devices', { code: next.code }, { origin: 'https://evil.example' }))).toEqual([
    403,
    'FOREIGN_ORIGIN',
  ])
  expect((await ada.post('/account/devices', { code: next.code })).status).toBe(201)
  expect(codeOf(await ada.post('/account/devices', { code: next.code })), 'twice').toEqual([401, 'VERIFICATION_EXPIRED'])
  expect((await tell('/signin/device/poll', { device: next.device })).body).toEqual({ state: 'confirmed', account })
  const wrong: Readonly<Record<string, object>> = {
    'another key': claimOf(other),
    'another account': claimOf(key, '~0123456789abcdef'),
  }
  for (const [what, claim] of Object.entries(wrong))
    expect(codeOf(await tell('/signin/device/claim', { device: next.device, ...claim })), what).toEqual([403, 'NOT_ALLOWED'])
  const forged = { ...claimOf(key), sig: claimOf(other).sig }
  expect(codeOf(await tell('/signin/device/claim', { device: next.device, ...forged })), 'forged').toEqual([403, 'VERIFICATION_FAILED'])
  expect(codeOf(await tell('/signin/device/claim', { device: 'A'.repeat(43), ...claimOf(key) }))).toEqual([401, 'VERIFICATION_EXPIRED'])
  expect((await tell('/signin/device/claim', { device: next.device, ...claimOf(key) })).status).toBe(201)
  expect(codeOf(await tell('/signin/device/claim', { device: next.device, ...claimOf(key) })), 'used').toEqual([
    401,
    'VERIFICATION_EXPIRED',
  ])
  expect(await agentsOf(ada)).toContain(key.id)
  const { items } = (await ada.ask('GET', '/account/audit')).body as { items: { action: string, target: string }[] }
  expect(items).toContainEqual(expect.objectContaining({ action: 'agent_sign_in', target: key.id }))
  await wire.close()
  later()
})

test('what a browser confirmed is nothing once it is signed out', async () => {
  const key = newKey()
  const wire = await relay.login('dan', { key })
  await ada.signIn(passkey)
  const { device, code } = await begin(key.id)
  expect((await ada.post('/account/devices', { code })).status).toBe(201)
  expect((await ada.post('/signout', { everywhere: true })).status).toBe(204)
  expect(codeOf(await tell('/signin/device/claim', { device, ...claimOf(key) }))).toEqual([401, 'VERIFICATION_EXPIRED'])
  await ada.signIn(passkey)
  expect(await agentsOf(ada)).not.toContain(key.id)
  await wire.close()
  later()
})

test('who asks too often, or for too many, is told how long to wait; codes are guessed so often and no more', async () => {
  relay.clock.stop()
  const { device } = await begin('@0123456789abcdef')
  expect((await tell('/signin/device/poll', { device })).status).toBe(202)
  expect(codeOf(await tell('/signin/device/poll', { device }))).toEqual([429, 'RATE_LIMITED'])
  later(50)
  expect((await tell('/signin/device/poll', { device })).status).toBe(202)
  for (let i = 0; i < 9; i++) expect((await tell('/signin/device', { agent: '@0123456789abcdef' })).status).toBe(201)
  expect(codeOf(await tell('/signin/device', { agent: '@0123456789abcdef' }))).toEqual([409, 'LIMIT_REACHED'])
  later()
  // Whoever asks from many places takes none of the others' from them.
  const now = relay.clock.now()
  const waiting = (address: string, i: number) => ({
    ...{ hash: `${address} ${i}`, code: `${address} ${i}`, agent: '@0123456789abcdef', address, account: null, sign_in: null },
    ...{ asked: 0, created: now + i, expires: now + 60_000 },
  })
  await relay.store.write(async tx => {
    await addDevice(tx, waiting('192.0.2.1', -1))
    for (let i = 0; i < 999; i++) await addDevice(tx, waiting(`198.51.100.${i % 100}`, i))
  })
  const { device: another } = await begin('@0123456789abcdef')
  expect((await tell('/signin/device/poll', { device: another })).status).toBe(202)
  const { read } = relay.store
  expect([await countDevices(read), await countDevices(read, '192.0.2.1'), await countDevices(read, '198.51.100.0')]).toEqual([1_000, 1, 9])
  later()
  await ada.signIn(passkey)
  const told: number[] = []
  for (let i = 0; i < 40; i++)
    told.push((await ada.post('/account/devices/look', { code: `BBBB-BB${'BCDFGHJKLMNPQRSTVWXZ'[i % 20]}` })).status)
  expect(told.filter(status => status === 401).length).toBeLessThanOrEqual(30)
  expect(told.slice(-10)).toEqual(Array.from({ length: 10 }, () => 429))
  relay.clock.go()
})
