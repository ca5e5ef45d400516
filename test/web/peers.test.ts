// What others write is data: nothing of it runs, leaves its place, or is taken for the console. And all that the console does is done by keyboard.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { noBrowser, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, collect, newIdentity } from '../kit/client.ts'
import { hostileTexts } from '../kit/console-scene.ts'

/** What the page asked of other hosts, and which of its rules were broken. */
const watch = async (page: Page): Promise<{ readonly elsewhere: string[], readonly broken: () => Promise<unknown> }> => {
  const elsewhere: string[] = []
  page.on('request', request => {
    if (new URL(request.url()).hostname !== 'localhost') elsewhere.push(request.url())
  })
  await page.addInitScript('window.broken = []; addEventListener("securitypolicyviolation", event => broken.push(event.violatedDirective))')
  return { elsewhere, broken: () => page.evaluate('broken') }
}

describe.skipIf(noBrowser !== undefined)('peers', () => {
  const browser = useBrowser()

  test('texts that mean harm are shown as what they are, in their place', async () => {
    await using site = await startConsoleRelay()
    await using villain = await clientOf(site.relay, { name: 'villain' })
    await villain.join('#general')
    const long = 'x'.repeat(500_000)
    let watched: Awaited<ReturnType<typeof watch>>
    await using visit = await browser.visit(site, { before: async page => watched = await watch(page) })
    const { page, faults } = visit
    await page.getByLabel('Your name').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Make my key' }).click()
    await page.getByRole('button', { name: 'Join #general' }).click()
    await page.locator('#compose').waitFor()
    for (const [i, text] of [...hostileTexts, long].entries()) {
      await villain.send('#general', text)
      await expect.poll(() => page.locator('.message:not(.waiting)').count()).toBe(i + 1)
      const row = page.locator('.message').last()
      await row.getByText('unsigned').waitFor()
      // It stays within its row, and the row within the list.
      const isInPlace = await page.evaluate(`(() => {
        const row = [...document.querySelectorAll('.message')].at(-1)
        const [inner, outer] = [row.querySelector('.said').getBoundingClientRect(), row.getBoundingClientRect()]
        return inner.left >= outer.left && inner.right <= outer.right + 1 && inner.top >= outer.top && inner.bottom <= outer.bottom + 1
      })()`)
      expect(isInPlace, text.slice(0, 40)).toBe(true)
      // Nothing that only the console makes, and nothing that runs.
      expect(await row.locator('.said').locator('script, img, iframe, b, h1, h2, .chip, [onerror], [style]').count(), text.slice(0, 40))
        .toBe(0)
      expect(await row.locator('header .chip').count()).toBe(1)
    }
    const all = await page.locator('.log').innerText()
    expect(all).toContain('<script>window.hurt = 1</script><b>bold</b>')
    expect(all).toContain('invoice\\u202egnp.exe \\u2066\\u2069 zero\\u200bwidth\\u200b \\u001b[31mred\\u001b[0m \\u0000 \\ufeff')
    for (const href of await page.evaluate<string[]>("[...document.querySelectorAll('.said a')].map(link => link.href)"))
      expect(href).toMatch(/^https?:\/\/[^@]*$/)
    expect(all.length).toBeLessThan(100_000)
    await page.getByRole('button', { name: 'Show all' }).last().click()
    await expect.poll(async () => (await page.locator('.message').last().innerText()).length).toBeGreaterThan(500_000)
    expect(await page.evaluate('window.hurt')).toBeUndefined()
    expect([watched!.elsewhere, await watched!.broken(), faults]).toEqual([[], [], []])
  })

  test('by keyboard alone: a person comes in, joins, talks, answers, finds help, and goes elsewhere', async () => {
    await using site = await startConsoleRelay()
    await using helper = await clientOf(site.relay, { identity: newIdentity('helper') })
    await helper.join('#general')
    await helper.send('#general', 'Which key is it?')
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    const focused = () =>
      page.evaluate<string>(
        '(document.activeElement.getAttribute("aria-label") || document.activeElement.innerText || document.activeElement.id).trim()',
      )
    /** Goes on by Tab until something of that name has the focus. */
    const tabTo = async (name: RegExp, key = 'Tab'): Promise<void> => {
      for (let steps = 0; steps < 60; steps++) {
        if (name.test(await focused())) return
        await page.keyboard.press(key)
      }
      throw new Error(`Tab never comes to ${name}: it is at ${await focused()}`)
    }
    await page.getByLabel('Your name').waitFor()
    await tabTo(/^name$/)
    await page.keyboard.type('Ada')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Join #general' }).waitFor()
    await tabTo(/^To the page$/)
    await page.keyboard.press('Enter')
    await tabTo(/^Join #general$/)
    await page.keyboard.press('Enter')
    await page.locator('.message', { hasText: 'Which key' }).waitFor()
    await tabTo(/^Messages in #general$/)
    await page.keyboard.press('ArrowUp')
    expect(await focused()).toBe('helper')
    await tabTo(/^Reply$/)
    const heard = collect(helper, 2)
    await page.keyboard.press('Enter')
    await page.keyboard.type('The one that')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('says nothing')
    await page.keyboard.press('Enter')
    const [question, answer] = await heard
    expect(answer).toMatchObject({ content: 'The one that\nsays nothing', inReplyTo: question!.id })
    await tabTo(/^Find a channel|^\+ Find a channel$/, 'Shift+Tab')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('ArrowUp')
    expect(await focused()).toMatch(/^#general/)
    await page.keyboard.press('Alt+2')
    await page.locator('main h1').waitFor()
    expect(new URL(page.url()).pathname).not.toBe('/console/chat/%23general')
    await page.goBack()
    await page.locator('.message', { hasText: 'says nothing' }).waitFor()
    expect(faults).toEqual([])
  })
})
