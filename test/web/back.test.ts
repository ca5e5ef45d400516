// Back and forward lead to where one was: in a page, in a list beside it, and in what was said; also when the page was loaded anew in between.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { agentId } from '../../lib/index.ts'
import { comeIn, noBrowser, phone, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, newIdentity } from '../kit/client.ts'

/** The row at the upper edge of what was said, and how much of it is above that, px; once all that is seen is there. */
const standing = async (page: Page): Promise<{ readonly seq: number, readonly px: number }> => {
  await page.locator('.message:not(.waiting)').first().waitFor()
  await expect.poll(() => page.locator('.message.waiting').count()).toBe(0)
  return page.evaluate(`(() => {
    const { top } = document.querySelector('.virtual').getBoundingClientRect()
    const row = [...document.querySelectorAll('.message[data-seq]')]
      .map(row => ({ seq: Number(row.dataset.seq), box: row.getBoundingClientRect() }))
      .sort((a, b) => a.seq - b.seq).find(({ box }) => box.bottom > top + 1)
    return { seq: row.seq, px: top - row.box.top }
  })()`)
}
/** Until a box has stood still for a dozen frames: browsers scroll by and by. */
const still = (page: Page, box: string): Promise<unknown> =>
  page.evaluate(`new Promise(done => {
    let [at, frames] = ['', 0]
    const look = () => {
      const { scrollLeft, scrollTop } = document.querySelector('${box}')
      const now = scrollLeft + ' ' + scrollTop
      frames = now === at ? frames + 1 : 0
      at = now
      if (frames < 12) requestAnimationFrame(look)
      else done()
    }
    look()
  })`)
const scrolled = (page: Page, box: string): Promise<readonly number[]> =>
  page.locator(box).first().evaluate(({ scrollTop, scrollLeft }) => [Math.round(scrollLeft), Math.round(scrollTop)])
/** Turns the wheel over a box; gives where that leads, once it stands still. */
const wheel = async (page: Page, box: string, x: number, y: number): Promise<readonly number[]> => {
  await page.locator(box).first().hover({ position: { x: 20, y: 60 } })
  await page.mouse.wheel(x, y)
  await expect.poll(() => scrolled(page, box)).not.toEqual([0, 0])
  await still(page, box)
  return scrolled(page, box)
}

describe.skipIf(noBrowser !== undefined)('back and forward', () => {
  const browser = useBrowser()

  test('keep where the messages of each channel were read, whatever is said meanwhile, and leave it unread', async () => {
    await using site = await startConsoleRelay({ msgRate: 0 })
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await bot.join('#general')
    await bot.createChannel('#other')
    // Some are higher than a list reckons with, some lower.
    for (let i = 1; i <= 150; i++) await bot.send('#general', `This is message ${i}.${i % 7 === 0 ? '\n- a\n- b\n- c\n- d' : ''}`)
    for (let i = 1; i <= 60; i++) await bot.send('#other', `Elsewhere, ${i}.`)
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await page.setViewportSize({ width: 1_280, height: 400 })
    await comeIn(page, 'Ada')
    await page.getByRole('button', { name: 'Join #other' }).click()
    await page.getByText('Elsewhere, 60.').waitFor()
    await page.getByRole('button', { name: 'Find a channel' }).click()
    await page.getByRole('button', { name: 'Join #general' }).click()
    await page.getByText('This is message 150.').waitFor()
    const channels = page.getByRole('navigation', { name: 'Channels' })
    const list = page.locator('.virtual')
    /** By the keyboard, so far up. */
    const up = async (pages: number) => {
      await list.focus()
      for (let i = 0; i < pages; i++) {
        const before = await list.evaluate(box => box.scrollTop)
        await page.keyboard.press('PageUp')
        await expect.poll(() => list.evaluate(box => box.scrollTop)).not.toBe(before)
      }
      await still(page, '.virtual')
      return standing(page)
    }
    const same = async (wanted: { readonly seq: number, readonly px: number }) => {
      await expect.poll(async () => {
        const at = await standing(page)
        return at.seq === wanted.seq && Math.abs(at.px - wanted.px) < 2 ? wanted : at
      }, { timeout: 10_000 }).toEqual(wanted)
      await still(page, '.virtual')
      expect(await standing(page)).toEqual(await standing(page))
    }
    const general = await up(12)
    expect(general.seq).toBeLessThan(140)
    await channels.getByText('#other').click()
    await page.getByText('Elsewhere, 60.').waitFor()
    const other = await up(3)
    await page.keyboard.press('Alt+2')
    await page.getByRole('heading', { name: 'Agents' }).first().waitFor()

    for (let i = 1; i <= 5; i++) await bot.send('#general', 'And more.')
    await page.goBack()
    await same(other)
    await page.goBack()
    await same(general)
    await channels.locator('a', { hasText: '#general' }).locator('.count', { hasText: '5' }).waitFor()
    await page.reload()
    await same(general)
    await channels.locator('a', { hasText: '#general' }).locator('.count', { hasText: '5' }).waitFor()
    await page.goForward()
    await same(other)

    // A link to a message of the same channel is an entry of its own.
    await page.goBack()
    await same(general)
    await page.evaluate(
      "document.body.append(Object.assign(document.createElement('a'), { id: 'to', href: '/console/chat/%23general/20', text: 'there' }))",
    )
    await page.locator('#to').focus()
    await page.keyboard.press('Enter')
    await page.locator('.message.found', { hasText: 'This is message 20.' }).waitFor()
    await page.goBack()
    await same(general)

    // Who was at the end is there again, and sees what came.
    await page.getByRole('button', { name: 'To the newest message' }).press('Enter')
    await expect.poll(() => channels.locator('a', { hasText: '#general' }).locator('.count').count()).toBe(0)
    await page.keyboard.press('Alt+2')
    await page.getByRole('heading', { name: 'Agents' }).first().waitFor()
    await bot.send('#general', 'The very last.')
    await page.goBack()
    await page.getByText('The very last.').waitFor()
    expect(faults).toEqual([])
  }, 60_000)

  test('keep how far pages and lists were scrolled; another page begins at its beginning', async () => {
    await using site = await startConsoleRelay()
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await page.setViewportSize({ width: phone.width, height: 500 })
    await comeIn(page, 'Ada')
    const pages = page.getByRole('navigation', { name: 'Pages' })
    const goTo = (name: string) => pages.getByRole('link', { name, exact: true }).click()
    const small = page.locator('.rail .who small').first()
    await expect.poll(() => small.textContent(), { timeout: 15_000 }).toMatch(/^@/)
    await bot.trade.propose(agentId((await small.textContent())!), { task: 'Review it', amount: 1, currency: 'USD' })
    await goTo('Settings')
    const settings = await wheel(page, '.page', 0, 120)
    await goTo('Deals')
    await page.getByRole('link', { name: 'Review it' }).waitFor()
    expect(await scrolled(page, '.page')).toEqual([0, 0])
    const board = await wheel(page, '.board', 150, 0)
    await page.getByRole('link', { name: 'Review it' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('.history li').first().waitFor()
    expect(await scrolled(page, '.page')).toEqual([0, 0])
    await goTo('Anything')
    await page.locator('.requests a').first().waitFor()
    const requests = await wheel(page, '.requests', 0, 900)
    await page.locator('.requests a').nth(12).dispatchEvent('click')
    await page.locator('.request h1').waitFor()

    await page.goBack()
    await expect.poll(() => scrolled(page, '.requests')).toEqual(requests)
    await page.goBack()
    await page.locator('.history li').first().waitFor()
    await page.goBack()
    await expect.poll(() => scrolled(page, '.board')).toEqual(board)
    await page.goBack()
    await expect.poll(() => scrolled(page, '.page')).toEqual(settings)
    await page.reload()
    await expect.poll(() => scrolled(page, '.page')).toEqual(settings)
    await page.goForward()
    await expect.poll(() => scrolled(page, '.board')).toEqual(board)
    expect(faults).toEqual([])
  }, 60_000)
})
