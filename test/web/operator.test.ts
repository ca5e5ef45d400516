// Who operates a relay, in a real browser: sees how it does and what it logs, puts an agent out, and sends any request.
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { addPasskeys, comeIn, noBrowser, phone, photograph, pictures, startConsoleRelay, useBrowser, type Visit } from '../kit/browser.ts'

const adminKey = 'correct horse battery'
const log = pino({ level: 'info' }, { write: () => undefined })

describe.skipIf(noBrowser !== undefined)('operating', () => {
  const browser = useBrowser()

  test('an operator comes in by the admin key, follows the log, bans an agent, finds that in the audit, and lifts it', async () => {
    await using site = await startConsoleRelay({ adminKey }, { log })
    await using mallory = await site.relay.login('mallory')
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    const open = (name: string) => page.getByRole('navigation', { name: 'Relay' }).getByRole('link', { name, exact: true }).click()
    await page.getByRole('link', { name: 'Relay' }).click()
    const key = page.getByLabel('Admin key')
    const wrong = 'a wrong key of Ada’s'
    await key.fill(wrong)
    await page.getByRole('button', { name: 'Enter' }).click()
    await page.getByText('Wrong admin key').waitFor()
    await key.fill(adminKey)
    await page.keyboard.press('Enter')

    await page.getByText('healthy').waitFor()
    await page.locator('.chart canvas').first().waitFor()
    expect(await page.locator('.chart').count()).toBeGreaterThan(5)
    if (pictures !== undefined) await page.getByText('3 looks so far').waitFor()
    await photograph(page, 'relay-overview')

    await open('Log')
    const lines = page.getByRole('log')
    await lines.getByText('relay listens').waitFor()
    await lines.getByText('a wrong admin key').waitFor()
    await using eve = await site.relay.login('eve')
    await eve.refusal({ type: 'ADMIN_LIST', admin_key: 'evil\u202egpj.exe' })
    await lines.getByText(eve.id).waitFor()
    await photograph(page, 'relay-log')
    await page.getByLabel('From level').selectOption('warn')
    await page.getByText('relay listens').waitFor({ state: 'detached' })
    expect(await lines.textContent()).not.toContain(wrong)
    expect(await page.content()).not.toContain(adminKey)

    await open('Agents')
    await page.getByLabel('Find by name').fill('mallory')
    await page.getByText('1 of 3').waitFor()
    // On a phone each row is a card: what can be done is in sight.
    const size = page.viewportSize()!
    await page.setViewportSize(phone)
    expect(await page.getByRole('button', { name: 'Ban: mallory' }).evaluate(button => button.getBoundingClientRect().right)).toBeLessThan(
      phone.width,
    )
    await photograph(page, 'relay-agents-phone')
    await page.setViewportSize(size)
    await page.getByRole('button', { name: 'Ban: mallory' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('spam')
    await page.keyboard.press('Enter')
    expect((await mallory.closed()).code).toBe(4502)
    await page.getByText('mallory is banned.').waitFor()
    await page.getByText('0 of 2').waitFor()

    await open('Audit')
    const row = page.getByRole('row').filter({ hasText: 'ADMIN_BAN' })
    await row.filter({ hasText: mallory.id }).filter({ hasText: '"reason":"spam"' }).waitFor()
    expect(await page.getByRole('row').filter({ hasText: 'ADMIN_LOG' }).count()).toBe(1)

    await open('Bans')
    await page.getByRole('button', { name: `Lift: ${mallory.id}` }).click()
    await dialog.getByRole('button', { name: 'Lift' }).click()
    await page.getByText('Nobody is banned.').waitFor()

    await open('Settings')
    await page.getByLabel('only those that differ').check()
    await page.getByText('set, and secret').first().waitFor()
    expect(await page.content()).not.toContain(adminKey)
    // Loaded again, the key is gone.
    await page.reload()
    await page.getByLabel('Admin key').waitFor()
    expect(faults).toEqual([])
  }, 60_000)

  test('an account that operates the relay needs no key, vouches for what cannot be undone, and makes a moderator, who sees his part',
    async () => {
      await using site = await startConsoleRelay({ accounts: true }, { log, loadsLate: false })
      await using mallory = await site.relay.login('mallory')
      await mallory.ask({ type: 'CREATE_CHANNEL', channel: '#spam' }, 'JOINED')
      await using ada = await browser.visit({ consoleUrl: site.relay.setUpUrl! }, { before: addPasskeys })
      const setUp = async ({ page }: Visit, name: string) => {
        await page.getByLabel('Your name').fill(name)
        await page.getByRole('button', { name: 'Make a passkey' }).click()
        await page.getByText('Signed in').waitFor()
      }
      const toRelay = async ({ page }: Visit, name: string) => {
        await page.goto(site.consoleUrl)
        await comeIn(page, name)
        await page.getByRole('link', { name: 'Relay' }).click()
        await page.getByText('healthy').waitFor()
      }
      const open = ({ page }: Visit, name: string) =>
        page.getByRole('navigation', { name: 'Relay' }).getByRole('link', { name, exact: true }).click()
      const act = async ({ page }: Visit, label: string) => {
        await page.getByRole('button', { name: label }).click()
        await page.getByRole('dialog').locator('form button[type=submit]').click()
        await page.getByRole('dialog').waitFor({ state: 'detached' })
      }
      await setUp(ada, 'Ada')
      await ada.page.getByLabel('What who is invited will be').selectOption('moderator')
      await ada.page.getByRole('button', { name: 'Invite somebody' }).click()
      const link = /http\S+#\S+/.exec((await ada.page.getByRole('status').filter({ hasText: '#' }).textContent())!)![0]
      await using mo = await browser.visit({ consoleUrl: link }, { before: addPasskeys })
      await setUp(mo, 'Mo')
      await toRelay(mo, 'Mo')
      expect(await mo.page.getByRole('navigation', { name: 'Relay' }).getByRole('link').allInnerTexts()).toEqual([
        'Overview',
        'Agents',
        'Bans',
      ])
      await open(mo, 'Agents')
      await act(mo, 'Ban: mallory')
      expect((await mallory.closed()).code).toBe(4502)

      // When no passkey vouched for ten minutes, what can be undone is done as before, and what cannot asks for the passkey.
      let vouched = 0
      ada.page.on('request', request => vouched += Number(request.url().endsWith('/signin/passkey/verify')))
      await site.relay.store.write(tx => tx.tables<{ sign_ins: { proved: number } }>().updateTable('sign_ins').set({ proved: 0 }).execute())
      await toRelay(ada, 'Ada')
      await open(ada, 'Bans')
      await act(ada, `Lift: ${mallory.id}`)
      await ada.page.getByText('Nobody is banned.').waitFor()
      expect(vouched).toBe(0)
      await open(ada, 'Channels')
      await act(ada, 'Delete: #spam')
      await ada.page.getByRole('button', { name: 'Members: #spam' }).waitFor({ state: 'detached' })
      expect(vouched).toBe(1)
      await open(ada, 'Audit')
      const rows = ada.page.getByRole('row').filter({ hasText: /~[0-9a-f]{16}/ })
      await rows.filter({ hasText: 'DELETE_CHANNEL' }).waitFor()
      await rows.filter({ hasText: /ADMIN_BAN@/ }).waitFor()
      expect([...ada.faults, ...mo.faults]).toEqual([])
    }, 60_000)

  test('any request is a form: what is wrong is said at its field, what is right is sent, by keyboard alone', async () => {
    await using site = await startConsoleRelay({}, { log })
    await using visit = await browser.visit(site, { path: 'anything' })
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    // The page comes a moment after the frame about it, and listens to its keys a moment after that.
    await page.locator('#find-request').waitFor()
    await expect.poll(async () => {
      await page.keyboard.press('/')
      return page.locator('#find-request:focus').count()
    }, { timeout: 15_000 }).toBe(1)
    await page.keyboard.press('Control+A')
    await page.keyboard.type('create channel')
    await page.keyboard.press('ArrowDown')
    await page.locator('.requests a:focus').waitFor()
    while (await page.locator('.requests a:focus code').textContent() !== 'CREATE_CHANNEL') await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    const form = page.locator('.request')
    await form.getByRole('heading', { name: 'CREATE_CHANNEL' }).waitFor()
    await form.getByLabel('channel', { exact: false }).first().focus()
    await page.keyboard.type('no channel')
    await page.keyboard.press('Enter')
    await form.getByText('a channel: # and 1–31', { exact: false }).waitFor()
    expect(await page.evaluate('document.activeElement.getAttribute("aria-invalid")')).toBe('true')
    await page.keyboard.press('Control+A')
    await page.keyboard.type('#forms')
    await page.keyboard.press('Enter')
    const answer = page.getByRole('region', { name: 'Answer' })
    await answer.getByText('"type": "JOINED"').waitFor()
    await photograph(page, 'anything-answer')
    await using ben = await site.relay.login('ben', { autojoin: false })
    expect((await ben.ask({ type: 'JOIN', channel: '#forms' }, 'JOINED')).channel).toBe('#forms')

    // A link fills a form in and sends nothing; what moves others is asked about first, and the library signs what is to be signed.
    await page.goto(
      `${site.consoleUrl}anything/MSG?fields=${encodeURIComponent(JSON.stringify({ to: '#forms', content: 'By a form\u202e' }))}`,
    )
    await page.getByText('A link filled this form in').waitFor()
    await page.getByRole('button', { name: 'Send' }).click()
    expect(await ben.next('MSG')).toMatchObject({ content: 'By a form\u202e', sig_v: 2 })
    await page.goto(`${site.consoleUrl}anything/DELETE_CHANNEL?fields=${encodeURIComponent('{"channel":"#forms","admin_key":"secret"}')}`)
    await page.getByRole('button', { name: 'Send' }).click()
    const sure = page.getByRole('dialog', { name: 'Send it?' })
    await sure.getByText('cannot be taken back').waitFor()
    await page.keyboard.press('Escape')
    await sure.waitFor({ state: 'detached' })
    expect(await page.getByLabel('admin_key').inputValue()).toBe('')
    await page.getByRole('button', { name: 'Send' }).click()
    await sure.getByRole('button', { name: 'Send' }).click()
    await answer.getByText('"type": "OK"').waitFor()

    await page.goto(`${site.consoleUrl}anything/HISTORY`)
    await page.getByRole('button', { name: 'Write it as JSON' }).click()
    await page.getByLabel('Fields of the request').fill('{"channel": "#general", "limit": "many"}')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('limit:', { exact: false }).first().waitFor()
    expect(faults).toEqual([])
  }, 60_000)
})
