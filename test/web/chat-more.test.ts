// What is around the messages, in a real browser and by the keyboard alone: reactions, pins, and files that are brought and saved.
import { readFileSync, writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { getFile, putFile } from '../../lib/node/files.ts'
import { react, unreact } from '../../lib/index.ts'
import { lookOver } from '../kit/axe.ts'
import { comeIn, noBrowser, startConsoleRelay, useBrowser } from '../kit/browser.ts'
import { clientOf, collect, newIdentity } from '../kit/client.ts'
import { newFolder } from '../kit/folder.ts'

const message = (page: Page, text: string) => page.locator('.message', { hasText: text })
/** Goes with Tab to a button of a message that has the focus, and presses it. */
const press = async (page: Page, name: string): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate('document.activeElement?.ariaLabel ?? document.activeElement?.textContent') === name)
      return page.keyboard.press('Enter')
  }
  throw new Error(`No Tab leads to ${name}`)
}
/** The list is one stop; the arrows go through it. */
const goTo = (page: Page, text: string) => message(page, text).focus()

describe.skipIf(noBrowser !== undefined)('around the messages', () => {
  const browser = useBrowser()

  test('reactions are seen, given and taken back; what is pinned is found, by whoever may', async () => {
    await using site = await startConsoleRelay()
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await bot.createChannel('#plans')
    const { msgId } = await bot.send('#plans', 'Who is **there**?')
    await bot.send('#plans', 'Nobody?')
    await react(bot, msgId, '🚢')
    await using visit = await browser.visit(site, { bypassCsp: true })
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    await page.getByRole('button', { name: 'Join #plans' }).click()
    const row = message(page, 'Who is there?')
    await row.getByRole('button', { name: '🚢: 1' }).waitFor()

    // The same as others gave, something else, and back.
    await goTo(page, 'Who is there?')
    await press(page, '🚢: 1')
    await row.getByRole('button', { name: '🚢: 2', pressed: true }).waitFor()
    const told = bot.once('REACTED')
    await goTo(page, 'Who is there?')
    await press(page, 'More')
    await press(page, 'React with 👍')
    expect(await told).toMatchObject({ msgId, kind: '👍' })
    await row.getByRole('button', { name: '👍: 1', pressed: true }).waitFor()
    await goTo(page, 'Who is there?')
    await press(page, '🚢: 2')
    await row.getByRole('button', { name: '🚢: 1', pressed: false }).waitFor()
    // As others change it, also a word that is long.
    await unreact(bot, msgId, '🚢')
    await react(bot, msgId, 'w'.repeat(32))
    await row.getByRole('button', { name: '🚢' }).waitFor({ state: 'detached' })
    await row.getByRole('button', { name: `${'w'.repeat(32)}: 1` }).waitFor()

    await goTo(page, 'Nobody?')
    await press(page, 'More')
    await press(page, 'Pin')
    await message(page, 'Nobody?').getByText('pinned').waitFor()
    await page.getByRole('button', { name: 'Pinned' }).click()
    const pane = page.getByRole('complementary', { name: 'Pinned' })
    await pane.getByText('pinned by Ada').waitFor()
    expect(await lookOver(page, 'chat with reactions and pins')).toEqual([])
    await page.reload()
    await row.getByRole('button', { name: '👍: 1', pressed: true }).waitFor()
    await message(page, 'Nobody?').getByText('pinned').waitFor()

    // Its owner alone pins from now on.
    await bot.request('SET_CHANNEL', { channel: '#plans', pin_by: 'owner' })
    await page.getByRole('button', { name: 'Pinned' }).click()
    await pane.getByRole('link', { name: 'Nobody?' }).waitFor()
    await pane.getByRole('button', { name: 'Unpin' }).waitFor({ state: 'detached' })
    await bot.request('PIN', { channel: '#plans', msg_id: msgId })
    await row.getByText('pinned').waitFor()
    await goTo(page, 'Who is there?')
    await press(page, 'More')
    await row.getByRole('button', { name: 'Copy text' }).waitFor()
    expect(await row.getByRole('button', { name: 'Unpin' }).count()).toBe(0)
    expect(faults).toEqual([])
  }, 60_000)

  test('files go along and come back, over a line that breaks; another file than was named is not saved', async () => {
    using folder = newFolder()
    await using site = await startConsoleRelay({ data: folder.at('data'), maxFileBytes: 2_000_000 })
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await bot.join('#general')
    await using visit = await browser.visit(site)
    const { page, context, faults } = visit
    await comeIn(page, 'Ada')
    await page.getByRole('button', { name: 'Join #general' }).click()
    await page.locator('#compose').waitFor()
    const attach = async (...files: readonly { name: string, buffer: Buffer }[]) => {
      const [chooser] = await Promise.all([
        page.waitForEvent('filechooser'),
        page.getByRole('button', { name: 'Attach files' }).press('Enter'),
      ])
      await chooser.setFiles(files.map(file => ({ ...file, mimeType: 'text/plain' })))
    }

    // Its first try breaks off; the second goes on.
    let broken = 0
    await context.route(/\/uploads\//, route => route.request().method() === 'PATCH' && broken++ === 0 ? route.abort() : route.continue())
    const heard = collect(bot, 1, '#general')
    const notes = Buffer.from('what was said\n'.repeat(20_000))
    await attach({ name: 'notes.txt', buffer: notes }, { name: 'nobody wants this', buffer: Buffer.from('x') })
    await page.getByRole('button', { name: 'Leave out nobody wants this' }).press('Enter')
    await page.locator('#compose').press('Enter')
    const [said] = await heard
    expect(broken).toBe(2)
    expect(said).toMatchObject({ content: 'notes.txt', signature: 'valid', frame: { files: [{ name: 'notes.txt', bytes: notes.length }] } })
    const server = site.relay.url
    await (await getFile(bot, { msgId: said!.frame.msg_id! }, { server })).save(folder.at('got'))
    expect(readFileSync(folder.at('got'))).toEqual(notes)

    // Larger than the relay takes: it says so, and what was written is still there.
    await attach({ name: 'large', buffer: Buffer.alloc(2_000_001, 1) })
    await page.locator('#compose').fill('here it is')
    await page.locator('#compose').press('Enter')
    await page.getByText('2000000 bytes').waitFor()
    expect(await page.locator('#compose').inputValue()).toBe('here it is')
    await page.getByRole('button', { name: 'Leave out large' }).press('Enter')

    // What others send has a name that leads nowhere, and is what it says or nothing.
    writeFileSync(folder.at('page'), '<script>window.hurt = 1</script>')
    const file = await putFile(bot, folder.at('page'), { server, name: '..<b>page<b>.html', mime: 'text/html' })
    await bot.send('#general', 'Look', { files: [file] })
    const save = message(page, 'Look').getByRole('button', { name: 'Save ..<b>page<b>.html' })
    const [saved] = await Promise.all([page.waitForEvent('download'), save.click()])
    expect([saved.suggestedFilename(), readFileSync(await saved.path(), 'utf8')]).toEqual([
      '_.._b_page_b_.html',
      '<script>window.hurt = 1</script>',
    ])
    await context.route(/\/files\//, route => route.fulfill({ body: '<script>window.hurt = 2</script>' }))
    await save.click()
    await page.getByText('It was not saved').waitFor()
    expect(await page.evaluate('window.hurt')).toBeUndefined()
    expect(faults).toEqual([])
  }, 60_000)
})
