// The console and the page of accounts under a name of their own, in a browser: what is seen, and that everybody can read it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { findings } from '../kit/axe.ts'
import { addPasskeys, noBrowser, phone, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { newFolder } from '../kit/folder.ts'

const folder = newFolder()
afterAll(() => folder[Symbol.dispose]())
const brand = join(folder.path, 'brand.json')
writeFileSync(join(folder.path, 'logo.svg'),
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9" fill="#0b6e4f"/></svg>')
writeFileSync(brand, JSON.stringify({
  name: 'Acme Agents',
  logo: 'logo.svg',
  tokens: {
    light: { accent: '#0b6e4f', rail: '#0b3d2e', 'on-rail': '#fff', 'rail-mark': '#ffd400', 'on-rail-mark': '#111', link: '#0b5a41' },
    dark: { accent: '#7fe0b8', 'on-accent': '#04140d', link: '#9fe8cb', 'rail-mark': '#7fe0b8', 'on-rail-mark': '#04140d' },
  },
  links: [{ label: 'Help', url: 'https://acme.example/help' }],
}))

describe.skipIf(noBrowser !== undefined)('a relay with a brand', () => {
  const browser = useBrowser()

  test('is seen by its name, logo and colours, light and dark; other themes can be chosen, and axe finds nothing', async () => {
    await using site = await startConsoleRelay({ accounts: true, brand }, { loadsLate: false })
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await page.getByRole('button', { name: 'Make my key' }).waitFor()
    expect(await page.title()).toBe('Acme Agents')
    const shown = () =>
      page.evaluate<readonly unknown[]>(`[
        getComputedStyle(document.querySelector('button.primary')).backgroundColor,
        document.querySelector('img').naturalWidth > 0,
        document.documentElement.dataset.theme,
      ]`)
    const green = 'rgb(11, 110, 79)'
    // It is not enabled before there is a name.
    await page.getByLabel('Your name').fill('ann')
    expect(await shown()).toEqual([green, true, 'brand'])
    expect(await page.getByRole('link', { name: 'Help' }).getAttribute('href')).toBe('https://acme.example/help')
    await page.locator('.welcome').getByText('Acme Agents').waitFor()
    // For docs/CONSOLE.md, where it is asked for.
    const pictures = process.env['AGENTCHAT_SCREENSHOTS']
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, 'brand.png') })
    await page.getByRole('button', { name: 'Make my key' }).click()
    await page.locator('.rail .brand').getByText('Acme Agents').waitFor()
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Settings' }).click()
    const theme = page.getByLabel('Theme')
    expect(await theme.locator('option').allInnerTexts()).toEqual(['Acme Agents', 'Brutalist', 'Deep blue neon', 'Plain', 'High contrast'])
    await theme.selectOption('contrast')
    expect(
      await page.evaluate('getComputedStyle(document.body).backgroundColor || getComputedStyle(document.documentElement).backgroundColor'),
    ).not.toBe(green)
    await page.reload()
    await theme.waitFor()
    expect([await theme.inputValue(), faults]).toEqual(['contrast', []])

    // What is installed keeps its picture without the network.
    await page.evaluate('navigator.serviceWorker.ready')
    const cached = await page.evaluate<readonly string[]>(`caches.keys().then(async names => (await Promise.all(names.map(async name =>
      (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat())`)
    expect(cached.filter(path => path.startsWith('/console/brand/')).map(path => path.replace(/-[0-9a-f]+/, ''))).toEqual(
      expect.arrayContaining(['/console/brand/logo.svg', '/console/brand/theme.css']),
    )

    await using tools = await browser.visit(site, { bypassCsp: true })
    const found: string[] = []
    for (const scheme of ['light', 'dark'] as const) {
      await tools.page.emulateMedia({ colorScheme: scheme })
      await tools.page.goto(site.consoleUrl)
      if (scheme === 'light') {
        await tools.page.getByRole('button', { name: 'Make my key' }).waitFor()
        found.push(...await findings(tools.page))
        await tools.page.getByLabel('Your name').fill('ben')
        await tools.page.getByRole('button', { name: 'Make my key' }).click()
      }
      await tools.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Settings' }).click()
      await tools.page.getByLabel('Theme').waitFor()
      expect(await tools.page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--accent')")).toBe(
        scheme === 'light' ? '#0b6e4f' : '#7fe0b8',
      )
      found.push(...await findings(tools.page))
      await tools.page.goto(site.consoleUrl.replace('/console/', '/account'))
      await tools.page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
      found.push(...await findings(tools.page))
    }
    expect(found).toEqual([])
  }, 60_000)

  test('speaks to who is signed in what the account wants, in the console and beside it, on every browser of it', async () => {
    await using site = await startConsoleRelay({ accounts: true, brand }, { loadsLate: false })
    await using visit = await browser.visit({ consoleUrl: site.relay.setUpUrl! }, { size: phone, before: addPasskeys })
    const { page, faults } = visit
    await page.getByLabel('Your name').fill('Ada')
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.getByLabel('The language of this account').selectOption('de')
    await page.getByRole('button', { name: 'Set', exact: true }).last().click()
    await page.getByRole('heading', { name: 'Sprache' }).waitFor()
    expect(await page.locator('html').getAttribute('lang')).toBe('de')

    // Another browser, which asks for English, once it is signed in.
    await using other = await browser.visit(site, { locale: 'en-US' })
    await other.page.getByRole('button', { name: 'Make my key' }).waitFor()
    await other.context.addCookies(await visit.context.cookies())
    await other.page.reload()
    await other.page.getByText('Du bist als Ada angemeldet').waitFor()
    await other.page.getByLabel('Dein Name').fill('ada-2')
    await other.page.getByRole('button', { name: 'Schlüssel machen und eintreten' }).click()
    await other.page.getByRole('navigation').getByRole('link', { name: 'Einstellungen' }).click()
    const language = other.page.getByLabel('Sprache')
    await other.page.getByText('Überall, wo du mit deinem Konto angemeldet bist.').waitFor()
    expect(await language.inputValue()).toBe('de')
    await language.selectOption('')
    await other.page.getByRole('heading', { name: 'Settings' }).waitFor()

    // And so it is at the first one, whose page is of the account again.
    await expect.poll(async () => {
      await page.goto(site.consoleUrl.replace('/console/', '/account'))
      return page.evaluate<string>("document.getElementById('texts').dataset.own")
    }).toBe('false')
    expect([...faults, ...other.faults]).toEqual([])
  }, 60_000)
})
