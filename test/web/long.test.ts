// A channel of a hundred thousand messages: what is looked at is there, and nothing more of it; and of many that come at once, no more is drawn than
// is seen.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AgentChatClient } from '../../lib/index.ts'
import { comeIn, noBrowser, startConsoleRelay, useBrowser, type ConsoleRelay } from '../kit/browser.ts'
import { clientOf } from '../kit/client.ts'

const count = 100_000
/** Rows that are ever there at once: those seen, and some around them. */
const maxRows = 80

/** Counts what the page does, before anything of it runs: messages that came, requests for history, what took long; and lets frames be held back. */
const watch = `
  window.heard = 0
  window.asked = 0
  window.long = []
  new PerformanceObserver(list => long.push(...list.getEntries().map(each => Math.round(each.duration)))).observe({ type: 'longtask' })
  const Plain = WebSocket
  window.WebSocket = class extends Plain {
    constructor(...given) {
      super(...given)
      this.addEventListener('message', ({ data }) => { if (String(data).startsWith('{"type":"MSG"')) heard++ })
    }
    send(text) {
      if (String(text).includes('"HISTORY"')) asked++
      super.send(text)
    }
  }
  const [ask, cancel] = [requestAnimationFrame.bind(window), cancelAnimationFrame.bind(window)]
  let held
  window.holdFrames = () => { held = new Map() }
  window.letFrames = () => { const all = [...held.values()]; held = undefined; all.forEach(each => ask(each)) }
  let next = 1e9
  window.requestAnimationFrame = each => { if (held === undefined) return ask(each); held.set(++next, each); return next }
  window.cancelAnimationFrame = id => { if (held?.delete(id) !== true) cancel(id) }
`
/** Rows of messages that are made from here on, and changes of anything in the page. */
const watchDrawing = `
  window.rows = 0
  window.drawn = 0
  new MutationObserver(all => {
    drawn += all.length
    for (const { addedNodes } of all) for (const node of addedNodes) rows += Number(node.classList?.contains('virtual-row') ?? false)
  }).observe(document.getElementById('app'), { childList: true, subtree: true, attributes: true, characterData: true })
`
const numberOf = async (page: Page, what: string): Promise<number> => Number(await page.evaluate(what))
/** Looks at what took long since the last time, where it is asked for. */
const tell = async (page: Page, what: string): Promise<void> => {
  if (process.env['AGENTCHAT_TEST_TELLS'] !== undefined)
    process.stderr.write(`${what}: ${await page.evaluate<string>('JSON.stringify(long.splice(0))')}\n`)
}

describe.skipIf(noBrowser !== undefined)('a long channel', () => {
  const browser = useBrowser()
  let site: ConsoleRelay
  let writer: AgentChatClient
  beforeAll(async () => {
    site = await startConsoleRelay({ search: false, msgRate: 0, frameRate: 0, addressFrameRate: 0, addressRate: 0 })
    writer = await clientOf(site.relay, { name: 'writer' })
    await writer.join('#general', { limit: 0 })
    for (let from = 1; from <= count; from += 10_000)
      await Promise.all(Array.from({ length: 10_000 }, (_, i) => writer.send('#general', `This is message ${from + i}.`)))
  }, 120_000)
  afterAll(async () => {
    await writer?.close()
    await site?.[Symbol.asyncDispose]()
  })

  test('is opened and gone through from end to end by few requests, few rows and little memory; so is what comes at once', async () => {
    await using visit = await browser.visit(site, { before: page => page.addInitScript(watch) })
    const { page, context, faults } = visit
    await comeIn(page, 'Ada')
    await page.getByRole('button', { name: 'Join #general' }).click()
    await page.getByText(`This is message ${count}.`).waitFor()
    expect(await numberOf(page, 'asked')).toBeLessThanOrEqual(3)
    await tell(page, 'opening')
    const tools = await context.newCDPSession(page)
    const list = page.locator('.virtual')
    const rows = page.locator('.virtual-row')
    let most = 0
    for (let step = 19; step >= 0; step--) {
      await list.evaluate((box, part) => {
        box.scrollTop = box.scrollHeight * part
      }, step / 20)
      await page.locator('.message:not(.waiting)').first().waitFor()
      await expect.poll(() => page.locator('.message.waiting').count()).toBe(0)
      most = Math.max(most, await rows.count())
    }
    await page.getByText('This is message 1.', { exact: true }).waitFor()
    expect(most).toBeLessThan(maxRows)
    // Each place that was looked at takes a piece or two.
    expect(await numberOf(page, 'asked')).toBeLessThan(80)
    await tools.send('HeapProfiler.collectGarbage')
    const { usedSize } = await tools.send('Runtime.getHeapUsage')
    expect(usedSize).toBeLessThan(60_000_000)
    await tell(page, `scrolling, ${usedSize} bytes of heap, ${most} rows`)

    // Many at once, between two frames: nothing is drawn until the next one, and then what is seen. Who looks elsewhere sees how many came.
    const burst = 1_000
    const comes = async (round: string) => {
      const [asked, before] = [await numberOf(page, 'asked'), await numberOf(page, 'heard')]
      await page.evaluate(`holdFrames();${watchDrawing}`)
      await Promise.all(Array.from({ length: burst }, (_, i) => writer.send('#general', `${round}, ${i + 1}.`)))
      await expect.poll(() => numberOf(page, 'heard')).toBe(before + burst)
      const whileHeld = await numberOf(page, 'drawn')
      await page.evaluate('letFrames()')
      return { whileHeld, asked: async () => await numberOf(page, 'asked') - asked }
    }
    const above = await comes('While one reads above')
    await page.locator('.to-end .count', { hasText: '999+' }).or(page.locator('.to-end .count', { hasText: String(burst) })).waitFor()
    expect([above.whileHeld, await numberOf(page, 'rows'), await above.asked()]).toEqual([0, 0, 0])
    await tell(page, 'a burst, above')

    await page.getByRole('button', { name: 'To the newest message' }).click()
    await page.getByText(`While one reads above, ${burst}.`).waitFor()
    const atEnd = await comes('While one waits')
    await page.getByText(`While one waits, ${burst}.`).waitFor()
    expect([atEnd.whileHeld, await atEnd.asked()]).toEqual([0, 0])
    expect(await numberOf(page, 'rows')).toBeLessThan(2 * maxRows)
    expect(await rows.count()).toBeLessThan(maxRows)
    await tell(page, 'a burst, at the end')

    // A link to a message leads there.
    await page.goto(`${site.consoleUrl}chat/%23general/51234`)
    await page.locator('.message.found', { hasText: 'This is message 51234.' }).waitFor()
    await page.getByRole('button', { name: 'To the newest message' }).click()
    await page.getByText(`While one waits, ${burst}.`).waitFor()
    expect(faults).toEqual([])
  }, 60_000)
})
