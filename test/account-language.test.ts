// The language of an account: it is said once, wherever somebody is signed in, and else each browser is spoken to in what it asks for.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { locales } from '../src/doors/account/texts/index.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

let relay: TestRelay
let origin: string
const browser = () => new Browser(() => relay.httpUrl, origin)
let [ada, phone, ben]: Browser[] = []

beforeAll(async () => {
  relay = await startTestRelay({ accounts: true })
  origin = relay.setUpUrl!.split('/account')[0]!
  ;[ada, phone, ben] = [browser(), browser(), browser()]
  const passkey = new Passkey(origin)
  await ada.setUp(relay.setUpUrl!, passkey, 'Ada')
  await phone.signIn(passkey)
  await ben.setUp(((await ada.post('/account/invitations')).body as { url: string }).url, new Passkey(origin), 'Ben')
})
afterAll(() => relay.drain())

const choose = (who: Browser, locale: unknown, headers = {}) => who.ask('PUT', '/account/locale', { locale }, headers)
const localeOf = async (who: Browser) => ((await who.ask('GET', '/account/me')).body as { account: { locale: unknown } }).account.locale
/** In which language the page speaks to a browser that asks for another, and whether by the account's word. */
const pageOf = async (who: Browser, query = '', asked = 'en-GB,en;q=0.9') => {
  const { text, headers } = await who.ask('GET', `/account${query}`, undefined, { 'accept-language': asked })
  expect(headers.get('vary')).toBe('accept-language, cookie')
  return [/<html lang="(\w+)"/.exec(text)?.[1], /data-own="(\w+)"/.exec(text)?.[1]]
}

test('is none at first; once it is chosen, every browser that is signed in is spoken to in it, and nobody else', async () => {
  expect([await localeOf(ada!), await pageOf(ada!), await pageOf(ada!, '', 'de')]).toEqual([null, ['en', 'false'], ['de', 'false']])
  expect((await choose(ada!, 'de')).status).toBe(204)
  for (const who of [ada!, phone!]) expect([await localeOf(who), await pageOf(who)]).toEqual(['de', ['de', 'true']])
  for (const who of [ben!, browser()]) expect(await pageOf(who)).toEqual(['en', 'false'])
  expect(await localeOf(ben!)).toBeNull()
  // What the address says is for this once.
  expect(await pageOf(phone!, '?lang=en')).toEqual(['en', 'false'])
  expect(await pageOf(phone!, '?lang=xx')).toEqual(['de', 'true'])
  expect((await choose(phone!, null)).status).toBe(204)
  expect([await localeOf(ada!), await pageOf(ada!)]).toEqual([null, ['en', 'false']])
  const { items } = (await ada!.ask('GET', '/account/audit')).body as { items: { action: string, target: string | null }[] }
  expect(items.filter(({ action }) => action === 'locale_set').map(({ target }) => target)).toEqual([null, 'de'])
})

test('is one that there is, chosen by who is signed in, from a page of the relay', async () => {
  for (const wrong of ['fr', 'pseudo', 'DE', '', 7, ['de'], undefined])
    expect((await choose(ben!, wrong)).body, String(wrong)).toMatchObject({ code: 'INVALID_MSG' })
  expect((await choose(browser(), 'de')).body).toMatchObject({ code: 'AUTH_REQUIRED' })
  expect((await choose(ben!, 'de', { origin: 'https://evil.example' })).body).toMatchObject({ code: 'FOREIGN_ORIGIN' })
  expect(await localeOf(ben!)).toBeNull()
  // A cookie of nobody, and one that was signed out, are spoken to as strangers.
  await choose(phone!, 'de')
  const stolen = phone!.cookie
  await phone!.post('/signout')
  phone!.cookie = stolen
  expect(await pageOf(phone!)).toEqual(['en', 'false'])
})

test('is of those that the console speaks', () => {
  // Its module asks for a page: it is read.
  const [, told] = /export const locales: readonly Locale\[\] = \[([^\]]*)\]/.exec(readFileSync('web/text/index.ts', 'utf8'))!
  expect(told).toBe(locales.map(each => `'${each}'`).join(', '))
})
