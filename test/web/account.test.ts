// A person's way in, with an account: set-up link, passkey, a key of the account, the same key on other browsers, and out everywhere.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { addPasskeys, forgetAll, noBrowser, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, collect, newIdentity } from '../kit/client.ts'

const idIn = async (page: Page): Promise<string> => {
  const small = page.locator('.rail small').first()
  await expect.poll(() => small.innerText()).toMatch(/^@[0-9a-f]{16}$/)
  return small.innerText()
}

describe.skipIf(noBrowser !== undefined)('an account', () => {
  const browser = useBrowser()

  test('its key is made once, opened on other browsers by passkey and by code, and signing out everywhere ends them', async () => {
    await using site = await startConsoleRelay({ accounts: true }, { loadsLate: false })
    await using visit = await browser.visit({ consoleUrl: site.relay.setUpUrl! }, { before: addPasskeys })
    const { page, faults } = visit
    await page.getByLabel('Your name').fill('Ada Lovelace')
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.getByText('operator').first().waitFor()

    // The account has no key yet: one is made, and its code shown once.
    await page.goto(site.consoleUrl)
    await page.getByText('You are signed in as Ada Lovelace').waitFor()
    await page.getByRole('button', { name: 'Open my key with a passkey' }).click()
    await page.getByText('has no key here yet').waitFor()
    expect(await page.getByLabel('Your name').inputValue()).toBe('Ada-Lovelace')
    await page.getByRole('button', { name: 'Make my key' }).click()
    const code = await page.locator('.recovery code').innerText()
    await page.getByRole('button', { name: 'I have written it down' }).click()
    const id = await idIn(page)

    // It is the account's own, and talks as any key does.
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByText('The key of this browser is one of the account.').waitFor()
    await using helper = await clientOf(site.relay, { identity: newIdentity('helper') })
    const heard = collect(helper, 1)
    await page.goto(`${site.consoleUrl}chat/${encodeURIComponent(helper.agentId!)}`)
    await page.locator('#compose').fill('It is me')
    await page.keyboard.press('Enter')
    expect((await heard)[0]).toMatchObject({ from: id, signature: 'valid' })

    // Another browser: by the passkey, and by the code alone.
    await page.goto(`${site.relay.httpUrl.replace('127.0.0.1', 'localhost').replace(/\d+$/, String(site.relay.webPort))}/account`)
    await forgetAll(page)
    await page.goto(site.consoleUrl)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    expect(await idIn(page)).toBe(id)
    await using third = await browser.visit(site)
    await third.page.getByRole('button', { name: 'I have a recovery code' }).click()
    await third.page.getByLabel('Recovery code').fill(`${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`)
    await third.page.getByRole('button', { name: 'Open my key' }).click()
    await third.page.getByRole('alert').getByText('code').waitFor()
    await third.page.getByLabel('Recovery code').fill(code.toLowerCase().replaceAll('-', ' '))
    await third.page.getByRole('button', { name: 'Open my key' }).click()
    expect(await idIn(third.page)).toBe(id)

    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('button', { name: 'Sign out everywhere' }).click()
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    await third.page.reload()
    await third.page.getByRole('link', { name: 'Settings' }).click()
    await third.page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    expect([...faults, ...third.faults]).toEqual([])
  }, 60_000)
})
