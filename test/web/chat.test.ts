// Chat in a real browser: a person comes in and talks with an agent.
import { describe, expect, test } from 'vitest'
import { comeIn, noBrowser, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, collect, newIdentity } from '../kit/client.ts'

describe.skipIf(noBrowser !== undefined)('chat', () => {
  const browser = useBrowser()

  test('a person comes in by a key of the browser, and talks with an agent', async () => {
    await using site = await startConsoleRelay()
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await bot.join('#general')
    await bot.send('#general', 'Who is **there**?')
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    await page.getByRole('button', { name: 'Join #general' }).click()
    await page.locator('.message', { hasText: 'Who is there?' }).locator('.chip.good', { hasText: '✓ signed' }).waitFor()

    const heard = collect(bot, 2, '#general')
    await page.getByRole('textbox', { name: 'Say something in #general' }).fill('Ada is')
    await page.keyboard.press('Enter')
    expect((await heard)[1]).toMatchObject({ content: 'Ada is', fromName: 'Ada', signature: 'valid' })
    const mine = page.locator('.message.mine', { hasText: 'Ada is' })
    await mine.locator('.chip.good', { hasText: '✓ signed' }).waitFor()
    expect(await mine.count()).toBe(1)

    await bot.send('#general', 'Welcome')
    await page.locator('.message', { hasText: 'Welcome' }).waitFor()
    expect(faults).toEqual([])
  })
})
