// Agents and deals in a real browser: a person finds an agent, and the two deal, pay and dispute; a person judges.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { fingerprintOf, generateKeyPair, identityFrom, verifyReceipt } from '../../lib/identity/index.ts'
import { agentId, type AgentChatClient, type AgentId } from '../../lib/index.ts'
import { comeIn, noBrowser, startConsoleRelay, useBrowser, type ConsoleRelay } from '../kit/browser.ts'
import { clientOf, newIdentity } from '../kit/client.ts'
import { hostileTexts } from '../kit/console-scene.ts'
import { courtConfig } from '../kit/court.ts'

const adminKey = courtConfig.adminKey
const credit = (by: AgentChatClient, agent: AgentId, amountMinor: number) =>
  by.request('ADMIN_CREDIT', { admin_key: adminKey, agent_id: agent, currency: 'USD', amount_minor: amountMinor, note: 'for the test' })

const goTo = (page: Page, name: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click()
const idOf = async (page: Page): Promise<AgentId> => agentId((await page.locator('.rail .who small', { hasText: '@' }).textContent())!)
const dialog = (page: Page) => page.getByRole('dialog')
/** Presses a button, and the button of the same name in the dialog that asks. */
const act = async (page: Page, name: string, fill: () => Promise<void> = () => Promise.resolve()) => {
  await page.getByRole('button', { name, exact: true }).click()
  await fill()
  await dialog(page).getByRole('button', { name, exact: true }).click()
  await dialog(page).waitFor({ state: 'detached' })
}
const step = (page: Page, words: string) => page.locator('.history li', { hasText: words })

/** A passkey in the browser that vouches by itself; gives how often it did. */
const addPasskey = async (page: Page): Promise<() => number> => {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  let asserted = 0
  session.on('WebAuthn.credentialAsserted', () => asserted++)
  return () => asserted
}

/** Goes on by the Tab key alone until something of this name has the focus. */
const tabTo = async (page: Page, name: string): Promise<void> => {
  const named = `(document.activeElement?.textContent || document.activeElement?.getAttribute('aria-label') || '').trim()`
  for (let presses = 0; presses < 80; presses++) {
    if (await page.evaluate<string>(named) === name) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Nothing called ${name} can be reached by the keyboard`)
}

/** All at once, from somebody who wants to be taken for the console. */
const hostile = hostileTexts.join('\n\n')

/** Nothing of it became anything that only the console makes, or runs. */
const expectHarmless = async (page: Page): Promise<void> => {
  const made = 'script, img, iframe, b, [onerror], [style], a[href^="javascript"], .said h1, .said .chip'
  expect(await page.locator('main').locator(made).count()).toBe(0)
  const all = await page.locator('main').innerText()
  expect(all).toContain('<script>window.hurt = 1</script>')
  expect(all).toContain('\\u202egnp.exe')
  expect(all).not.toMatch(/[\u0000\u001b\u200b\u202e\u2066\ufeff]/)
  expect(await page.evaluate('window.hurt')).toBeUndefined()
}

describe.skipIf(noBrowser !== undefined)('agents and deals', () => {
  const browser = useBrowser()

  test('a whole deal: offered by an agent, funded and paid by a passkey, with a receipt that verifies offline', async () => {
    await using site = await startConsoleRelay({ adminKey, accounts: true })
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    const vouched = await addPasskey(page)
    await page.goto(site.relay.setUpUrl!)
    await page.getByLabel('Your name').fill('Ada')
    await page.getByRole('button', { name: 'Make a passkey' }).click()
    await page.getByText('Signed in').waitFor()
    await page.goto(site.consoleUrl)
    await comeIn(page, 'Ada')
    const ada = await idOf(page)
    await credit(bot, ada, 10_000)

    await goTo(page, 'Deals')
    await page.getByText('No deals yet').waitFor()
    const content = Buffer.from('two names that lie')
    const { proposalId } = await bot.trade.propose(ada, {
      ...{ task: `Review the patch\n\n${hostile}`, terms: hostile, amount: 12.5, currency: 'USD', role: 'provider' },
      milestones: [{ title: 'types', amount: 2.5 }, { title: hostile.slice(0, 100), amount: 10 }],
    })
    // It is on the screen because it was told.
    await page.getByRole('link', { name: 'Review the patch' }).click()
    await step(page, 'offered it').getByText('signed', { exact: false }).first().waitFor()
    await expectHarmless(page)
    await act(page, 'Accept', async () => {
      await dialog(page).getByText('signed exactly these terms').waitFor()
      for (const part of ['12.50 USD', '2.5 USD', '14 days from funding', '3 days from delivery', '90 days from the answer'])
        expect(await dialog(page).innerText()).toContain(part)
      await dialog(page).getByText('What exactly is signed').click()
      expect(await dialog(page).locator('pre').last().innerText()).toContain(`"proposal_id": "${proposalId}"`)
    })
    expect(vouched()).toBe(0)
    await act(page, 'Fund')
    expect([vouched(), (await bot.trade.get(proposalId)).heldMinor]).toEqual([1, 1_250])

    await bot.trade.submit(proposalId, { text: 'the types' })
    await act(page, 'Pay this milestone')
    await bot.trade.submit(proposalId, {
      files: [{
        name: '-review (1).md',
        bytes: content.length,
        sha256: createHash('sha256').update(content).digest('hex'),
        content: content.toString('base64'),
      }],
    })
    const save = page.getByRole('button', { name: 'Save -review (1).md' })
    const [file] = await Promise.all([page.waitForEvent('download'), save.click()])
    expect([file.suggestedFilename(), readFileSync(await file.path())]).toEqual(['_-review (1).md', content])
    const written = bot.once('RECEIPT')
    await act(page, 'Complete and pay', () => dialog(page).getByLabel('Remark').fill('thanks'))
    expect(vouched()).toBe(3)
    expect(await bot.trade.get(proposalId)).toMatchObject({ status: 'completed', capturedMinor: 1_250, heldMinor: 0 })

    const { receiptId, receipt, signatures } = await written
    await bot.reputation.signReceipt({ receipt_id: receiptId, receipt, signatures })
    await act(page, 'Sign the receipt', () => dialog(page).getByText('12.50 USD paid').waitFor())
    await page.getByText('Verifies offline: both parties').waitFor()
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save the receipt' }).click()])
    expect(verifyReceipt(JSON.parse(readFileSync(await saved.path(), 'utf8')), { relayId: site.relay.serverId })).toMatchObject({
      proven: true,
      receipt: { client: { agent: ada }, outcome: 'completed' },
    })
    await expect.poll(() => page.locator('.history .chip.good').count()).toBe(7)
    expect(await page.locator('.history .chip.bad').count()).toBe(0)
    expect(faults).toEqual([])
  }, 40_000)

  test('a person finds an agent by what it offers, and offers it a deal; by the keyboard alone, they dispute it', async () => {
    await using site = await startConsoleRelay({ adminKey })
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    await using other = await clientOf(site.relay, { identity: newIdentity('translator') })
    await bot.people.setProfile({ description: `Careful. ${hostile}`, languages: ['en'], availability: 'limited' })
    await bot.people.registerSkills([{ capability: 'code-review', rate: 5, currency: 'USD', description: hostile.slice(0, 1_000) }])
    await other.people.registerSkills([{ capability: 'translation', rate: 9, currency: 'EUR' }])
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    const ada = await idOf(page)
    await credit(bot, ada, 10_000)

    await goTo(page, 'Agents')
    await page.getByText('1–2 of 2 skills shown').waitFor()
    await page.getByRole('link', { name: 'EUR · 1' }).click()
    await page.getByText('1–1 of 1 skill shown').waitFor()
    expect(await page.locator('.skill').innerText()).toContain('translation')
    await page.getByRole('link', { name: 'Search anew' }).click()
    await page.getByLabel('Skill').fill('review')
    await page.getByLabel('At most').fill('6')
    await page.keyboard.press('Enter')
    await page.getByText('1–1 of 1 skill shown').waitFor()
    await page.locator('.skill').getByRole('link', { name: 'reviewer' }).click()
    await page.getByText('Careful.').waitFor()
    await expectHarmless(page)
    await expect.poll(() => page.locator('.card h2 .chip.good').count()).toBe(2)
    await page.getByText('nothing is known, neither good nor bad').waitFor()

    const offered = bot.once('PROPOSAL')
    await tabTo(page, 'Propose a deal')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Propose a deal' }).waitFor()
    await page.getByLabel('What is to be done').fill('Review the patch')
    await page.getByLabel('Price').fill('12,50')
    await page.getByLabel('Currency').fill('USD')
    await tabTo(page, 'Look it over')
    await page.keyboard.press('Enter')
    await tabTo(page, 'Propose a deal')
    await page.keyboard.press('Enter')
    const { proposalId } = await offered
    await step(page, 'offered it').waitFor()
    expect(await bot.trade.get(proposalId)).toMatchObject({ from: ada, client: ada, amountMinor: 1_250, deliverS: 14 * 86_400 })

    await bot.trade.accept(proposalId)
    await page.getByRole('button', { name: 'Fund' }).waitFor()
    await tabTo(page, 'Fund')
    await page.keyboard.press('Enter')
    const amount = dialog(page).getByLabel('Type the amount')
    await amount.fill('12.60')
    expect(await dialog(page).getByRole('button', { name: 'Fund' }).isDisabled()).toBe(true)
    await amount.fill('12.50')
    await page.keyboard.press('Enter')
    await dialog(page).waitFor({ state: 'detached' })
    await bot.trade.submit(proposalId, { text: 'It is fine.' })
    await step(page, 'delivered').waitFor()

    await tabTo(page, 'Take it to a panel')
    await page.keyboard.press('Enter')
    await dialog(page).getByLabel('What is wrong').fill('half of it was not read')
    await tabTo(page, 'Take it to a panel')
    await page.keyboard.press('Enter')
    // Too few may judge here: the operator does.
    await page.getByText('the operator decides').waitFor()
    await tabTo(page, 'Give evidence')
    await page.keyboard.press('Enter')
    await dialog(page).getByLabel('What you have to say').fill('Lines 200 to 400 have no word.')
    await dialog(page).getByRole('button', { name: 'Add an item' }).click()
    await dialog(page).getByRole('textbox', { name: 'Item 1', exact: true }).fill('sha 4f0c1e')
    await tabTo(page, 'Give evidence')
    await page.keyboard.press('Enter')
    await page.getByText('Lines 200 to 400').waitFor()
    const [{ disputeId } = { disputeId: '' }] = await bot.court.list({ role: 'party' })
    // A party sees nothing sealed of the other, whatever key it has; who is none does.
    expect((await bot.court.show(disputeId, { adminKey })).evidence.disputant).toBeNull()
    await using operator = await clientOf(site.relay, { identity: newIdentity('keeper') })
    const { dispute, evidence } = await operator.court.show(disputeId, { adminKey })
    expect(dispute).toMatchObject({ disputant: ada, phase: 'appealed', reason: 'half of it was not read', evidence: ['disputant'] })
    expect(evidence.disputant).toMatchObject({ signature: 'valid', items: [{ kind: 'text', value: 'sha 4f0c1e' }] })
    expect(await page.locator('.history .chip.bad').count()).toBe(0)
    expect(faults).toEqual([])
  }, 40_000)

  test('a case whose filing was not answered is gone on with: its secret is kept', async () => {
    await using site = await startConsoleRelay({ adminKey })
    await using bot = await clientOf(site.relay, { identity: newIdentity('reviewer') })
    const cut = { next: false }
    await using visit = await browser.visit(site, {
      before: page =>
        page.routeWebSocket(/./, socket => {
          const relay = socket.connectToServer()
          relay.onMessage(message => {
            if (!cut.next || !String(message).includes('"DISPUTE_INTENT_ACK"')) return socket.send(message)
            cut.next = false
            void relay.close()
            void socket.close()
          })
        }),
    })
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    const ada = await idOf(page)
    await goTo(page, 'Deals')
    await page.getByText('No deals yet').waitFor()
    const { proposalId } = await bot.trade.propose(ada, { task: 'Review the patch', deliverS: 5_400 })
    await page.getByRole('link', { name: 'Review the patch' }).click()
    await page.getByText('1 hour 30 minutes from funding').waitFor()
    await act(page, 'Accept')
    await page.getByRole('button', { name: 'Take it to a panel' }).click()
    await dialog(page).getByLabel('What is wrong').fill('nothing came')
    cut.next = true
    await dialog(page).getByRole('button', { name: 'Take it to a panel' }).click()
    await dialog(page).getByRole('alert').filter({ hasText: /./ }).waitFor()
    await dialog(page).getByRole('button', { name: 'Not now' }).click()
    expect((await bot.court.list({ role: 'party' })).map(({ phase }) => phase)).toEqual(['filed'])
    await page.reload()
    await act(page, 'Draw the panel')
    await page.getByText('the operator decides').waitFor()
    expect((await bot.court.list({ role: 'party' })).map(each => [each.proposalId, each.phase])).toEqual([[proposalId, 'appealed']])
    // That the line was cut is told, and nothing else.
    expect(faults.filter(each => !each.includes('already in CLOSING'))).toEqual([])
  }, 40_000)

  test('a person is drawn as an arbiter, takes the seat, and votes', async () => {
    const keys = [generateKeyPair(), generateKeyPair(), generateKeyPair()]
    await using site = await startConsoleRelay({ ...courtConfig, arbiters: keys.map(({ publicKey }) => fingerprintOf(publicKey)) })
    await using ann = await clientOf(site.relay, { identity: newIdentity('ann') })
    await using bob = await clientOf(site.relay, { identity: newIdentity('bob') })
    await using cyd = await clientOf(site.relay, { identity: identityFrom(keys[1]!.privateKey, { name: 'cyd' }) })
    await using dan = await clientOf(site.relay, { identity: identityFrom(keys[2]!.privateKey, { name: 'dan' }) })
    await using visit = await browser.visit(site)
    const { page, faults } = visit
    await keepKey(page, site, keys[0]!)
    await goTo(page, 'Deals')
    const me = await idOf(page)
    await credit(ann, ann.agentId!, 1_000)
    const { proposalId } = await ann.trade.propose(bob.agentId!, { task: 'write it', amount: 10, currency: 'USD' })
    await bob.trade.accept(proposalId)
    await ann.trade.fund(proposalId)
    const { disputeId } = await ann.court.file(proposalId, hostile)

    await page.getByRole('region', { name: 'Cases for you to judge' }).getByRole('link').click()
    await act(page, 'Take the seat')
    for (const other of [cyd, dan]) await other.court.accept(disputeId)
    await ann.court.evidence(disputeId, { statement: `Nothing came. ${hostile}` })
    await bob.court.evidence(disputeId, { statement: 'It did.' })
    await page.getByText('Nothing came.').waitFor()
    await page.getByText('10.00 USD').waitFor()
    await expectHarmless(page)
    await act(page, 'Vote', async () => {
      // A share of the money is vouched for like any money.
      const vote = dialog(page).getByRole('button', { name: 'Vote', exact: true })
      await dialog(page).getByLabel('Your verdict').selectOption('mutual')
      await dialog(page).locator('#case-share').fill('4')
      await dialog(page).getByLabel('Type the amount').waitFor()
      expect(await vote.isDisabled()).toBe(true)
      await dialog(page).getByLabel('Type the amount').fill('4')
      await expect.poll(() => vote.isEnabled()).toBe(true)
      await dialog(page).getByLabel('Your verdict').selectOption('respondent')
      await dialog(page).getByLabel('Why').fill('It was there.')
    })
    await cyd.court.vote(disputeId, 'respondent')
    await dan.court.vote(disputeId, 'disputant')
    await page.getByText('Votes', { exact: true }).waitFor()
    await page.getByText('nobody chose the panel').waitFor()
    const { votes, dispute } = await ann.court.show(disputeId)
    expect(dispute).toMatchObject({ phase: 'ruled', verdict: 'respondent' })
    expect(votes.find(({ arbiter }) => arbiter === me)).toMatchObject({
      verdict: 'respondent',
      reasoning: 'It was there.',
      signature: 'valid',
    })
    expect(faults).toEqual([])
  }, 40_000)
})

/** Puts a key into what the browser keeps, as if it had made it there, and comes in by it. */
const keepKey = async (page: Page, site: ConsoleRelay, { publicKey, privateKey }: ReturnType<typeof generateKeyPair>): Promise<void> => {
  const pkcs8 = privateKey.replaceAll(/-----[A-Z ]+-----|\s/g, '')
  await page.evaluate(`(async () => {
    const bytes = Uint8Array.from(atob(${JSON.stringify(pkcs8)}), sign => sign.charCodeAt(0))
    const privateKey = await crypto.subtle.importKey('pkcs8', bytes, { name: 'Ed25519' }, false, ['sign'])
    const opening = indexedDB.open('agentchat')
    const base = await new Promise(resolve => { opening.onsuccess = () => resolve(opening.result) })
    const writing = base.transaction('keys', 'readwrite').objectStore('keys').put({ name: 'Ada', publicKey: ${
    JSON.stringify(publicKey)
  }, privateKey }, 'me')
    await new Promise(resolve => { writing.onsuccess = resolve })
    base.close()
  })()`)
  await page.goto(site.consoleUrl)
  await page.getByRole('navigation', { name: 'Pages' }).waitFor()
}
