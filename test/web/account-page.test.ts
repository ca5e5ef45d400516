// The page of accounts, outside of the console: in the language that the browser asks for or the console was set to, and usable by everybody.
import { describe, expect, test } from 'vitest'
import { de } from '../../src/doors/account/texts/de.ts'
import { en } from '../../src/doors/account/texts/en.ts'
import { localeOf } from '../../src/doors/account/texts/index.ts'
import { findings } from '../kit/axe.ts'
import { addPasskeys, noBrowser, phone, startConsoleRelay, useBrowser } from '../kit/browser.ts'

describe.skipIf(noBrowser !== undefined)('the page of accounts', () => {
  const browser = useBrowser()

  test('speaks German to who asks for it, and whatever the console was set to; axe finds nothing', async () => {
    await using site = await startConsoleRelay({ accounts: true }, { loadsLate: false })
    const setUp = { consoleUrl: site.relay.setUpUrl! }
    await using visit = await browser.visit(setUp, { locale: 'de-AT', size: phone, before: addPasskeys })
    const { page, faults } = visit
    expect(await page.locator('html').getAttribute('lang')).toBe('de')
    await page.getByLabel('Dein Name').fill('Ada')
    await page.getByRole('button', { name: 'Passkey anlegen' }).click()
    await page.getByText('Ada (Betreiber, ').waitFor()
    for (const text of ['Passkeys', 'Angemeldet', 'Leute']) await page.getByRole('heading', { name: text, exact: true }).waitFor()

    // What the relay refuses: a sentence, and its own words behind.
    page.once('dialog', dialog => void dialog.accept('BCDF-GHJK'))
    await page.getByRole('button', { name: 'Ein Befehl zeigt einen Code' }).click()
    await page.getByRole('status').getByText(/^Die Zeit dafür ist um.*\(.*code.*\)$/i).waitFor()
    await page.getByRole('button', { name: 'Jemanden einladen' }).click()
    await page.getByRole('status').getByText(site.consoleUrl.replace('/console/', '/account#')).waitFor()

    // As in the console: nothing is left that is in no dictionary, and what stands behind the # is not lost on the way.
    await page.evaluate("localStorage.setItem('agentchat.locale', 'pseudo')")
    await page.goto(`${site.consoleUrl.replace('/console/', '/account')}?again#oidc=down`)
    await page.getByRole('status').getByText(/^⟦.*⟧/).waitFor()
    const said = page.locator('button, h2, option, main p, [role=status]')
    await page.getByRole('button', { name: 'Invite somebody' }).waitFor()
    for (const text of await said.allInnerTexts()) expect(text).toMatch(/^⟦.*⟧$/)
    expect(await page.evaluate('[document.documentElement.dir, location.pathname + location.search + location.hash]')).toEqual([
      'rtl',
      '/account',
    ])
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(phone.width)
    expect(faults).toEqual([])

    await using tools = await browser.visit(setUp, { bypassCsp: true })
    await tools.page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    const found = [...await findings(tools.page)]
    await tools.context.addCookies(await visit.context.cookies())
    await tools.page.reload()
    await tools.page.getByRole('button', { name: 'Sign out everywhere' }).waitFor()
    expect([...found, ...await findings(tools.page)]).toEqual([])
  }, 60_000)
})

test('a browser is spoken to in what it wants most of what there is, whatever else it sends', () => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'en'],
    ['', 'en'],
    ['de', 'de'],
    ['de-AT,de;q=0.9,en;q=0.8', 'de'],
    ['fr,en;q=0.5,de;q=0.7', 'de'],
    ['en, de', 'en'],
    ['de;q=0', 'en'],
    ['de;q=7, en;q=0.1', 'en'],
    ['de;q=x', 'en'],
    ['pseudo', 'en'],
    [`${'fr,'.repeat(5_000)}de`, 'en'],
  ]
  for (const [accepted, locale] of cases) expect(localeOf([null, null], accepted), accepted?.slice(0, 40)).toBe(locale)
  expect([
    localeOf(['de', 'en'], 'en'),
    localeOf(['pseudo', 'de']),
    localeOf(['__proto__', null], 'de'),
    localeOf(['fr', 'en'], 'de'),
  ]).toEqual([
    'de',
    'pseudo',
    'de',
    'en',
  ])
})

test('both languages put the same in at the same texts', () => {
  const holes = (texts: object): unknown =>
    Object.fromEntries(
      Object.entries(texts).filter(([key]) => key !== 'errors').map(([key, text]) => [
        key,
        typeof text === 'string' ? [...text.matchAll(/\{\w+\}/g)].map(String).sort() : holes(text as object),
      ]),
    )
  expect(holes(de)).toEqual(holes(en))
})
