// The vault: keys of people that a relay keeps and cannot open, on another browser by a passkey's PRF, by a recovery code, and by the first browser.
import { createHmac, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  generateKeyPair,
  identityFrom,
  newLinkGuest,
  newLinkHost,
  newRecoveryCode,
  prfInput,
  readRecoveryCode,
  recoveryProof,
  recoverySecret,
  unwrapKey,
  wrapKey,
  type WrapContext,
} from '../lib/identity/index.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { backUp, isOnPostgres, tracesOf } from './kit/engine.ts'
import { newFolder, type Folder } from './kit/folder.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'

const origin = 'https://relay.example'
const clock = new TestClock()
let folder: Folder
let relay: TestRelay
let ada: Browser
let ben: Browser
let context: WrapContext
const adaKey = new Passkey(origin)
const benKey = new Passkey(origin)
/** What the authenticator keeps, and a PRF answers by. */
const seed = randomBytes(32)
const prf = (relayId: string) => createHmac('sha256', seed).update(prfInput(relayId)).digest()
const pair = generateKeyPair()
const agent = identityFrom(pair.privateKey).agentId
const pkcs8 = Buffer.from(pair.privateKey.split('\n').slice(1, -2).join(''), 'base64')
const code = newRecoveryCode()
const secrets: (string | Buffer)[] = []

const start = () => startTestRelay({ accounts: true, publicUrls: ['wss://relay.example'], data: folder.path }, {}, { clock })
const browser = () => new Browser(() => relay.httpUrl, origin)
const codeOf = ({ status, body }: { readonly status: number, readonly body: Record<string, unknown> }) => [status, body['code']]
const later = (ms = 11 * 60_000) => clock.advance(ms)
const cookie = (who: Browser) => who.cookie.split('=')[1]!
const wrapsOf = async (who: Browser) =>
  ((await who.ask('GET', '/account/vault')).body as { items: { id: string, kind: string, wrap: string }[] }).items
const wrapOf = async (who: Browser, id: string) => (await wrapsOf(who)).find(each => each.id === id)!.wrap
const put = (who: Browser, id: string, body: object) => who.ask('PUT', `/account/vault/${id}`, { agent, label: 'laptop', ...body })

beforeAll(async () => {
  clock.stop()
  folder = newFolder()
  relay = await start()
  ada = browser()
  await ada.setUp(relay.setUpUrl!, adaKey, 'Ada')
  ben = browser()
  await ben.setUp(((await ada.post('/account/invitations')).body as { url: string }).url, benKey, 'Ben')
  const { account } = (await ada.ask('GET', '/account/me')).body as { account: { id: string } }
  context = { relay: relay.serverId, account: account.id, agent }
  later()
})
afterAll(async () => {
  await relay.drain()
  folder[Symbol.dispose]()
})

describe('a closed key', () => {
  test('is put by a fresh passkey, and opens on another browser by its PRF', async () => {
    const wrap = await wrapKey(pkcs8, prf(relay.serverId), 'prf', context)
    expect(codeOf(await put(ada, 'prf-1', { kind: 'prf', passkey: adaKey.id, wrap }))).toEqual([403, 'PASSKEY_ASKED'])
    await ada.signIn(adaKey)
    expect((await put(ada, 'prf-1', { kind: 'prf', passkey: adaKey.id, wrap })).status).toBe(201)
    expect((await put(ada, 'prf-1', { kind: 'prf', passkey: adaKey.id, wrap })).status).toBe(200)
    const other = browser()
    await other.signIn(adaKey)
    expect(await wrapsOf(other)).toEqual([
      { id: 'prf-1', kind: 'prf', agent, passkey: adaKey.id, label: 'laptop', wrap, created_at: clock.now() },
    ])
    expect(Buffer.from(await unwrapKey(await wrapOf(other, 'prf-1'), prf(relay.serverId), 'prf', context))).toEqual(pkcs8)
    secrets.push(cookie(other), prf(relay.serverId))
    later()
  })

  test('opens by a recovery code, whose owner is signed in by it, and no surer than that', async () => {
    const bytes = readRecoveryCode(code)
    const proof = recoveryProof(bytes)
    await ada.signIn(adaKey)
    const wrap = await wrapKey(pkcs8, recoverySecret(bytes), 'recovery', context)
    expect((await put(ada, 'paper', { kind: 'recovery', proof, wrap })).status).toBe(201)
    later()
    const other = browser()
    expect(await other.post('/signin/recovery', { proof })).toMatchObject({
      status: 200,
      body: { account: { name: 'Ada' }, sign_in: { level: 1, fresh: false } },
    })
    expect(Buffer.from(await unwrapKey(await wrapOf(other, 'paper'), recoverySecret(bytes), 'recovery', context))).toEqual(pkcs8)
    expect(codeOf(await put(other, 'mine', { kind: 'recovery', proof, wrap }))).toEqual([403, 'PASSKEY_ASKED'])
    expect(codeOf(await other.ask('DELETE', '/account/vault/prf-1'))).toEqual([403, 'PASSKEY_ASKED'])
    expect(codeOf(await other.post('/account/passkeys/options', { name: 'x' }))).toEqual([403, 'PASSKEY_ASKED'])
    expect(codeOf(await browser().post('/signin/recovery', { proof: recoveryProof(randomBytes(20)) }))).toEqual([
      403,
      'VERIFICATION_FAILED',
    ])
    secrets.push(cookie(other), code, proof, Buffer.from(bytes), Buffer.from(recoverySecret(bytes)))
  })

  test('is nobody else’s: another account sees none, takes none of its codes and removes none', async () => {
    await ben.signIn(benKey)
    expect(await wrapsOf(ben)).toEqual([])
    const proof = recoveryProof(readRecoveryCode(code))
    expect(codeOf(await put(ben, 'paper', { kind: 'recovery', proof, wrap: '{}' }))).toEqual([403, 'NOT_ALLOWED'])
    expect(codeOf(await ben.ask('DELETE', '/account/vault/prf-1'))).toEqual([404, 'MESSAGE_NOT_FOUND'])
    expect(codeOf(await browser().ask('GET', '/account/vault'))).toEqual([401, 'AUTH_REQUIRED'])
    later()
  })

  test('is so large and no larger, and of so many; what a PRF gave is not taken', async () => {
    await ben.signIn(benKey)
    const bad = [{ kind: 'link', wrap: '{}' }, { kind: 'prf', wrap: '{}' }, { kind: 'prf', passkey: 'x', wrap: 'x'.repeat(2_049) }, {
      kind: 'recovery',
      proof: 'x',
      wrap: '{}',
    }]
    expect(codeOf(await put(ben, 'x', { kind: 'prf', passkey: adaKey.id, wrap: '{}' })), 'of nobody here').toEqual([
      404,
      'MESSAGE_NOT_FOUND',
    ])
    for (const body of bad) expect(codeOf(await put(ben, 'x', body))).toEqual([400, 'INVALID_MSG'])
    expect(codeOf(await put(ben, 'x'.repeat(65), { kind: 'prf', passkey: 'x', wrap: '{}' }))).toEqual([400, 'INVALID_MSG'])
    const good = { kind: 'prf', passkey: benKey.id, wrap: '{}' }
    for (let i = 0; i < 30; i++) {
      clock.advance(1_000)
      expect((await put(ben, `key-${i}`, good)).status).toBe(201)
    }
    clock.advance(10_000)
    expect(codeOf(await put(ben, 'more', good))).toEqual([409, 'LIMIT_REACHED'])
    expect((await ben.ask('DELETE', '/account/vault/key-7')).status).toBe(204)
    expect((await put(ben, 'more', good)).status).toBe(201)
    const careless = { ...adaKey.get(await ada.asked()), clientExtensionResults: { prf: { results: { first: 'AAAA' } } } }
    const told = await browser().post('/signin/passkey/verify', { answer: careless })
    expect([...codeOf(told), told.body['detail']]).toEqual([400, 'INVALID_MSG', expect.stringContaining('it opens your key')])
    later()
  })

  test('goes with the passkey that opened it', async () => {
    await ada.signIn(adaKey)
    const tablet = new Passkey(origin)
    const wish = (await ada.post('/account/passkeys/options', { name: 'tablet' })).body
    await ada.post('/account/passkeys', { name: 'tablet', answer: tablet.create(wish as never) })
    await ada.signIn(adaKey)
    await put(ada, 'prf-2', { kind: 'prf', passkey: tablet.id, wrap: '{}' })
    expect((await ada.ask('DELETE', `/account/passkeys/${tablet.id}`)).status).toBe(204)
    expect((await wrapsOf(ada)).map(({ id }) => id)).toEqual(['prf-1', 'paper'])
    const { items } = (await ada.ask('GET', '/account/audit')).body as { items: { action: string, target: string }[] }
    expect(items.map(({ action }) => action)).toEqual(expect.arrayContaining(['vault_put', 'recovery_sign_in']))
    later()
  })
})

test('a recovery code that is taken back takes the browsers with it that it may have opened', async () => {
  await ada.signIn(adaKey)
  const bytes = readRecoveryCode(newRecoveryCode())
  const proof = recoveryProof(bytes)
  const wrap = await wrapKey(pkcs8, recoverySecret(bytes), 'recovery', context)
  await put(ada, 'lost', { kind: 'recovery', proof, wrap })
  const thief = browser()
  expect((await thief.post('/signin/recovery', { proof })).status).toBe(200)
  expect((await ada.ask('DELETE', '/account/vault/lost')).status).toBe(204)
  expect((await thief.ask('GET', '/account/vault')).status).toBe(401)
  expect((await ada.ask('GET', '/account/vault')).status).toBe(200)
  later()
})

describe('a browser without the key', () => {
  interface Link {
    readonly id: string
    readonly key: string
  }
  const asked = async (who: Browser, commitment: string) => (await who.post('/account/links', { commitment })).body as unknown as Link
  const told = (who: Browser, { id, key }: Link, reveal?: string) =>
    who.post(`/account/links/${id}`, { key, ...(reveal !== undefined && { reveal }) })

  test('is handed it by the other one, once the same digits were compared, and the relay forgets what they said', async () => {
    const other = browser()
    await other.signIn(adaKey)
    const guest = await newLinkGuest()
    const link = await asked(other, guest.commitment)
    const { items: [seen] } = (await ada.ask('GET', '/account/links')).body as { items: { id: string, commitment: string }[] }
    expect(seen).toMatchObject({ id: link.id, commitment: guest.commitment, address: '127.0.0.1' })
    // The one that has the key opens it, by its PRF, for that moment.
    await ada.signIn(adaKey)
    const host = await newLinkHost()
    expect(codeOf(await told(other, link, guest.reveal)), 'too early').toEqual([403, 'NOT_ALLOWED'])
    expect((await ada.post(`/account/approvals/${link.id}`, { offer: host.offer })).status).toBe(204)
    expect(codeOf(await ada.post(`/account/approvals/${link.id}`, { offer: host.offer })), 'again').toEqual([403, 'NOT_ALLOWED'])
    const { body: { offer } } = await told(other, link)
    expect(codeOf(await ada.post(`/account/approvals/${link.id}`, { wrap: '{}', agent })), 'before the reveal').toEqual([
      403,
      'NOT_ALLOWED',
    ])
    expect((await told(other, link, guest.reveal)).status).toBe(200)
    const { items: [open] } = (await ada.ask('GET', '/account/links')).body as { items: { commitment: string, reveal: string }[] }
    expect(await guest.code(offer as string)).toBe(await host.code(open!.commitment, open!.reveal))
    const opened = await unwrapKey(await wrapOf(ada, 'prf-1'), prf(relay.serverId), 'prf', context)
    const wrap = await host.close(open!.commitment, open!.reveal, opened, context)
    expect((await ada.post(`/account/approvals/${link.id}`, { wrap, agent })).status).toBe(204)
    const { body } = await told(other, link)
    expect(body['agent']).toBe(agent)
    expect(Buffer.from(await guest.open(offer as string, body['wrap'] as string, context))).toEqual(pkcs8)
    expect(codeOf(await told(other, link)), 'told once').toEqual([401, 'VERIFICATION_EXPIRED'])
    expect(await tracesOf(folder.path, link.key)).toEqual([])
    secrets.push(link.key)
    later()
  })

  test('asks its own account alone, five at once, for ten minutes; a cookie alone hands over nothing', async () => {
    await ada.signIn(adaKey)
    const other = browser()
    await other.signIn(adaKey)
    const { commitment } = await newLinkGuest()
    const link = await asked(other, commitment)
    expect(codeOf(await ben.post(`/account/links/${link.id}`, { key: link.key }))).toEqual([401, 'VERIFICATION_EXPIRED'])
    expect((await ben.ask('GET', '/account/links')).body).toEqual({ items: [] })
    expect(codeOf(await told(other, { ...link, key: 'A'.repeat(43) }))).toEqual([401, 'VERIFICATION_EXPIRED'])
    for (let i = 0; i < 4; i++) await asked(other, commitment)
    expect(codeOf(await other.post('/account/links', { commitment }))).toEqual([409, 'LIMIT_REACHED'])
    expect((await ada.ask('DELETE', `/account/links/${link.id}`)).status).toBe(204)
    const again = await asked(other, commitment)
    clock.advance(10 * 60_000)
    expect(codeOf(await told(other, again))).toEqual([401, 'VERIFICATION_EXPIRED'])
    const last = await asked(other, commitment)
    const host = await newLinkHost()
    expect(codeOf(await ada.post(`/account/approvals/${last.id}`, { offer: host.offer }))).toEqual([403, 'PASSKEY_ASKED'])
    for (const offer of ['', 'x', 'é'.repeat(60), 'A'.repeat(201)])
      expect(codeOf(await other.post(`/account/approvals/${last.id}`, { offer }))[0]).toBeGreaterThanOrEqual(400)
    later()
  })
})

test('neither the database nor a backup holds a token, a cookie, a code or a key that signs', async () => {
  await ada.signIn(adaKey)
  secrets.push(cookie(ada), cookie(ben), pair.privateKey.split('\n')[1]!, pkcs8, pkcs8.subarray(-32), pkcs8.toString('base64url'))
  const copy = folder.at('copy.db')
  await backUp(folder.path, copy)
  for (const secret of secrets) {
    const texts = typeof secret === 'string' ? [secret] : [secret.toString('base64'), secret.toString('base64url'), secret.toString('hex')]
    for (const text of texts) expect(await tracesOf(folder.path, text)).toEqual([])
    if (isOnPostgres) continue
    for (const name of readdirSync(folder.path)) expect(readFileSync(join(folder.path, name)).includes(secret), name).toBe(false)
  }
  // What it does hold opens by nothing that it holds.
  if (!isOnPostgres)
    expect(await tracesOf(folder.path, (await wrapOf(ada, 'prf-1')).slice(20, 60))).toEqual(expect.arrayContaining(['copy.db']))
})
