// What can be done with a channel and with what was said there, in a real browser: say anew, take back, look up, find, and for its owner put out and end.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { comeIn, noBrowser, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, newIdentity } from '../kit/client.ts'

const message = (page: Page, text: string) => page.locator('.message', { hasText: text })
const more = async (page: Page, text: string, act: string): Promise<void> => {
  await message(page, text).getByRole('button', { name: 'More' }).click()
  await message(page, text).getByRole('button', { name: act, exact: true }).click()
}

describe.skipIf(noBrowser !== undefined)('a channel', () => {
  const browser = useBrowser()

  test('who owns it makes it, invites, takes back what others said, puts them out and ends it; others only speak for themselves',
    async () => {
      await using site = await startConsoleRelay()
      await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
      await using eve = await clientOf(site.relay, { identity: newIdentity('eve') })
      await using visit = await browser.visit(site)
      const { page, faults } = visit
      await comeIn(page, 'Ada')
      await page.getByLabel('Name, like').fill('plans')
      await page.getByLabel('Only who is invited').check()
      await page.getByRole('button', { name: 'Make it' }).click()
      await page.getByRole('heading', { name: '#plans' }).waitFor()
      await expect(bot.join('#plans')).rejects.toMatchObject({ code: 'CHANNEL_NOT_FOUND' })
      await page.getByLabel('Invite an agent').fill(bot.agentId!)
      await page.getByRole('button', { name: 'Invite', exact: true }).click()
      await page.getByText('is invited').waitFor()
      await bot.join('#plans')
      const members = page.getByRole('complementary', { name: 'Members' })
      await members.locator('li', { hasText: 'reviewer' }).locator('.dot.online').waitFor()
      await bot.people.setPresence('away')
      await members.locator('li', { hasText: 'reviewer' }).locator('.dot.away').waitFor()

      // Each says anew and takes back what is his own; the owner takes back what others said.
      const say = async (text: string) => {
        await page.locator('#compose').fill(text)
        await page.locator('#compose').press('Enter')
        await message(page, text).locator('.chip.good').waitFor()
      }
      await say('At noon')
      await say('By train')
      await bot.send('#plans', 'Buy my coins')
      await more(page, 'At noon', 'Edit')
      await page.locator('#compose').fill('At one')
      await page.locator('#compose').press('Enter')
      await message(page, 'At one').getByText('edited').waitFor()
      await message(page, 'At one').locator('.chip.good').waitFor()
      for (const text of ['By train', 'Buy my coins']) {
        await more(page, text, 'Take back')
        await message(page, text).getByRole('button', { name: 'Take it back for good' }).click()
        await message(page, text).waitFor({ state: 'detached' })
      }
      await expect.poll(() => page.locator('.message .gone').count()).toBe(2)
      const { events } = await bot.history({ channel: '#plans' }, { limit: 20 })
      expect(events.map(({ frame }) => frame['content']).filter(content => content !== '')).toEqual(['At noon', 'At one'])

      // What is known of its author stands beside a message, and says more to who asks.
      await bot.send('#plans', 'I am sorry')
      await message(page, 'I am sorry').locator('.chip', { hasText: 'new key' }).click()
      const facts = page.getByRole('dialog', { name: 'Where this message comes from' })
      for (const fact of [bot.agentId!, 'no settled deals yet', 'nobody but the owner', 'own connection'])
        await facts.getByText(fact).waitFor()
      await page.keyboard.press('Escape')

      await page.getByRole('button', { name: 'Search', exact: true }).click()
      await page.getByLabel('Search in #plans').fill('sorry')
      await page.keyboard.press('Enter')
      await page.getByRole('list', { name: 'What was found' }).getByRole('link').click()
      await page.locator('.message.found', { hasText: 'I am sorry' }).waitFor()
      await page.getByRole('button', { name: 'Members', exact: true }).click()

      const out = bot.once('LEFT')
      await page.getByRole('button', { name: 'Remove reviewer from the channel' }).click()
      await page.getByRole('button', { name: 'Remove reviewer from the channel' }).click()
      expect(await out).toMatchObject({ channel: '#plans' })
      await members.locator('li', { hasText: 'reviewer' }).waitFor({ state: 'detached' })

      // In a channel of somebody else there is nothing of this to press.
      await eve.createChannel('#theirs')
      await eve.send('#theirs', 'Mine')
      await page.getByRole('button', { name: 'Find a channel' }).click()
      await page.getByRole('button', { name: 'Join #theirs' }).click()
      await message(page, 'Mine').getByRole('button', { name: 'More' }).click()
      await message(page, 'Mine').getByRole('button', { name: 'Copy link' }).waitFor()
      expect(await message(page, 'Mine').getByRole('button', { name: /Edit|Take back/ }).count()).toBe(0)
      await members.locator('li', { hasText: 'eve' }).waitFor()
      expect(await members.getByRole('button', { name: /Remove/ }).count()).toBe(0)
      await page.getByRole('button', { name: 'More: #theirs' }).click()
      await page.getByRole('button', { name: 'Leave' }).waitFor()
      expect(await page.getByRole('button', { name: 'Delete the channel' }).count()).toBe(0)
      await page.keyboard.press('Escape')

      await page.getByRole('navigation', { name: 'Channels' }).getByText('#plans').click()
      await page.getByRole('button', { name: 'More: #plans' }).click()
      await page.getByLabel('Topic').fill('When, and how')
      await page.getByRole('button', { name: 'Set the topic' }).click()
      await page.locator('.place-head .about', { hasText: 'When, and how' }).waitFor()
      await page.getByRole('button', { name: 'More: #plans' }).click()
      await page.getByRole('button', { name: 'Delete the channel' }).click()
      await page.getByRole('button', { name: 'Delete it with all that was said in it' }).click()
      await expect.poll(() => page.getByRole('navigation', { name: 'Channels' }).getByText('#plans').count()).toBe(0)
      expect((await bot.listChannels()).map(({ name }) => name)).not.toContain('#plans')
      expect(faults).toEqual([])
    }, 60_000)
})
