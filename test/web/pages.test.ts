// Every page of the console, as the rail lists them: what axe finds in each theme and at both sizes, what its rules forbid, and how large it is.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { agentId } from '../../lib/index.ts'
import { readConsole } from '../../src/doors/console/files.ts'
import { findings, lookOver, overflowing } from '../kit/axe.ts'
import { builtConsole, comeIn, noBrowser, phone, photograph, shownPictures, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { joinScene, offerTo, startScene } from '../kit/console-scene.ts'
import { newKey } from '../kit/wire.ts'

/** What a page lists leads to a page of its own, which is looked at too: what leads there, and what shows that it is there. */
const behind: Readonly<Record<string, Readonly<Record<string, readonly [lead: string, inside: string]>>>> = {
  agents: { one: ['.skill .agent-link', '.agent-head'] },
  deals: { one: ['.deal-card .task', '.history li'], new: ['.deals-head a[href$="/new"]', 'form.offer'] },
  anything: { form: ['.requests a[href$="/SET_CHANNEL"]', '.request form'] },
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
          const picture = `${name}${theme === 'brutalist' ? '' : `-${theme}`}${size === phone ? '-phone' : ''}`
          // Each page once, and those that the docs show otherwise too.
          if (picture === name || shownPictures.includes(picture)) await photograph(page, picture)
        },
      })
      found.push(...here)
    }
    for (const path of pages) {
      const name = path.split('/').at(-1)!
      await rail.locator(`a[href='${path}']`).click()
      if (name === 'chat') await page.getByRole('navigation', { name: 'Channels' }).getByText('#general').click()
      const leads = Object.entries(behind[name] ?? {})
      for (const [, [lead]] of leads) await page.locator(lead).first().waitFor()
      await look(name)
      for (const [which, [lead, inside]] of leads) {
        await page.locator(lead).first().click()
        await page.locator(inside).first().waitFor()
        await look(`${name}-${which}`)
        await page.goBack()
      }
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
      // Of these two where there is more to see: operator.test.ts.
      if (part !== 'Overview' && part !== 'Log') await photograph(page, `relay-${part.toLowerCase()}`)
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
    const small = page.locator('.rail .who small').first()
    await expect.poll(() => small.textContent(), { timeout: 15_000 }).toMatch(/^@/)
    await offerTo(agentId((await small.textContent())!), scene)
    const wide: string[] = []
    const look = async (name: string) => wide.push(...(await overflowing(page)).map(each => `${name}: ${each}`))
    for (const path of await Promise.all((await links.all()).map(link => link.getAttribute('href')))) {
      await page.locator(`.rail a[href='${path}']`).click()
      await page.locator('main h1, main h2').first().waitFor()
      expect(await page.locator(`.rail a[href='${path}'] .label`).innerText()).toMatch(/^⟦.*⟧$/)
      const name = path!.split('/').at(-1)!
      await look(name)
      for (const [which, [lead, inside]] of Object.entries(behind[name] ?? {})) {
        await page.locator(lead).first().click()
        await page.locator(inside).first().waitFor()
        await look(`${name}-${which}`)
        await page.goBack()
      }
    }
    await page.goto(`${scene.site.consoleUrl}chat/%23general`)
    await page.locator('.composer button').click()
    await page.locator('.message', { hasText: 'two names that lie' }).waitFor()
    await look('what was said')
    expect(wide).toEqual([])
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

  test('keep to what the system says: less motion is none, more contrast is the theme for it', async () => {
    await using site = await startConsoleRelay()
    /** What moves when a dialog opens. */
    const moving = async (reducedMotion: 'reduce' | 'no-preference') => {
      await using visit = await browser.visit(site, { reducedMotion, contrast: reducedMotion === 'reduce' ? 'more' : 'no-preference' })
      const { page } = visit
      await comeIn(page, 'Ada')
      await page.evaluate(
        "window.begun = 0; for (const kind of ['animationstart', 'transitionrun']) addEventListener(kind, () => begun++, true)",
      )
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Settings' }).focus()
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
      // Whatever began has said so by the frame after the next.
      await page.evaluate('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))')
      return { begun: await page.evaluate('begun'), theme: await page.evaluate('document.documentElement.dataset.theme') }
    }
    expect(await moving('reduce')).toEqual({ begun: 0, theme: 'contrast' })
    expect(await moving('no-preference')).toEqual({ begun: 1, theme: 'brutalist' })
  })

  test('can be installed: the browser finds nothing that is missing for it', async () => {
    await using site = await startConsoleRelay()
    await using visit = await browser.visit(site)
    await comeIn(visit.page, 'Ada')
    const tools = await visit.context.newCDPSession(visit.page)
    const { url, errors, manifest } = await tools.send('Page.getAppManifest')
    expect({ url, errors }).toEqual({ url: `${site.consoleUrl}manifest.webmanifest`, errors: [] })
    expect(manifest).toMatchObject({ startUrl: site.consoleUrl, scope: site.consoleUrl })
    expect(
      (await tools.send('Page.getInstallabilityErrors')).installabilityErrors.map(({ errorId }) => errorId).filter(id =>
        id !== 'in-incognito'
      ),
    ).toEqual([])
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

test('are in the docs: each picture there is shown, and each that is shown is there', () => {
  const there = readdirSync(join(import.meta.dirname, '../../docs/console')).map(name => name.replace(/\.png$/, ''))
  expect(there.sort()).toEqual([...shownPictures].sort())
})
