// Every page of the console, as the rail lists them: what axe finds in each theme and at both sizes, what its rules forbid, and how large it is.
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { agentId } from '../../lib/index.ts'
import { builtConsole, comeIn, desktop, noBrowser, phone, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { joinScene, offerTo, startScene } from '../kit/console-scene.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const themes = ['brutalist', 'neon', 'plain', 'contrast']

/** What axe finds, each with where it is. `rules`: those alone. */
const findings = async (page: Page, rules?: readonly string[]): Promise<readonly string[]> => {
  if (!await page.evaluate("'axe' in window")) await page.evaluate(axe)
  const options = rules === undefined ? {} : { runOnly: rules }
  const { violations } = await page.evaluate<Findings>(`axe.run(${JSON.stringify(options)})`)
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${String(target)}: ${failureSummary}`)
  )
}

interface Findings {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly target: unknown, readonly failureSummary: string }[]
  }[]
}

const wear = (page: Page, theme: string): Promise<unknown> => page.evaluate(`document.documentElement.dataset.theme = '${theme}'`)

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
      for (const size of [desktop, phone]) {
        await page.setViewportSize(size)
        for (const theme of themes) {
          await wear(page, theme)
          // What a theme changes are colours.
          const here = await findings(page, theme === 'brutalist' ? undefined : ['color-contrast'])
          found.push(...here.map(each => `${name} ${theme} ${size.width}: ${each}`))
          if (theme === 'brutalist' || (theme === 'neon' && size === desktop))
            await photograph(page, `${name}${theme === 'neon' ? '-neon' : ''}${size === phone ? '-phone' : ''}`)
        }
        await wear(page, 'brutalist')
        expect(await page.evaluate('document.documentElement.scrollWidth'), `${name} is as wide as the window`).toBeLessThanOrEqual(
          size.width,
        )
      }
      await page.setViewportSize(desktop)
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
  const files = readdirSync(join(builtConsole, 'assets')).filter(name => !name.endsWith('.br'))
  const packed = new Map(files.map(name => [name, gzipSync(readFileSync(join(builtConsole, 'assets', name)), { level: 9 }).length / 1_000]))
  const index = readFileSync(join(builtConsole, 'index.html'), 'utf8')
  const [first, later] = [true, false].map(isFirst => files.filter(name => name.endsWith('.js') && index.includes(name) === isFirst))
  const sum = (names: readonly string[]) => names.reduce((kB, name) => kB + packed.get(name)!, 0)
  expect(first!.length).toBeGreaterThan(0)
  expect(sum(first!)).toBeLessThanOrEqual(150)
  expect(later!.filter(name => packed.get(name)! > 30)).toEqual([])
  expect(sum(files.filter(name => name.endsWith('.css')))).toBeLessThanOrEqual(15)
  const all = readdirSync(builtConsole, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .reduce((bytes, { parentPath, name }) => bytes + readFileSync(join(parentPath, name)).length, 0)
  expect(all).toBeLessThanOrEqual(1_200_000)
})
