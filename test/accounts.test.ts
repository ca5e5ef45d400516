// Accounts of people: the link of the first start, passkeys with real signatures, and what thieves and strangers try.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verify } from '../lib/identity/index.ts'
import { ConfigError } from '../src/config/load.ts'
import { cookieOf } from '../src/doors/account/cookie.ts'
import { Accounts, sha256Hex } from '../src/features/account/accounts/accounts.ts'
import { accountAuditPage, addAccountAudit, noteSeen, removeSignIns } from '../src/features/account/accounts/store.ts'
import { Claims } from '../src/features/account/accounts/claims.ts'
import { Browser, Passkey, type CreationOptions, type Lie } from './kit/authenticator.ts'
import { tracesOf } from './kit/engine.ts'
import { newFolder, type Folder } from './kit/folder.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'

const origin = 'https://relay.example'
const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const publicUrls = ['wss://relay.example', 'wss://other.example:8443', 'ws://10.0.0.7:6667']

const clock = new TestClock()
let folder: Folder
let relay: TestRelay
let ada: Browser
const adaKey = new Passkey(origin, 'ES256', 7)
/** What must stand nowhere. */
const secrets: string[] = []

const start = () => startTestRelay({ accounts: true, publicUrls, data: folder.path, trustedProxies: ['127.0.0.1'] }, {}, { clock })
const codeOf = ({ status, body }: { readonly status: number, readonly body: Record<string, unknown> }) => [status, body['code']]
/** What tries cost is there again, and nobody's passkey is fresh any more. */
const later = (ms = 11 * minuteMs) => clock.advance(ms)
const linkIn = (url: string) => url.split('#')[1]!
const cookie = (browser: Browser) => browser.cookie.split('=')[1]!
const browser = (at = origin) => new Browser(() => relay.httpUrl, at)

beforeAll(async () => {
  clock.stop()
  folder = newFolder()
  relay = await start()
})
afterAll(async () => {
  await relay.drain()
  folder[Symbol.dispose]()
})

describe('the link of the first start', () => {
  test('ends after an hour; a relay that nobody operates yet makes another', async () => {
    const former = relay.setUpUrl!
    expect(former).toMatch(/^https:\/\/relay\.example\/account#[\w-]{43}$/)
    later(60 * minuteMs)
    const by = { link: linkIn(former), name: 'Ada' }
    expect(codeOf(await browser().post('/signin/link/options', by))).toEqual([401, 'VERIFICATION_EXPIRED'])
    await relay.drain()
    relay = await start()
    expect(relay.setUpUrl).toMatch(/#[\w-]{43}$/)
    expect(relay.setUpUrl).not.toBe(former)
  })

  test('makes the operator, once', async () => {
    ada = browser()
    const by = { link: linkIn(relay.setUpUrl!), name: 'Ada' }
    secrets.push(by.link)
    const options = (await ada.post('/signin/link/options', by)).body as unknown as CreationOptions
    expect(options).toMatchObject({
      rp: { id: 'relay.example', name: 'agentchat' },
      user: { name: 'Ada' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    })
    // An answer that does not hold leaves the link good.
    const lies: readonly Lie[] = [
      { origin: 'https://evil.example' },
      { rpId: 'evil.example' },
      { isVerified: false },
      { type: 'webauthn.get' },
      { challenge: Buffer.alloc(42).toString('base64url') },
      // Of another purpose.
      { challenge: (await ada.asked()).challenge },
    ]
    for (const lie of lies) {
      const refused = await ada.post('/signin/link/verify', { ...by, answer: new Passkey(origin).create(options, lie) })
      expect(codeOf(refused), JSON.stringify(lie)).toEqual([403, 'VERIFICATION_FAILED'])
    }
    const answer = adaKey.create(options)
    expect(await ada.post('/signin/link/verify', { ...by, answer })).toMatchObject({
      status: 201,
      body: {
        account: { name: 'Ada', role: 'operator', id: expect.stringMatching(/^~[0-9a-f]{16}$/) },
        sign_in: { level: 2, fresh: true },
      },
    })
    expect(ada.setCookie).toMatch(/^__Host-agentchat=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure$/)
    const eve = browser()
    expect(codeOf(await eve.post('/signin/link/verify', { ...by, answer }))).toEqual([401, 'VERIFICATION_EXPIRED'])
    expect(codeOf(await eve.post('/signin/link/options', by))).toEqual([401, 'VERIFICATION_EXPIRED'])
    later()
  })

  test('of two who use it in the same moment one has it; a relay with an operator makes none', async () => {
    await relay.drain()
    relay = await start()
    expect(relay.setUpUrl).toBeUndefined()
    await using fresh = await startTestRelay({ accounts: true })
    expect(fresh.setUpUrl).toMatch(new RegExp(`^http://localhost:${new URL(fresh.httpUrl).port}/account#`))
    const at = fresh.setUpUrl!.split('/account')[0]!
    const both = await Promise.all(
      ['Ada', 'Eve'].map(name => new Browser(() => fresh.httpUrl, at).setUp(fresh.setUpUrl!, new Passkey(at, 'EdDSA'), name)),
    )
    expect(both.map(({ status }) => status).sort()).toEqual([201, 401])
    // On the machine itself there is no TLS, and ports share their cookies.
    const [made] = both.filter(({ status }) => status === 201)
    expect(made!.headers.get('set-cookie')).toMatch(/^agentchat-\d+=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/)
  })

  test('is not made, nor is there anything else, where accounts are off; a relay without a name for passkeys says so', async () => {
    await using off = await startTestRelay()
    expect(off.setUpUrl).toBeUndefined()
    expect((await fetch(`${off.httpUrl}/account`)).status).toBe(404)
    await expect(startTestRelay({ accounts: true, publicUrls: ['ws://10.0.0.7:6667', 'wss://192.0.2.1'] })).rejects.toThrow(ConfigError)
  })
})

describe('signing in', () => {
  const eve = () => browser()

  test('by the passkey: a new cookie, of the same account', async () => {
    const other = browser()
    expect(await other.signIn(adaKey)).toMatchObject({ status: 200, body: { account: { name: 'Ada' } } })
    expect(other.cookie).not.toBe(ada.cookie)
    expect(await other.ask('GET', '/account/me')).toMatchObject({
      status: 200,
      body: { passkeys: [{ name: 'Ada', rp_id: 'relay.example' }], sign_ins: [{ here: false }, { here: true }] },
    })
    expect((await other.post('/signout')).status).toBe(204)
    expect(other.setCookie).toMatch(/^__Host-agentchat=; Path=\/; Max-Age=0;/)
    later()
  })

  test('is refused for what was copied, replayed, made elsewhere, or counted back', async () => {
    const options = await ada.asked()
    const answer = adaKey.get(options)
    expect((await eve().post('/signin/passkey/verify', { answer })).status).toBe(200)
    expect(codeOf(await eve().post('/signin/passkey/verify', { answer })), 'replayed').toEqual([403, 'VERIFICATION_FAILED'])
    const uncounted = new Passkey(origin)
    const added = (await ada.signIn(adaKey)).status
    expect(added).toBe(200)
    const wish = (await ada.post('/account/passkeys/options', { name: 'phone' })).body as unknown as CreationOptions
    expect((await ada.post('/account/passkeys', { name: 'phone', answer: uncounted.create(wish) })).status).toBe(201)
    // One that does not count is held by its challenge alone.
    const once = uncounted.get(await ada.asked())
    expect((await eve().post('/signin/passkey/verify', { answer: once })).status).toBe(200)
    expect(codeOf(await eve().post('/signin/passkey/verify', { answer: once })), 'replayed').toEqual([401, 'VERIFICATION_EXPIRED'])
    later()
    const thief = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const lies: Readonly<Record<string, Lie>> = {
      'a page elsewhere': { origin: 'https://evil.example' },
      'a page of another of our own': { origin: 'https://other.example:8443' },
      'another domain': { rpId: 'other.example' },
      'a counter that stands': { counter: 3 },
      'nobody looked': { isVerified: false },
      'another account': { userHandle: Buffer.from('~0123456789abcdef').toString('base64url') },
      'another key': { key: thief },
      'a challenge of nobody': { challenge: Buffer.alloc(42, 1).toString('base64url') },
      'a challenge for another purpose': { challenge: wish.challenge },
    }
    for (const [what, lie] of Object.entries(lies)) {
      expect(codeOf(await eve().signIn(adaKey, lie)), what).toEqual([403, 'VERIFICATION_FAILED'])
      later(5 * 1_000)
    }
    expect(codeOf(await eve().signIn(new Passkey(origin))), 'unknown').toEqual([403, 'VERIFICATION_FAILED'])
    const late = adaKey.get(await ada.asked())
    later(5 * minuteMs)
    expect(codeOf(await eve().post('/signin/passkey/verify', { answer: late })), 'late').toEqual([403, 'VERIFICATION_FAILED'])
    expect((await eve().signIn(adaKey)).status).toBe(200)
    later()
  })

  test('twice by one answer in the same moment signs in once', async () => {
    const answer = adaKey.get(await ada.asked())
    const told = await Promise.all([1, 2, 3].map(() => eve().post('/signin/passkey/verify', { answer })))
    expect(told.filter(({ status }) => status === 200)).toHaveLength(1)
    later()
  })

  test('is asked from pages of the relay alone', async () => {
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: '' }, { origin: 'http://relay.example' }])
      expect(codeOf(await ada.ask('POST', '/signout', {}, headers)), headers.origin).toEqual([403, 'FOREIGN_ORIGIN'])
    const told = await fetch(`${relay.httpUrl}/signin/passkey/options`, { method: 'OPTIONS', headers: { origin: 'https://evil.example' } })
    expect([told.status, told.headers.get('access-control-allow-origin')]).toEqual([405, null])
    expect((await ada.ask('GET', '/account/me')).headers.get('access-control-allow-origin')).toBeNull()
    // A cookie means nothing at any other door.
    const asked = await fetch(`${relay.httpUrl}/v1/me`, { headers: { cookie: ada.cookie } })
    expect(asked.status).toBe(401)
    // Of two ports of one machine each has its own, and sees the other's.
    const ports = ['http://localhost:6680', 'http://localhost:6667']
    const both = { host: 'localhost:6667', cookie: `agentchat-6680=${'A'.repeat(43)}; agentchat-6667=${'B'.repeat(43)}; agentchat-6667` }
    expect(cookieOf({ headers: both }, ports)).toEqual({ secret: 'B'.repeat(43), origin: ports[1] })
    // Two of a name: nobody knows who set which.
    const tossed = await ada.ask('GET', '/account/me', undefined, { cookie: `${ada.cookie}; __Host-agentchat=${'A'.repeat(43)}` })
    expect(tossed.status).toBe(401)
    later()
  })

  test('bodies that are none are told what they lack', async () => {
    const good = adaKey.get(await ada.asked())
    const bodies = [{}, { answer: 1 }, { answer: { ...good, id: '' } }, { answer: { ...good, response: {} } }, {
      answer: { ...good, rawId: 'é' },
    }, { answer: { ...good, response: { ...good.response, signature: 'A'.repeat(9_000) } } }]
    for (const body of bodies) expect(codeOf(await eve().post('/signin/passkey/verify', body))).toEqual([400, 'INVALID_MSG'])
    const nameless = await eve().post('/signin/link/options', { link: 'A'.repeat(43), name: '' })
    expect(nameless.body['detail']).toBe('name: 1 to 64 characters')
    const garbled = { ...good, response: { ...good.response, authenticatorData: 'AAAA' } }
    expect(codeOf(await eve().post('/signin/passkey/verify', { answer: garbled }))).toEqual([403, 'VERIFICATION_FAILED'])
    expect((await eve().post('/signin/passkey/verify', { answer: { ...good, id: 'x'.repeat(40_000) } })).status).toBe(413)
    expect(codeOf(await ada.ask('GET', '/account/nothing'))).toEqual([404, 'NOT_FOUND'])
    expect(codeOf(await ada.ask('GET', '/signout'))).toEqual([405, 'METHOD_NOT_ALLOWED'])
    later()
  })
})

describe('what cannot be undone', () => {
  test('wants a passkey of the last ten minutes: a stolen cookie adds no passkey, removes none and invites nobody', async () => {
    expect((await ada.signIn(adaKey)).status).toBe(200)
    later()
    const thief = browser()
    thief.cookie = ada.cookie
    const { passkeys } = (await thief.ask('GET', '/account/me')).body as { passkeys: { id: string }[] }
    const wants = [401, 403]
    for (
      const [method, path] of [
        ['POST', '/account/passkeys/options'],
        ['POST', '/account/passkeys'],
        ['POST', '/account/invitations'],
        ['DELETE', `/account/passkeys/${passkeys[0]!.id}`],
      ] as const
    ) {
      expect(codeOf(await thief.ask(method, path, method === 'POST' ? { name: 'x' } : undefined)), path).toEqual([403, 'PASSKEY_ASKED'])
      expect(wants).toContain((await browser().ask(method, path, method === 'POST' ? { name: 'x' } : undefined)).status)
    }
    // Nor does it write the audit full of what was not done.
    const { body: audit } = await thief.ask('GET', '/account/audit')
    expect(codeOf(await thief.ask('DELETE', '/account/sign-ins/0123456789abcdef'))).toEqual([404, 'MESSAGE_NOT_FOUND'])
    expect((await thief.ask('GET', '/account/audit')).body).toEqual(audit)
    // Whoever vouches has a new cookie; the one that was copied is worth nothing.
    expect(await ada.signIn(adaKey)).toMatchObject({ body: { sign_in: { fresh: true } } })
    expect((await thief.ask('GET', '/account/me')).status).toBe(401)
    expect((await ada.post('/account/invitations')).status).toBe(201)
    later()
  })

  const makes = ['android-key', 'packed', 'apple', 'of nobody']
  const statement = new Map<string, number | Buffer | readonly Buffer[]>([
    ['alg', -7],
    ['sig', Buffer.alloc(64)],
    ['x5c', [Buffer.from('a certificate that says where to look'), Buffer.alloc(9)]],
  ])

  test.each(makes)('of which make a passkey says it is, like %s, nobody looks at', async format => {
    await ada.signIn(adaKey)
    const tablet = new Passkey(origin)
    const wish = (await ada.post('/account/passkeys/options', { name: format })).body as unknown as CreationOptions
    const answer = tablet.create(wish, { attestation: [format, statement] })
    expect((await ada.post('/account/passkeys', { name: format, answer })).status).toBe(201)
    await ada.signIn(adaKey)
    const opened = browser()
    expect((await opened.signIn(tablet)).status).toBe(200)
    // One that goes takes what it opened with it.
    expect((await ada.ask('DELETE', `/account/passkeys/${tablet.id}`)).status).toBe(204)
    expect((await opened.ask('GET', '/account/me')).status).toBe(401)
    expect((await ada.ask('GET', '/account/me')).status).toBe(200)
    later()
  })

  test('the last passkey stays', async () => {
    const { passkeys } = (await ada.ask('GET', '/account/me')).body as { passkeys: { id: string, name: string }[] }
    await ada.signIn(adaKey)
    const phone = passkeys.find(({ name }) => name === 'phone')!
    expect((await ada.ask('DELETE', `/account/passkeys/${phone.id}`)).status).toBe(204)
    expect(codeOf(await ada.ask('DELETE', `/account/passkeys/${phone.id}`))).toEqual([404, 'MESSAGE_NOT_FOUND'])
    expect(codeOf(await ada.ask('DELETE', `/account/passkeys/${adaKey.id}`))).toEqual([403, 'NOT_ALLOWED'])
    later()
  })

  test('an invitation makes one person, who operates nothing', async () => {
    await ada.signIn(adaKey)
    const { url } = (await ada.post('/account/invitations')).body as { url: string }
    secrets.push(linkIn(url))
    const ben = browser()
    const benKey = new Passkey(origin, 'EdDSA')
    expect(await ben.setUp(url, benKey, 'Ben')).toMatchObject({ status: 201, body: { account: { role: 'person', name: 'Ben' } } })
    expect((await browser().post('/signin/link/options', { link: linkIn(url), name: 'Eve' })).status).toBe(401)
    expect(codeOf(await ben.post('/account/invitations'))).toEqual([403, 'NOT_ALLOWED'])
    expect(codeOf(await ben.ask('GET', '/account/audit?all=1'))).toEqual([403, 'NOT_ALLOWED'])
    expect(codeOf(await ben.ask('DELETE', `/account/passkeys/${adaKey.id}`))).toEqual([404, 'MESSAGE_NOT_FOUND'])
    // An account's own browser that vouches by another account's passkey is signed in to that one, and both are told apart.
    expect(await ben.signIn(adaKey)).toMatchObject({ body: { account: { name: 'Ada' } } })
    expect((await ben.signIn(benKey)).body).toMatchObject({ account: { name: 'Ben' } })
    later()
  })

  test('signing out everywhere ends every cookie of the account, a stolen one too, and of nobody else', async () => {
    const ben = browser()
    await ada.signIn(adaKey)
    const { url } = (await ada.post('/account/invitations')).body as { url: string }
    await ben.setUp(url, new Passkey(origin), 'Ben')
    const phone = browser()
    await phone.signIn(adaKey)
    const thief = browser()
    thief.cookie = ada.cookie
    expect((await phone.post('/signout', { everywhere: true })).status).toBe(204)
    for (const each of [ada, phone, thief]) expect((await each.ask('GET', '/account/me')).status).toBe(401)
    expect((await ben.ask('GET', '/account/me')).status).toBe(200)
    expect((await ada.signIn(adaKey)).status).toBe(200)
    later()
  })

  test('what a browser has open ends with its sign-in, whichever process ended that; a passkey that vouches ends nothing', async () => {
    const host = 'relay.example'
    const open = (headers: Readonly<Record<string, string>>) => relay.connect(undefined, { host, ...headers })
    await ada.signIn(adaKey)
    const phone = browser()
    await phone.signIn(adaKey)
    const mine = { origin, cookie: ada.cookie }
    const [here, there, stranger, foreign] = [
      await open(mine),
      await open({ ...mine, cookie: phone.cookie }),
      await open({ origin }),
      // A page elsewhere brings a cookie for nothing.
      await open({ cookie: ada.cookie }),
    ]
    await ada.signIn(adaKey)
    expect((await phone.post('/signout')).status).toBe(204)
    expect(await there.closed()).toMatchObject({ code: 4505 })
    expect(here.isClosed).toBe(false)
    const { account } = (await ada.ask('GET', '/account/me')).body as { account: { id: string } }
    // Another process of the relay does it.
    await relay.store.write(tx => removeSignIns(tx, account.id))
    clock.advance(1_000)
    expect(await here.closed()).toMatchObject({ code: 4505 })
    expect([stranger.isClosed, foreign.isClosed]).toEqual([false, false])
    for (const wire of [stranger, foreign]) await wire.close()
    await ada.signIn(adaKey)
    later()
  })

  test('what was asked before everywhere was signed out is not done behind it', async () => {
    const site = { origin, rpId: 'relay.example' }
    const parts = { store: relay.store, clock, randomBytes, auditCount: 1_000 }
    const accounts = new Accounts({ ...parts, secret: 'x', relayName: 'x', signUp: 'invite', maxAccounts: 0 })
    const claims = new Claims({ ...parts, verify, serverId: relay.serverId, maxClockSkewMs: minuteMs })
    await ada.signIn(adaKey)
    const me = (await accounts.who(cookie(ada)))!
    expect((await ada.post('/signout', { everywhere: true })).status).toBe(204)
    const asked = await Promise.allSettled([
      accounts.invite(me, 'person', ''),
      accounts.registration({ site, address: '', agent: '' }, me, 'phone'),
      accounts.removePasskey(me, adaKey.id, ''),
      accounts.signOut(me, undefined, ''),
      claims.accept(me, '@0123456789abcdef', ''),
      claims.release(me, '@0123456789abcdef', ''),
    ])
    for (const each of asked) expect(each).toMatchObject({ status: 'rejected', reason: { code: 'AUTH_REQUIRED' } })
    await ada.signIn(adaKey)
    later()
  })

  test('what one does again and again takes the place of itself, and of nothing else', async () => {
    await using other = await startTestRelay()
    const [me, them] = ['~00000000000000aa', '~00000000000000bb']
    const note = (account: string, action: string, count: number) =>
      other.store.write(async tx => {
        const row = { at: 1, account, sign_in: null, action, target: null, address: '' }
        for (let i = 0; i < count; i++) await addAccountAudit(tx, row, 1_000)
      })
    const kept = async (account: string) => (await accountAuditPage(other.store.read, { account, limit: 100 })).map(({ action }) => action)
    await note(me, 'passkey_remove', 1)
    await note(them, 'vault_put', 12)
    await note(me, 'vouch', 300)
    // A hundredth of each.
    expect(await kept(me)).toEqual([...Array.from({ length: 10 }, () => 'vouch'), 'passkey_remove'])
    expect(await kept(them)).toHaveLength(10)
  })

  test('what was done is told, to each of his own and to operators of all', async () => {
    const { items } = (await ada.ask('GET', '/account/audit')).body as { items: { action: string, n: number, account: string }[] }
    const actions = items.map(({ action }) => action)
    expect(actions.at(-1)).toBe('account_create')
    for (const action of ['sign_in', 'vouch', 'passkey_add', 'passkey_remove', 'invite', 'sign_out', 'sign_out_everywhere'])
      expect(actions).toContain(action)
    const page = (await ada.ask('GET', `/account/audit?limit=2&before=${items[1]!.n}`)).body as { items: object[] }
    expect(page.items).toEqual(items.slice(2, 4))
    const all = (await ada.ask('GET', '/account/audit?all=1')).body as { items: typeof items }
    expect(new Set(all.items.map(({ account }) => account)).size).toBeGreaterThan(2)
    expect(codeOf(await ada.ask('GET', '/account/audit?limit=x'))).toEqual([400, 'INVALID_MSG'])
    later()
  })
})

test('a sign-in lasts thirty days from when it was used last, and so does its cookie', async () => {
  await ada.signIn(adaKey)
  const secret = cookie(ada)
  later(29 * dayMs)
  const { status, headers } = await ada.ask('GET', '/account/me')
  expect([status, headers.get('set-cookie')]).toEqual([
    200,
    `__Host-agentchat=${secret}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure`,
  ])
  expect((await ada.ask('GET', '/account/me')).headers.get('set-cookie')).toBeNull()
  later(29 * dayMs)
  expect((await ada.ask('GET', '/account/me')).status).toBe(200)
  later(31 * dayMs)
  expect((await ada.ask('GET', '/account/me')).status).toBe(401)
})

test('a passkey that vouched by a clock that is a little ahead is fresh; and who reads meanwhile gets no cookie of before', async () => {
  later()
  await ada.signIn(adaKey)
  clock.advance(-1_000)
  expect((await ada.ask('GET', '/account/me')).body).toMatchObject({ sign_in: { fresh: true } })
  clock.advance(1_000)
  // A request of before that is answered behind a passkey prolongs nothing, and brings its cookie back to nobody.
  const before = sha256Hex(cookie(ada))
  const prolong = (hash: string) => relay.store.write(tx => noteSeen(tx, hash, clock.now(), clock.now() + dayMs))
  expect(await prolong(before)).toBe(true)
  await ada.signIn(adaKey)
  expect([await prolong(before), await prolong(sha256Hex(cookie(ada)))]).toEqual([false, true])
  expect((await ada.ask('GET', '/account/me')).status).toBe(200)
  later()
})

test('guesses of a moment are bounded for their address, and in all, and cost the signed in nothing', async () => {
  await ada.signIn(adaKey)
  later()
  const stranger = browser()
  const guess = async (from: string, times: number): Promise<readonly number[]> =>
    (await Promise.all(Array.from({ length: times }, () => stranger.ask('POST', '/signin/link/options', {}, { 'x-forwarded-for': from }))))
      .map(({ status }) => status)
  const told = [...await guess('192.0.2.1', 20), ...await guess('192.0.2.1', 20)]
  expect(told.filter(status => status === 400)).toHaveLength(30)
  const refused = await stranger.ask('POST', '/signin/passkey/options', {}, { 'x-forwarded-for': '192.0.2.1' })
  expect(codeOf(refused)).toEqual([429, 'RATE_LIMITED'])
  expect(refused.headers.get('retry-after')).toBe('1')
  later()
  const all: number[] = []
  for (let i = 2; i < 17; i++) all.push(...await guess(`192.0.2.${i}`, 22))
  expect(all.filter(status => status === 400)).toHaveLength(300)
  expect(all.filter(status => status === 429)).toHaveLength(30)
  // A wrong cookie is a guess too.
  stranger.cookie = `__Host-agentchat=${'B'.repeat(43)}`
  expect((await stranger.ask('GET', '/account/me')).status).toBe(429)
  // Who is signed in looks, and vouches.
  expect((await ada.ask('GET', '/account/me')).status).toBe(200)
  expect((await ada.signIn(adaKey)).status).toBe(200)
  later(1_000)
  expect((await stranger.ask('GET', '/account/me')).status).toBe(401)
})

test('a thousand guesses at once, of links, passkeys, codes and cookies, come to what the buckets let through, and nobody is slowed', async () => {
  later()
  await ada.signIn(adaKey)
  const good = adaKey.get(await ada.asked())
  later()
  const stranger = browser()
  const wrong = { ...good, id: 'AAAA', rawId: 'AAAA' }
  const kinds: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['POST', '/signin/link/options', { link: 'A'.repeat(43), name: 'x' }],
    ['POST', '/signin/passkey/verify', { answer: wrong }],
    ['POST', '/signin/recovery', { proof: 'A'.repeat(43) }],
    ['POST', '/signin/device/poll', { device: 'A'.repeat(43) }],
    ['GET', '/account/me'],
  ]
  stranger.cookie = `__Host-agentchat=${'C'.repeat(43)}`
  const bob = await relay.login('bob')
  const told = new Map<number, number>()
  const guessing = Array.from({ length: 1_000 }, async (_, i) => {
    const [method, path, body] = kinds[i % kinds.length]!
    const { status } = await stranger.ask(method, path, body, { 'x-forwarded-for': `198.51.100.${i % 20}` })
    told.set(status, (told.get(status) ?? 0) + 1)
  })
  // Meanwhile a message goes as it does.
  const sent = bob.ask({ type: 'MSG', to: '#general', content: 'hi', id: 'm' }, 'ACK')
  expect((await sent).to).toBe('#general')
  await Promise.all(guessing)
  // Of twenty addresses each had thirty tries, and all together three hundred.
  const looked = [...told].filter(([status]) => status !== 429).reduce((sum, [, count]) => sum + count, 0)
  expect(looked).toBe(300)
  expect(told.get(200)).toBeUndefined()
  expect(told.get(429)).toBe(700)
  expect((await ada.ask('GET', '/account/me')).status).toBe(200)
  await bob.close()
  later()
})

test('the page holds no secret and runs its own script alone', async () => {
  later()
  const told = await fetch(`${relay.httpUrl}/account`)
  expect(told.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/)
  expect(told.headers.get('referrer-policy')).toBe('no-referrer')
  expect(await told.text()).toContain('<script src="/account/page.js">')
  const script = await (await fetch(`${relay.httpUrl}/account/page.js`)).text()
  expect(() => new Function(script)).not.toThrow()
})

test('neither a cookie nor a link stands in what the relay keeps', async () => {
  later()
  await ada.signIn(adaKey)
  secrets.push(cookie(ada))
  await relay.drain()
  for (const secret of secrets) expect(await tracesOf(folder.path, secret)).toEqual([])
  relay = await start()
  expect((await ada.ask('GET', '/account/me')).status).toBe(200)
})
