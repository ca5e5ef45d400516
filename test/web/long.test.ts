// A channel of a hundred thousand messages: what is looked at is there, and nothing more of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { comeIn, noBrowser, startConsoleRelay, useBrowser, type ConsoleRelay } from '../kit/browser.ts'
import { clientOf } from '../kit/client.ts'

const count = 100_000

describe.skipIf(noBrowser !== undefined)('a long channel', () => {
  const browser = useBrowser()
  let site: ConsoleRelay
  beforeAll(async () => {
    site = await startConsoleRelay({ search: false, msgRate: 0, frameRate: 0, addressFrameRate: 0, addressRate: 0 })
    await using writer = await clientOf(site.relay, { name: 'writer' })
    await writer.join('#general', { limit: 0 })
    for (let from = 1; from <= count; from += 10_000)
      await Promise.all(Array.from({ length: 10_000 }, (_, i) => writer.send('#general', `This is message ${from + i}.`)))
  }, 120_000)
  afterAll(() => site?.[Symbol.asyncDispose]())

  test('is gone through from end to end by few requests, few rows and little memory', async () => {
    let pages = 0
    await using visit = await browser.visit(site, {
      before: async page => {
        page.on('websocket', socket =>
          socket.on('framesent', ({ payload }) => {
            if (String(payload).includes('"HISTORY"')) pages++
          }))
      },
    })
    const { page, context, faults } = visit
    await comeIn(page, 'Ada')
    await page.getByRole('button', { name: 'Join #general' }).click()
    await page.getByText(`This is message ${count}.`).waitFor()
    const tools = await context.newCDPSession(page)
    await page.evaluate(
      'window.long = []; new PerformanceObserver(list => long.push(...list.getEntries().map(each => each.duration))).observe({ type: "longtask" })',
    )
    const list = page.locator('.virtual')
    let most = 0
    for (let step = 19; step >= 0; step--) {
      await list.evaluate((box, part) => {
        box.scrollTop = box.scrollHeight * part
      }, step / 20)
      await page.locator('.message:not(.waiting)').first().waitFor()
      await expect.poll(() => page.locator('.message.waiting').count()).toBe(0)
      most = Math.max(most, await page.locator('.virtual-row').count())
    }
    await page.getByText('This is message 1.', { exact: true }).waitFor()
    expect(most).toBeLessThan(80)
    // Each place that was looked at takes a piece or two.
    expect(pages).toBeLessThan(80)
    await tools.send('HeapProfiler.collectGarbage')
    const { usedSize } = await tools.send('Runtime.getHeapUsage')
    expect(usedSize).toBeLessThan(60_000_000)
    if (process.env['AGENTCHAT_TEST_TELLS'] !== undefined)
      process.stderr.write(`${JSON.stringify({ usedSize, pages, most, long: await page.evaluate('long') })}\n`)

    // A link to a message leads there.
    await page.goto(`${site.consoleUrl}chat/%23general/51234`)
    await page.locator('.message.found', { hasText: 'This is message 51234.' }).waitFor()
    await page.getByRole('button', { name: 'To the newest message' }).click()
    await page.getByText(`This is message ${count}.`).waitFor()
    expect(faults).toEqual([])
  }, 60_000)
})
