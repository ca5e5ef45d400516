// All pages by the keyboard alone, from coming in to banning somebody; chat has its own in peers.test.ts. Nothing here is ever clicked.
import type { Page } from 'playwright-core'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { agentId } from '../../lib/index.ts'
import { noBrowser, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, newIdentity } from '../kit/client.ts'

/** What has the focus, by what it is called. */
const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const here = document.activeElement
    return (here.getAttribute('aria-label') || here.labels?.[0]?.innerText || here.innerText || '').trim()
  })()`)
/** Goes on by Tab until something of that name has the focus. */
const tabTo = async (page: Page, name: RegExp): Promise<void> => {
  for (let steps = 0; steps < 120; steps++) {
    if (name.test(await focused(page))) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never comes to ${name}: it is at ${await focused(page)}`)
}
const press = async (page: Page, name: RegExp): Promise<void> => {
  await tabTo(page, name)
  await page.keyboard.press('Enter')
}

describe.skipIf(noBrowser !== undefined)('by the keyboard alone', () => {
  const browser = useBrowser()

  test('agents are found and asked, deals accepted, requests sent, the relay operated, and the look chosen', async () => {
    const adminKey = 'correct horse battery'
    await using site = await startConsoleRelay({ adminKey }, { log: pino({ level: 'info' }, { write: () => undefined }) })
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await bot.people.registerSkills([{ capability: 'code-review', rate: 5, currency: 'USD' }])
    await using mallory = await site.relay.login('mallory')
    await using visit = await browser.visit(site, {
      before: page => page.addInitScript("addEventListener('pointerdown', () => { window.pointed = true }, true)"),
    })
    const { page, faults } = visit
    const dialog = page.getByRole('dialog')
    await page.getByLabel('Your name').waitFor()
    await tabTo(page, /^Your name/)
    await page.keyboard.type('Ada')
    await page.keyboard.press('Enter')
    const small = page.locator('.rail .who small').first()
    await expect.poll(() => small.textContent(), { timeout: 15_000 }).toMatch(/^@/)
    const ada = agentId((await small.textContent())!)

    // Agents: found by a skill, and looked at.
    await page.keyboard.press('Alt+2')
    await page.locator('.skill').first().waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('review')
    await page.keyboard.press('Enter')
    await page.getByText('1–1 of 1 skill shown').waitFor()
    await press(page, /^reviewer$/)
    await page.locator('.agent-head').waitFor()

    // Deals: an offer that came is read and accepted.
    const { proposalId } = await bot.trade.propose(ada, { task: 'Review the patch', role: 'provider', amount: 5, currency: 'USD' })
    await page.keyboard.press('Alt+3')
    await page.getByRole('link', { name: 'Review the patch' }).waitFor()
    await press(page, /^Review the patch$/)
    await page.getByRole('button', { name: 'Accept', exact: true }).waitFor()
    await press(page, /^Accept$/)
    await dialog.getByText('signed exactly these terms').waitFor()
    await press(page, /^Accept$/)
    await dialog.waitFor({ state: 'detached' })
    expect((await bot.trade.get(proposalId)).status).toBe('accepted')

    // Anything.
    await page.keyboard.press('Alt+4')
    await page.locator('.requests a').first().waitFor()
    await tabTo(page, /^Find/)
    await page.keyboard.type('LIST_CHANNELS')
    await page.keyboard.press('ArrowDown')
    await page.locator('.requests a:focus').waitFor()
    while (await page.locator('.requests a:focus code').textContent() !== 'LIST_CHANNELS') await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.locator('.request form').waitFor()
    await press(page, /^Send$/)
    await page.getByRole('region', { name: 'Answer' }).getByText('"type": "CHANNELS"').waitFor()

    // The relay: the key, its parts by the arrows, a ban.
    await page.keyboard.press('Alt+5')
    await page.getByLabel('Admin key').waitFor()
    await tabTo(page, /^Admin key/)
    await page.keyboard.type(adminKey)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation', { name: 'Relay' }).waitFor()
    await tabTo(page, /^Overview$/)
    for (let i = 0; i < 2; i++) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Ban: mallory' }).waitFor()
    await press(page, /^Ban: mallory$/)
    await dialog.waitFor()
    await tabTo(page, /^Reason/)
    await page.keyboard.type('spam')
    await page.keyboard.press('Enter')
    expect((await mallory.closed()).code).toBe(4_502)

    // Settings: the look and the language.
    await page.keyboard.press('Alt+6')
    await page.getByRole('heading', { name: 'Settings' }).waitFor()
    await tabTo(page, /^Theme/)
    await page.keyboard.press('ArrowDown')
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('neon')
    await tabTo(page, /^Language/)
    await page.keyboard.type('Deu')
    await page.getByRole('heading', { name: 'Einstellungen' }).waitFor()
    expect(await page.evaluate('window.pointed')).toBeUndefined()
    expect(faults).toEqual([])
  }, 60_000)
})
