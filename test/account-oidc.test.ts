// Signing in by identity providers: real ones of oidc-provider on the loopback, and what comes back from them that does not hold.
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../src/config/load.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { tracesOf } from './kit/engine.ts'
import { newFolder, type Folder } from './kit/folder.ts'
import { IdentityProvider, type Person } from './kit/identity-provider.ts'
import { startTestRelay, TestClock, type TestRelay } from './kit/relay.ts'

const origin = 'https://relay.example'
const clock = new TestClock()
const secret = 'the secret of a client'
let folder: Folder
let relay: TestRelay
let ada: Browser
const adaKey = new Passkey(origin)
const providers: Record<string, IdentityProvider> = {}
const person: Person = { sub: 'ada-1', email: 'Ada@example.org', email_verified: true, name: 'Ada Elsewhere' }

const browser = () => new Browser(() => relay.httpUrl, origin)
const later = (ms = 11 * 60_000) => clock.advance(ms)
const codeOf = ({ status, body }: { readonly status: number, readonly body: Record<string, unknown> }) => [status, body['code']]
const begin = async (who: Browser, id: string, path = '/signin/oidc/') => (await who.post(`${path}${id}`, {})).body as { url: string }
/** The callback, as a browser follows it. */
const arrive = (who: Browser, url: string) => who.ask('GET', url.slice(origin.length))
const endOf = ({ status, headers }: { readonly status: number, readonly headers: Headers }) => [status, headers.get('location')]
const signIn = async (who: Browser, id: string, as: Person, path?: string) =>
  arrive(who, await providers[id]!.signIn((await begin(who, id, path)).url, as))
const nameOf = async (who: Browser) => ((await who.ask('GET', '/account/me')).body as { account?: { name: string } }).account?.name

beforeAll(async () => {
  folder = newFolder()
  for (const id of ['work', 'home', 'public', 'open', 'staff'])
    providers[id] = await IdentityProvider.start([`${origin}/signin/callback/${id}`], secret)
  // Nobody is there any more.
  const gone = createServer().listen(0, '127.0.0.1')
  await once(gone, 'listening')
  const { port } = gone.address() as AddressInfo
  gone.close()
  const common = { clientId: 'agentchat', clientSecret: secret, trusted: false, signUp: false }
  relay = await startTestRelay({
    accounts: true,
    publicUrls: ['wss://relay.example'],
    data: folder.path,
    trustedProxies: ['127.0.0.1'],
    oidc: [
      { ...common, id: 'work', issuer: providers['work']!.issuer, label: 'Work', trusted: true },
      { ...common, id: 'home', issuer: providers['home']!.issuer, label: 'Home', trusted: true },
      { ...common, id: 'public', issuer: providers['public']!.issuer, label: 'Public' },
      { ...common, id: 'open', issuer: providers['open']!.issuer, label: 'Open', signUp: true },
      {
        ...{ ...common, id: 'staff', issuer: providers['staff']!.issuer, label: 'Staff', signUp: true },
        roles: { claim: 'groups', scope: 'staff', map: { 'relay moderators': 'moderator', revision: 'auditor' } },
      },
      { ...common, id: 'gone', issuer: `http://127.0.0.1:${port}`, label: 'Gone' },
      // It says that it is another one.
      { ...common, id: 'other', issuer: providers['work']!.issuer.replace('127.0.0.1', 'localhost'), label: 'Other' },
    ],
  }, {}, { clock })
  ada = browser()
  await ada.setUp(relay.setUpUrl!, adaKey, 'Ada')
})
afterAll(async () => {
  await relay.drain()
  for (const each of Object.values(providers)) await each[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

describe('an identity elsewhere', () => {
  test('is nobody’s until its owner adds it, signed in and fresh; then it signs in, at level 1', async () => {
    expect((await browser().ask('GET', '/signin/providers')).body).toMatchObject({
      items: [{ id: 'work', label: 'Work' }, {}, {}, {}, {}, {}, {}],
    })
    expect(endOf(await signIn(browser(), 'work', person))).toEqual([303, '/account#oidc=unknown'])
    later()
    expect(codeOf(await ada.post('/account/identities/work'))).toEqual([403, 'PASSKEY_ASKED'])
    await ada.signIn(adaKey)
    expect(endOf(await signIn(ada, 'work', person, '/account/identities/'))).toEqual([303, '/account'])
    const other = browser()
    const came = await signIn(other, 'work', person)
    expect(endOf(came)).toEqual([303, '/account'])
    expect(other.setCookie).toMatch(/^__Host-agentchat=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure$/)
    expect(other.flow, 'used up').toBe('')
    expect((await other.ask('GET', '/account/me')).body).toMatchObject({ account: { name: 'Ada' }, sign_in: { level: 1, fresh: false } })
    // Less sure than a passkey: what cannot be undone asks for one.
    expect(codeOf(await other.post('/account/passkeys/options', { name: 'x' }))).toEqual([403, 'PASSKEY_ASKED'])
    const { items } = (await ada.ask('GET', '/account/identities')).body as { items: object[] }
    expect(items).toEqual([expect.objectContaining({ provider: 'work', email: 'ada@example.org' })])
    later()
  })

  test('at a provider that is trusted, with the same address that is verified, is the same person; else it is not', async () => {
    const same = { sub: 'ada-2', email: 'ada@example.org', name: 'Ada' }
    expect(endOf(await signIn(browser(), 'work', { ...same, sub: 'ada-3', email_verified: false }))).toEqual([303, '/account#oidc=unknown'])
    expect(endOf(await signIn(browser(), 'public', { ...same, sub: 'ada-4', email_verified: true }))).toEqual([
      303,
      '/account#oidc=unknown',
    ])
    expect(endOf(await signIn(browser(), 'work', { ...same, sub: 'eve', email: 'eve@example.org', email_verified: true }))).toEqual([
      303,
      '/account#oidc=unknown',
    ])
    later()
    // Whoever has the address now at the same provider is somebody else there.
    expect(endOf(await signIn(browser(), 'work', { ...same, email_verified: true }))).toEqual([303, '/account#oidc=unknown'])
    // A letter that becomes another one is another's mailbox.
    expect(endOf(await signIn(browser(), 'home', { ...same, email: 'ad\u00e5@example.org', email_verified: true }))).toEqual([
      303,
      '/account#oidc=unknown',
    ])
    const linked = browser()
    expect(endOf(await signIn(linked, 'home', { ...same, email_verified: true }))).toEqual([303, '/account'])
    expect(await nameOf(linked)).toBe('Ada')
    later()
  })

  test('makes an account where the operator lets it, whose first passkey is made at once, and which keeps a way in', async () => {
    const ben = browser()
    expect(endOf(await signIn(ben, 'open', { sub: 'ben', email: 'ada@example.org', email_verified: true, name: 'Ben\u202e' }))).toEqual([
      303,
      '/account',
    ])
    // An address that anybody could claim there makes nobody Ada.
    expect(await nameOf(ben)).toBe('Ben')
    const { items: [own] } = (await ben.ask('GET', '/account/identities')).body as { items: { id: string }[] }
    expect(codeOf(await ben.ask('DELETE', `/account/identities/${own!.id}`))).toEqual([403, 'PASSKEY_ASKED'])
    later()
    expect(codeOf(await ben.post('/account/passkeys/options', { name: 'late' }))).toEqual([403, 'PASSKEY_ASKED'])
    await signIn(ben, 'open', { sub: 'ben', name: 'Ben' })
    const benKey = new Passkey(origin)
    const wish = (await ben.post('/account/passkeys/options', { name: 'phone' })).body
    expect((await ben.post('/account/passkeys', { name: 'phone', answer: benKey.create(wish as never) })).status).toBe(201)
    // Ada's identity is not Ben's to add.
    expect(endOf(await signIn(ben, 'work', person, '/account/identities/'))).toEqual([303, '/account#oidc=unknown'])
    expect((await ben.ask('DELETE', `/account/identities/${own!.id}`)).status).toBe(204)
    expect(await nameOf(ben)).toBe('Ben')
    later()
  })
})

test('what somebody is here follows what the provider says, each time that he signs in by it, by nothing else, and never makes or ends an operator', async () => {
  const roleOf = async (who: Browser) => ((await who.ask('GET', '/account/me')).body as { account: { role: string } }).account.role
  const come = async (groups: unknown, sub = 'cyd', who = browser()) => {
    expect(endOf(await signIn(who, 'staff', { sub, name: 'Cyd', groups } as Person))).toEqual([303, '/account'])
    later()
    return roleOf(who)
  }
  expect(await come(undefined)).toBe('person')
  expect(await come(['everybody', 'revision', 'relay moderators'])).toBe('moderator')
  expect(await come('revision')).toBe('auditor')
  const first = browser()
  expect(await come(['relay moderators'], 'cyd', first)).toBe('moderator')
  for (const none of [[], 'relay', { revision: true }, 7, ['operator'], ['__proto__'], undefined]) {
    expect(await come(['relay moderators'])).toBe('moderator')
    expect([none, await come(none)]).toEqual([none, 'person'])
  }
  // In a browser that is signed in already, too, and noted.
  expect(await roleOf(first)).toBe('person')
  const { items } = (await first.ask('GET', '/account/audit')).body as { items: { action: string, target: string }[] }
  expect(items.find(({ action }) => action === 'role_set')!.target).toMatch(/^~[0-9a-f]{16} person staff$/)
  // A provider that says nothing of it changes nothing.
  await come(['revision'])
  await ada.signIn(adaKey)
  expect(endOf(await signIn(ada, 'staff', { sub: 'ada-7', groups: ['revision'] }, '/account/identities/'))).toEqual([303, '/account'])
  expect(await come(['revision'], 'ada-7')).toBe('operator')
  later()
})

describe('what comes back', () => {
  test('with another state, nonce or issuer, by another browser, twice, or late is refused', async () => {
    const own = (url: string, change: (url: URL) => void) => {
      const changed = new URL(url)
      change(changed)
      return changed.href
    }
    const gone = async (who: Browser, changed: (url: URL) => void = () => undefined) =>
      providers['work']!.signIn(own((await begin(who, 'work')).url, changed), person)
    let who = browser()
    expect(endOf(await arrive(who, own(await gone(who), url => url.searchParams.set('state', 'x')))), 'state').toEqual([
      303,
      '/account#oidc=refused',
    ])
    who = browser()
    expect(endOf(await arrive(who, await gone(who, url => url.searchParams.set('nonce', 'x')))), 'nonce').toEqual([
      303,
      '/account#oidc=refused',
    ])
    who = browser()
    const issuer = own(await gone(who), url => url.searchParams.set('iss', 'https://evil.example'))
    expect(endOf(await arrive(who, issuer)), 'issuer').toEqual([303, '/account#oidc=refused'])
    later()
    who = browser()
    const challenge = await gone(who, url => url.searchParams.set('code_challenge', 'A'.repeat(43)))
    expect(endOf(await arrive(who, challenge)), 'PKCE').toEqual([303, '/account#oidc=refused'])
    who = browser()
    const stolen = await gone(who)
    expect(endOf(await arrive(browser(), stolen)), 'another browser').toEqual([303, '/account#oidc=late'])
    const { flow } = who
    expect(endOf(await arrive(who, stolen))).toEqual([303, '/account'])
    // The cookie of before, copied, and the same code.
    const thief = browser()
    thief.flow = flow
    expect(endOf(await arrive(thief, stolen)), 'a code again').not.toEqual([303, '/account'])
    later()
    who = browser()
    const { url } = await begin(who, 'work')
    const state = new URL(url).searchParams.get('state')!
    expect(endOf(await arrive(who, own(stolen, each => each.searchParams.set('state', state)))), 'a code of before').toEqual([
      303,
      '/account#oidc=refused',
    ])
    who = browser()
    const late = await gone(who)
    later()
    expect(endOf(await arrive(who, late)), 'late').toEqual([303, '/account#oidc=late'])
    expect(await nameOf(who)).toBeUndefined()
    who = browser()
    who.flow = `__Host-agentchat-oidc=${'A'.repeat(300)}`
    expect(endOf(await arrive(who, stolen)), 'forged').toEqual([303, '/account#oidc=late'])
    expect(endOf(await browser().ask('GET', '/signin/callback/work?error=access_denied'))).toEqual([303, '/account#oidc=late'])
    later()
  })

  test('from a provider that is down, or is another than it says, is a sentence; foreign pages begin nothing', async () => {
    const told = await browser().post('/signin/oidc/gone')
    expect([...codeOf(told), told.body['detail']]).toEqual([503, 'BUSY', expect.stringContaining('Gone cannot be asked at the moment')])
    expect(codeOf(await browser().post('/signin/oidc/other'))).toEqual([503, 'BUSY'])
    expect(codeOf(await browser().post('/signin/oidc/nobody'))).toEqual([404, 'NOT_FOUND'])
    expect(codeOf(await browser().ask('POST', '/signin/oidc/work', {}, { origin: 'https://evil.example' }))).toEqual([
      403,
      'FOREIGN_ORIGIN',
    ])
    // One that goes while somebody is there.
    const who = browser()
    const back = await providers['public']!.signIn((await begin(who, 'public')).url, person)
    await providers['public']![Symbol.asyncDispose]()
    expect(endOf(await arrive(who, back))).toEqual([303, '/account#oidc=down'])
    later()
  })
})

test('what the relay keeps names nobody’s secrets; a configuration that cannot be is refused', async () => {
  for (const text of [secret, ada.cookie.split('=')[1]!]) expect(await tracesOf(folder.path, text)).toEqual([])
  const one = { id: 'work', issuer: 'http://idp.example', clientId: 'x', label: 'Work', trusted: false, signUp: false }
  const wrong = [
    [one],
    [{ ...one, issuer: 'https://idp.example', clientSecretFile: folder.at('nothing') }],
    [{ ...one, issuer: 'https://idp.example', clientSecret: 'x', clientSecretEnv: 'Y' }],
    [{ ...one, issuer: 'https://a.example' }, { ...one, issuer: 'https://b.example' }],
  ]
  for (const oidc of wrong) await expect(startTestRelay({ accounts: true, oidc })).rejects.toThrow(ConfigError)
})
