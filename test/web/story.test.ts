// A person's whole story, at the size of a desk and of a phone: from the link that sets a relay up to signing out everywhere. What agents do is done in a shell.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { exits } from '../../src/cli/exit.ts'
import { addPasskeys, desktop, forgetAll, noBrowser, phone, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { Cli, type Ran } from '../kit/cli.ts'

const adminKey = 'only the operator has this one'

const idOf = async (page: Page): Promise<string> => {
  const small = page.locator('.rail .who small').first()
  await expect.poll(() => small.textContent(), { timeout: 15_000 }).toMatch(/^@[0-9a-f]{16}$/)
  return (await small.textContent())!
}
const goTo = (page: Page, name: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).first().click()
const dialog = (page: Page) => page.getByRole('dialog')
/** Presses a button, and the one of the same name in the dialog that asks. */
const act = async (page: Page, name: string) => {
  await page.getByRole('button', { name, exact: true }).click()
  await dialog(page).getByRole('button', { name, exact: true }).click()
  await dialog(page).waitFor({ state: 'detached' })
}

describe.skipIf(noBrowser !== undefined)('a person', () => {
  const browser = useBrowser()

  test.each([['at a desk', desktop], ['on a phone', phone]] as const)(
    '%s: sets a relay up, claims an agent, deals with another, has the same key elsewhere, and ends it all',
    async (_, size) => {
      await using site = await startConsoleRelay({ accounts: true, adminKey }, { loadsLate: false })
      using shell = new Cli()
      Object.assign(shell.env, { AGENTCHAT_URL: site.relay.url.replace('127.0.0.1', 'localhost'), AGENTCHAT_ADMIN_KEY: adminKey })
      const made = async (name: string) => {
        const file = shell.at(`${name}.json`)
        const [{ agent_id: id } = {}] = (await shell.run(['identity', 'generate', '-n', name, '-f', file, '--json'])).json
        return { id: String(id), file }
      }
      /** A command of an agent; what it printed. */
      const run = async (args: readonly string[], who?: { readonly file: string }) => {
        const ran = await shell.run([...args, '--json', ...who === undefined ? [] : ['-i', who.file]])
        expect(ran, ran.stderr).toMatchObject({ code: 0 })
        return ran.json.flat() as Ran['json']
      }

      // The link that the relay prints makes its operator; the first passkey, and a key that it closes.
      await using visit = await browser.visit({ consoleUrl: site.relay.setUpUrl! }, { before: addPasskeys, size })
      const { page, faults } = visit
      await page.getByLabel('Your name').fill('Ada')
      await page.getByRole('button', { name: 'Make a passkey' }).click()
      await page.getByText('operator').first().waitFor()
      const account = /~[0-9a-f]{16}/.exec(await page.locator('main').innerText())![0]
      await page.goto(site.consoleUrl)
      await page.getByText('You are signed in as Ada').waitFor()
      await page.getByRole('button', { name: 'Open my key with a passkey' }).click()
      await page.getByText('has no key here yet').waitFor()
      await page.getByRole('button', { name: 'Make my key' }).click()
      const code = await page.locator('.recovery code').innerText()
      await page.getByRole('button', { name: 'I have written it down' }).click()
      const ada = await idOf(page)

      // An agent that is made in a shell becomes hers: its key says so, and she does.
      const helper = await made('helper')
      expect(await run(['account', 'link', account], helper)).toMatchObject([{ state: 'waiting', account }])
      await goTo(page, 'Agents')
      const claims = page.getByRole('region', { name: 'Claims' })
      const mine = page.getByRole('region', { name: 'Mine' })
      await claims.locator('code', { hasText: helper.id }).waitFor()
      await act(page, 'It is mine')
      await mine.locator('code', { hasText: helper.id }).waitFor()
      await claims.getByText('No agent asks').waitFor()

      // They talk. One owner's agents make each other no offers: another one does.
      await mine.getByRole('link', { name: 'Message' }).click()
      await page.locator('#compose').fill('Who reviews patches?')
      const heard = shell.run(['listen', '--dm', '-m', '1', '--timeout', '30', '--json', '-i', helper.file])
      await page.getByRole('button', { name: 'Send' }).click()
      expect((await heard).json).toMatchObject([{ from: ada, content: 'Who reviews patches?', signature: 'valid' }])
      await run(['send', ada, 'Ask **reviewer**.'], helper)
      await page.locator('.message', { hasText: 'Ask reviewer.' }).locator('.chip.good', { hasText: /✓ signed.*· yours/ }).waitFor()
      expect(await shell.run(['propose', ada, 'Pay me', '-a', '5', '-c', 'USD', '-i', helper.file])).toMatchObject({
        code: exits.refused.code,
        stderr: expect.stringContaining('SELF_DEAL') as string,
      })
      const reviewer = await made('reviewer')
      await run(['escrow', 'credit', ada, '50', 'USD', 'paid by card'])
      const [{ proposal_id } = {}] = await run(['propose', ada, 'Review the patch', '--role', 'provider', '-a', '12.50', '-c', 'USD'],
        reviewer)
      const deal = String(proposal_id)

      // It is accepted and funded, the work comes, and is paid: each by what Ada sees, with her passkey where money moves.
      await goTo(page, 'Deals')
      await page.getByRole('link', { name: 'Review the patch' }).click()
      await act(page, 'Accept')
      await act(page, 'Fund')
      expect(await run(['submit', deal, '-m', 'Two names that lie.'], reviewer)).toMatchObject([{ status: 'submitted' }])
      await page.getByText('Two names that lie.').waitFor()
      await act(page, 'Complete and pay')
      expect(await run(['escrow', 'balance'], reviewer)).toEqual([{ currency: 'USD', amount_minor: 1_250, held_minor: 0 }])

      // Both sign the receipt, and a program without a network finds it good.
      await run(['receipts', 'sign', deal], reviewer)
      await act(page, 'Sign the receipt')
      await page.getByText('Verifies offline: both parties').waitFor()
      const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the receipt' }).click()])
      expect(await run(['receipts', 'verify', await saved.path(), '--relay-id', site.relay.serverId])).toMatchObject([
        { proven: true, client: ada, provider: reviewer.id, proposal_id: deal },
      ])

      // Another browser has the key by the passkey's PRF, a third by the code. Signing out everywhere ends both, and closes what is open.
      await forgetAll(page)
      await page.goto(site.consoleUrl)
      await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
      expect(await idOf(page)).toBe(ada)
      await goTo(page, 'Deals')
      await page.getByRole('link', { name: 'Review the patch' }).waitFor()
      await using third = await browser.visit(site, { size })
      await third.page.getByRole('button', { name: 'I have a recovery code' }).click()
      await third.page.getByLabel('Recovery code').fill(code)
      await third.page.getByRole('button', { name: 'Open my key' }).click()
      expect(await idOf(third.page)).toBe(ada)
      await goTo(page, 'Settings')
      await page.getByRole('button', { name: 'Sign out everywhere' }).click()
      for (const each of [page, third.page]) await each.getByText('SIGNED_OUT').waitFor()
      expect([...faults, ...third.faults]).toEqual([])
    },
    60_000,
  )
})
