// Every page of the console, as the rail lists them: what axe finds in each theme and at both sizes, what its rules forbid, and how large it is.
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { agentId } from '../../lib/index.ts'
import { readConsole } from '../../src/doors/console/files.ts'
import { findings, lookOver } from '../kit/axe.ts'
import { builtConsole, comeIn, desktop, noBrowser, phone, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { joinScene, offerTo, startScene } from '../kit/console-scene.ts'
import { newKey } from '../kit/wire.ts'

/** What a page lists leads to a page of its own, which is looked at too: the first of them, and what shows that it is there. */
const behind: Readonly<Record<string, readonly [first: string, inside: string]>> = {
  agents: ['.skill .agent-link', '.agent-head'],
  deals: ['.deal-card .task', '.history li'],
}

/** Pictures for docs/CONSOLE.md, where they are asked for. */
const pictures = process.env['AGENTCHAT_SCREENSHOTS']
const photograph = async (page: Page, name: string): Promise<void> => {
  if (pictures !== undefined) await page.screenshot({ path: join(pictures, `${name}.png`) })
}

describe.skipIf(noBrowser !== undefined)('pages', () => {
  const browser = useBrowser()

  test('are usable by everybody: axe finds nothing, in no theme, at no size; and no rule is broken', async () => {
    await using scene = await startScene()
    await using visit = await browser.visit(scene.site, { bypassCsp: true })
    const { page, faults } = visit
    await page.getByLabel('Your name').waitFor()
    expect(await findings(page)).toEqual([])
    await photograph(page, 'welcome')
    await joinScene(page)
    const rail = page.getByRole('navigation', { name: 'Pages' })
    const links = await rail.getByRole('link').all()
    const pages = await Promise.all(links.map(async link => (await link.getAttribute('href'))!))
    expect(pages.length).toBeGreaterThan(1)
    const found: string[] = []
    await offerTo(agentId((await page.locator('.rail .who small').textContent())!), scene)
    const look = async (name: string) => {
      await page.locator('main h1').first().waitFor()
      const here = await lookOver(page, name, {
        onEach: async (theme, size) => {
          if (theme === 'brutalist' || (theme === 'neon' && size === desktop))
            await photograph(page, `${name}${theme === 'neon' ? '-neon' : ''}${size === phone ? '-phone' : ''}`)
        },
      })
      found.push(...here)
    }
    for (const path of pages) {
      const name = path.split('/').at(-1)!
      await rail.locator(`a[href='${path}']`).click()
      if (name === 'chat') await page.getByRole('navigation', { name: 'Channels' }).getByText('#general').click()
      const [first, inside] = behind[name] ?? []
      if (first !== undefined) await page.locator(first).first().waitFor()
      await look(name)
      if (first === undefined || inside === undefined) continue
      await page.locator(first).first().click()
      await page.locator(inside).first().waitFor()
      await look(`${name}-one`)
    }
    expect(found).toEqual([])
    expect(faults).toEqual([])
  }, 120_000)

  test('and so are the parts of Relay, full and with a dialog open, for who operates it', async () => {
    const adminKey = 'correct horse battery'
    await using site = await startConsoleRelay({ adminKey }, { log: pino({ level: 'info' }, { write: () => undefined }) })
    await using mallory = await site.relay.login('mallory', { key: newKey() })
    await using visit = await browser.visit(site, { bypassCsp: true })
    const { page, faults } = visit
    const admin = { admin_key: adminKey }
    await mallory.ask({ type: 'ADMIN_BAN', ...admin, address: '203.0.113.7', reason: 'spam' }, 'ADMIN_RESULT')
    await mallory.ask({ type: 'ADMIN_APPROVE', ...admin, pubkey: newKey().pem, note: 'a friend' }, 'ADMIN_RESULT')
    await mallory.ask({ type: 'CREATE_CHANNEL', channel: '#closed', invite_only: true }, 'JOINED')
    await mallory.refusal({ type: 'ADMIN_LIST', admin_key: 'a wrong one' })
    await comeIn(page, 'Ada')
    await page.getByRole('link', { name: 'Relay' }).click()
    await page.getByLabel('Admin key').waitFor()
    // What they have on a phone is coloured as it is on a desk.
    const look = (name: string) => lookOver(page, name, { onPhone: ['brutalist'] })
    const found = [...await look('relay without a key')]
    await page.getByLabel('Admin key').fill(adminKey)
    await page.keyboard.press('Enter')
    const tabs = page.getByRole('navigation', { name: 'Relay' })
    const parts = {
      Overview: '.chart canvas',
      Log: '.line.warn',
      Agents: 'button[aria-label="Ban: mallory"]',
      Bans: 'button[aria-label="Lift: 203.0.113.7"]',
      Allowlist: '.wide-table tbody tr',
      Channels: 'button[aria-label="Members: #closed"]',
      Audit: '.wide-table tbody tr',
      Settings: '.settings dt',
    } as const
    await tabs.waitFor()
    expect(await tabs.getByRole('link').allInnerTexts()).toEqual(Object.keys(parts))
    for (const [part, inside] of Object.entries(parts)) {
      await tabs.getByRole('link', { name: part, exact: true }).click()
      await page.locator(inside).first().waitFor()
      found.push(...await look(part))
      if (part !== 'Agents' && part !== 'Channels') continue
      await page.locator(inside).click()
      await page.getByRole('dialog').getByRole('button').first().waitFor()
      found.push(...await look(`${part} with a dialog`))
      await page.keyboard.press('Escape')
    }
    expect(found).toEqual([])
    expect(faults).toEqual([])
  }, 120_000)

  test('speak other languages, at the size of a phone and from right to left, and nothing is wider than the window', async () => {
    await using scene = await startScene()
    await using visit = await browser.visit(scene.site, {
      size: phone,
      before: page => page.addInitScript("localStorage.setItem('agentchat.locale', 'pseudo')"),
    })
    const { page, faults } = visit
    expect(await page.locator('h1').innerText()).toMatch(/^⟦.*⟧$/)
    await page.locator('#name').fill('Ada')
    await page.locator('button[type=submit]').click()
    const links = page.locator('.rail a')
    await links.first().waitFor()
    expect(await page.evaluate('document.documentElement.dir')).toBe('rtl')
    for (const path of await Promise.all((await links.all()).map(link => link.getAttribute('href')))) {
      await page.locator(`.rail a[href='${path}']`).click()
      await page.locator('main h1, main h2').first().waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth'), String(path)).toBeLessThanOrEqual(phone.width)
      expect(await page.locator(`.rail a[href='${path}'] .label`).innerText()).toMatch(/^⟦.*⟧$/)
    }
    await page.addInitScript("localStorage.setItem('agentchat.locale', 'de')")
    await page.reload()
    await page.locator('.rail').waitFor()
    expect(await page.evaluate('document.documentElement.lang')).toBe('de')
    await page.getByRole('navigation', { name: 'Seiten' }).waitFor()
    // What the relay refuses is said in the visitor's language, with its own words below.
    await page.locator(".rail a[href$='/relay']").click()
    await page.locator('#admin-key').fill('no key of this relay')
    await page.keyboard.press('Enter')
    await page.locator('.wrong', { hasText: 'Das Relay versteht diese Anfrage nicht' }).locator('small[lang=en]', {
      hasText: 'not configured',
    })
      .waitFor()
    expect(faults).toEqual([])
  })

  test('are there without the relay: the shell, and a sentence that says so', async () => {
    const site = await startConsoleRelay()
    await using visit = await browser.visit(site)
    const { page } = visit
    await comeIn(page, 'Ada')
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)')
    await site[Symbol.asyncDispose]()
    await page.reload()
    await page.getByRole('navigation', { name: 'Pages' }).waitFor()
    await page.locator('.banner').waitFor()
    expect(await page.locator('.rail strong').innerText()).toBe('Ada')
  })
})

test('are small: what is loaded first, each page, the styles, and all of it', () => {
  const built = readConsole(builtConsole)
  const files = [...built.keys()].filter(name => name.startsWith('assets/'))
  const packed = new Map(files.map(name => [name, gzipSync(built.get(name)!.body, { level: 9 }).length / 1_000]))
  const index = built.get('index.html')!.body.toString()
  const [first, later] = [true, false].map(isFirst => files.filter(name => name.endsWith('.js') && index.includes(name) === isFirst))
  const sum = (names: readonly string[]) => names.reduce((kB, name) => kB + packed.get(name)!, 0)
  expect(first!.length).toBeGreaterThan(0)
  expect(sum(first!)).toBeLessThanOrEqual(150)
  expect(later!.filter(name => packed.get(name)! > 30)).toEqual([])
  expect(sum(files.filter(name => name.endsWith('.css')))).toBeLessThanOrEqual(15)
  // Packed and unpacked: what is shipped, and what the relay has in memory.
  const all = [...built.values()].reduce((bytes, { body, brotli }) => bytes + body.length + (brotli?.length ?? 0), 0)
  expect(all).toBeLessThanOrEqual(1_200_000)
})
