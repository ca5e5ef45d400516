// The key on another browser, handed over by the one that has it: by the digits, and by nobody who stands in between.
import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { newLinkGuest, newLinkHost, readRecoveryCode, recoveryProof } from '../../lib/identity/index.ts'
import { findings } from '../kit/axe.ts'
import { addPasskeys, noBrowser, photograph, startConsoleRelay, useBrowser, type ConsoleRelay } from '../kit/browser.ts'

const idIn = async (page: Page): Promise<string> => {
  const small = page.locator('.rail small').first()
  await expect.poll(() => small.textContent(), { timeout: 15_000 }).toMatch(/^@[0-9a-f]{16}$/)
  return (await small.textContent())!
}

/** The operator, by a passkey, with a key of the account; on the settings. */
const settle = async (page: Page, site: ConsoleRelay) => {
  await page.getByLabel('Your name').fill('Ada')
  await page.getByRole('button', { name: 'Make a passkey' }).click()
  await page.getByText('operator').first().waitFor()
  await page.goto(site.consoleUrl)
  await page.getByRole('button', { name: 'Open my key with a passkey' }).click()
  await page.getByRole('button', { name: 'Make my key' }).click()
  const code = await page.locator('.recovery code').innerText()
  await page.getByRole('button', { name: 'I have written it down' }).click()
  const id = await idIn(page)
  await page.getByRole('link', { name: 'Settings' }).click()
  return { code, id }
}

/** Signs a browser in that has no key: at level 1, as a provider would. */
const enter = async (page: Page, code: string): Promise<void> => {
  const { status } = await page.evaluate(`fetch('/signin/recovery', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ proof: ${JSON.stringify(recoveryProof(readRecoveryCode(code)))} }),
  }).then(({ status }) => ({ status }))`) as { status: number }
  expect(status).toBe(200)
  await page.reload()
  await page.getByText('You are signed in as Ada').waitFor()
}

const ask = (page: Page) => page.getByRole('button', { name: 'Have it from another browser' }).click()
const answer = async (page: Page) => {
  await page.getByRole('button', { name: 'Look who asks' }).click()
  await page.getByRole('button', { name: 'It is mine' }).click()
}
const digitsOn = (page: Page) => page.locator('.recovery output').innerText()
const typeDigits = async (page: Page, digits: string) => {
  await page.getByLabel('The digits of the other browser').fill(digits)
  await page.keyboard.press('Enter')
}
const others = (digits: string): string => digits.replace(/\d$/, last => String((Number(last) + 1) % 10))
const told = (page: Page, text: string) => page.getByRole('alert').getByText(text).waitFor()

type Told = Record<string, unknown>
/** Stands between a browser and the relay: changes what is answered to it at these paths. */
const between = (context: BrowserContext, path: RegExp, change: (told: Told) => Told) =>
  context.route(url => path.test(url.pathname), async route => {
    const response = await route.fetch()
    if (!response.ok() || response.status() === 204) return route.fulfill({ response })
    await route.fulfill({ response, json: change(await response.json() as Told) })
  })

describe.skipIf(noBrowser !== undefined)('another browser', () => {
  const browser = useBrowser()

  test('is handed the key once its digits were typed; wrong ones and a no end it for both', async () => {
    await using site = await startConsoleRelay({ accounts: true }, { loadsLate: false })
    await using first = await browser.visit({ consoleUrl: site.relay.setUpUrl! }, { before: addPasskeys, bypassCsp: true })
    const { code, id } = await settle(first.page, site)
    await using second = await browser.visit(site, { bypassCsp: true })
    const [host, guest] = [first.page, second.page]
    await enter(guest, code)

    // A no.
    await ask(guest)
    await guest.getByText('Open the settings').waitFor()
    await host.getByRole('button', { name: 'Look who asks' }).click()
    await host.getByRole('button', { name: 'It is not mine' }).click()
    await told(guest, 'gave it up')
    await host.getByText('No browser asks just now').waitFor()

    // Digits of nobody, three times.
    await ask(guest)
    await host.getByRole('button', { name: 'It is mine' }).click()
    const wrong = others(await digitsOn(guest))
    await host.getByLabel('The digits of the other browser').waitFor()
    expect([...await findings(guest), ...await findings(host)]).toEqual([])
    await photograph(guest, 'linking-guest')
    await photograph(host, 'linking-host')
    for (let i = 0; i < 2; i++) {
      await typeDigits(host, wrong)
      await told(host, 'look again')
    }
    await typeDigits(host, wrong)
    await told(host, 'Somebody may be in between')
    await told(guest, 'gave it up')

    // The right ones.
    await ask(guest)
    await answer(host)
    await typeDigits(host, await digitsOn(guest))
    await host.getByText(`It has the key of ${id}`).waitFor()
    await guest.getByText(`The key of ${id} came`).waitFor()
    await guest.getByRole('button', { name: 'Yes, come in with it' }).click()
    expect(await idIn(guest)).toBe(id)
    expect([...first.faults, ...second.faults]).toEqual([])
  }, 60_000)

  test('and nobody between: halves that are swapped show other digits, what was said before opens nothing, and ten minutes end it',
    async () => {
      await using site = await startConsoleRelay({ accounts: true }, { loadsLate: false })
      await using first = await browser.visit({ consoleUrl: site.relay.setUpUrl! }, { before: addPasskeys })
      const { code, id } = await settle(first.page, site)
      await using second = await browser.visit(site)
      const [host, guest] = [first.page, second.page]
      await enter(guest, code)

      // The relay shows each of them a half of its own.
      const [toGuest, toHost] = [await newLinkHost(), await newLinkGuest()]
      const halfToGuest = (said: Told) => said['offer'] ? { ...said, offer: toGuest.offer } : said
      const halfToHost = ({ items }: Told) => ({
        items: (items as Told[]).map(each => ({
          ...each,
          commitment: toHost.commitment,
          ...each['reveal'] ? { reveal: toHost.reveal } : {},
        })),
      })
      await between(second.context, /^\/account\/links\/./, halfToGuest)
      await between(first.context, /^\/account\/links$/, halfToHost)
      await ask(guest)
      await answer(host)
      const seen = await digitsOn(guest)
      for (let i = 0; i < 3; i++) await typeDigits(host, seen)
      await told(host, 'Somebody may be in between')
      await told(guest, 'gave it up')
      await first.context.unrouteAll()

      // It changes its half behind the commitment.
      await between(first.context, /^\/account\/links$/, ({ items }) => ({
        items: (items as Told[]).map(each => each['reveal'] ? { ...each, reveal: toHost.reveal } : each),
      }))
      await ask(guest)
      await answer(host)
      await told(host, 'Somebody may be in between')
      await told(guest, 'gave it up')
      await first.context.unrouteAll()
      await second.context.unrouteAll()

      // It keeps what it carried, and says it again to whoever asks next.
      let kept: Told = {}
      await between(second.context, /^\/account\/links\/./, said => {
        if (said['wrap']) kept = said
        return said
      })
      await ask(guest)
      await answer(host)
      await typeDigits(host, await digitsOn(guest))
      await guest.getByText(`The key of ${id} came`).waitFor()
      await guest.getByRole('button', { name: 'No, throw it away' }).click()
      await second.context.unrouteAll()
      await between(second.context, /^\/account\/links\/./, said => said['reveal'] ? { ...said, wrap: kept['wrap'], agent: id } : said)
      await ask(guest)
      await answer(host)
      await told(guest, 'does not open')
      await told(host, 'gave it up')
      await second.context.unrouteAll()

      // Ten minutes are over in both.
      await ask(guest)
      await answer(host)
      await digitsOn(guest)
      await host.getByLabel('The digits of the other browser').waitFor()
      site.relay.clock.advance(10 * 60_000)
      await told(guest, 'longer than ten minutes')
      await told(host, 'longer than ten minutes')
      expect([...first.faults, ...second.faults]).toEqual([])
    }, 60_000)
})
