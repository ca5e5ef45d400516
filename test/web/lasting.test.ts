// What a person said is there once, whatever happens in between: the relay killed, the page loaded anew in the middle of it, a second window.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { contentHashOf } from '../../lib/identity/index.ts'
import type { AgentChatClient } from '../../lib/index.ts'
import { comeIn, forgetAll, noBrowser, startConsoleRelay, useBrowser, watchFaults, type ConsoleRelay } from '../kit/browser.ts'
import { clientOf, newIdentity } from '../kit/client.ts'
import { newFolder } from '../kit/folder.ts'
import { freePort } from '../kit/port.ts'
import { builtBin, ServeProgram } from '../kit/process.ts'

const say = async (page: Page, text: string): Promise<void> => {
  await page.locator('#compose').fill(text)
  await page.keyboard.press('Enter')
}
const enter = async (page: Page, channel: string): Promise<void> => {
  await page.getByRole('button', { name: `Join ${channel}` }).click()
  await page.locator('#compose').waitFor()
}
/** What is shown, in its order: what is on its way behind what is stored. */
const shown = async (page: Page): Promise<readonly string[]> =>
  (await page.locator('.message .said').allInnerTexts()).map(text => text.trim())
const stored = async (bot: AgentChatClient): Promise<readonly string[]> =>
  (await bot.history({ channel: '#general' }, { limit: 100 })).events.map(({ frame }) => String(frame['content']))
const unread = (page: Page, place: string) =>
  page.getByRole('navigation', { name: 'Channels' }).locator('a', { hasText: place }).locator('.count')

describe.skipIf(noBrowser !== undefined)('lasting', () => {
  const browser = useBrowser()

  test('the relay is killed and comes back: what was said meanwhile goes out, and nothing is there twice', async () => {
    using folder = newFolder()
    const [port, webPort] = [await freePort(), await freePort()]
    const flags = ['--port', String(port), '--web-port', String(webPort), '--data', folder.at('data'), '--msg-rate', '0']
    const start = () => new ServeProgram(builtBin(), flags, { env: { HOME: folder.path } })
    const first = start()
    await first.url
    await using visit = await browser.visit({ consoleUrl: `http://localhost:${webPort}/console/` })
    const { page, faults } = visit
    await comeIn(page, 'Ada')
    await enter(page, '#general')
    for (const text of ['one', 'two', 'three']) await say(page, text)
    first.signal('SIGKILL')
    await first.ended
    await page.getByText('The relay is not there just now').waitFor()
    for (const text of ['four', 'five']) await say(page, text)
    await page.locator('.message.sending', { hasText: 'five' }).waitFor()
    await using second = start()
    const url = await second.url
    await expect.poll(() => page.locator('.message.sending').count()).toBe(0)
    await using bot = await clientOf(url, { identity: newIdentity('helper') })
    const all = ['one', 'two', 'three', 'four', 'five']
    expect(await stored(bot)).toEqual(all)
    await expect.poll(() => shown(page)).toEqual(all)
    expect(faults).toEqual([])
  })

  describe('on one relay', () => {
    let site: ConsoleRelay
    let bot: AgentChatClient
    beforeAll(async () => {
      site = await startConsoleRelay()
      bot = await clientOf(site.relay, { identity: newIdentity('helper') })
      await bot.join('#general')
      await bot.join('#help')
    })
    afterAll(async () => {
      await bot?.close()
      await site?.[Symbol.asyncDispose]()
    })

    test.each([['stored, and not acknowledged', 'ACK'], ['not stored', 'MSG']] as const)('loaded anew while a message is %s',
      async (state, held) => {
        await using visit = await browser.visit(site, {
          before: page =>
            page.routeWebSocket(/./, socket => {
              const relay = socket.connectToServer()
              const passes = (text: string | Buffer) => !holds || !String(text).startsWith(`{"type":"${held}"`)
              socket.onMessage(text => passes(text) && relay.send(text))
              relay.onMessage(text => passes(text) && !(holds && String(text).includes(state)) && socket.send(text))
            }),
        })
        let holds = false
        const { page } = visit
        await comeIn(page, 'Ada')
        await enter(page, '#general')
        holds = true
        await say(page, state)
        await page.locator('.message.sending', { hasText: state }).waitFor()
        if (held === 'ACK') await expect.poll(() => stored(bot)).toContain(state)
        holds = false
        await page.reload()
        await expect.poll(() => stored(bot)).toContain(state)
        await page.locator('.message.mine:not(.sending)', { hasText: state }).waitFor()
        expect((await shown(page)).filter(text => text === state)).toHaveLength(1)
        expect((await stored(bot)).filter(text => text === state)).toHaveLength(1)
      })

    test('two windows of one key: each hears the other, and what is read in one is read in both, and stays so', async () => {
      await using visit = await browser.visit(site)
      const { page: one, context, faults } = visit
      await comeIn(one, 'Eve')
      await enter(one, '#general')
      await one.getByRole('button', { name: 'Find a channel' }).click()
      await enter(one, '#help')
      const two = await context.newPage()
      const others = watchFaults(two)
      await two.goto(`${site.consoleUrl}chat/%23general`)
      await two.locator('#compose').waitFor()

      await say(one, 'from the first')
      const goTo = (page: Page, channel: string) => page.getByRole('navigation', { name: 'Channels' }).getByText(channel).click()
      await two.getByRole('navigation', { name: 'Channels' }).getByText('#help').waitFor()
      await one.locator('.message.mine:not(.sending)', { hasText: 'from the first' }).waitFor()
      // Nobody looks.
      await goTo(one, '#general')
      await one.locator('.message', { hasText: 'from the first' }).waitFor({ state: 'detached' })
      await bot.send('#help', 'help is here')
      await bot.send('#help', 'twice')
      // What the same agent said is nothing new to him.
      await expect.poll(() => unread(two, '#help').innerText()).toBe('2')
      // The first looks at it: it is read.
      await goTo(one, '#help')
      await one.locator('.message', { hasText: 'twice' }).waitFor()
      await expect.poll(() => unread(one, '#help').count()).toBe(0)
      await expect.poll(() => unread(two, '#help').count()).toBe(0)

      await say(two, 'from the second')
      await expect.poll(() => unread(one, '#general').count()).toBe(0)
      await goTo(two, '#help')
      await two.locator('.message', { hasText: 'twice' }).waitFor()
      await bot.send('#general', 'and an answer')
      await expect.poll(() => unread(one, '#general').innerText()).toBe('1')
      await goTo(two, '#general')
      await expect.poll(() => unread(one, '#general').count()).toBe(0)
      await one.reload()
      await expect.poll(() => unread(one, '#general').count()).toBe(0)
      await one.getByRole('navigation', { name: 'Channels' }).getByText('#general').click()
      await one.locator('.message', { hasText: 'from the second' }).waitFor()
      expect((await shown(one)).filter(text => text === 'from the second')).toHaveLength(1)
      await one.reload()
      await one.locator('.message', { hasText: 'and an answer' }).waitFor()
      expect(await unread(one, '#general').count()).toBe(0)
      expect(await unread(one, '#help').count()).toBe(0)
      expect([...faults, ...others]).toEqual([])
    })

    test('two windows keep what each of them has said, beside each other', async () => {
      let holds = false
      await using visit = await browser.visit(site, {
        before: page =>
          page.context().routeWebSocket(/./, socket => {
            const relay = socket.connectToServer()
            socket.onMessage(text => !(holds && String(text).startsWith('{"type":"MSG"')) && relay.send(text))
            relay.onMessage(text => socket.send(text))
          }),
      })
      const { page: one, context } = visit
      await comeIn(one, 'Liv')
      await enter(one, '#general')
      const two = await context.newPage()
      await two.goto(`${site.consoleUrl}chat/%23general`)
      await two.locator('#compose').waitFor()
      holds = true
      await say(one, 'kept by the first')
      await say(two, 'kept by the second')
      await two.locator('.message.sending').waitFor()
      holds = false
      await two.close()
      await one.reload()
      await expect.poll(async () => (await stored(bot)).filter(text => text.startsWith('kept by')).sort()).toEqual(
        ['kept by the first', 'kept by the second'],
      )
    })

    test('the storage of the browser is cleared in the middle of it: the page asks who it is, and another key says nothing of it', async () => {
      let holds = false
      await using visit = await browser.visit(site, {
        before: page =>
          page.routeWebSocket(/./, socket => {
            const relay = socket.connectToServer()
            socket.onMessage(text => !(holds && String(text).startsWith('{"type":"MSG"')) && relay.send(text))
            relay.onMessage(text => socket.send(text))
          }),
      })
      const { page, faults } = visit
      const id = () => page.locator('.rail small').first().innerText()
      await comeIn(page, 'Zoe')
      await enter(page, '#general')
      const before = await id()
      holds = true
      await say(page, 'never to be heard')
      await page.locator('.message.sending').waitFor()
      holds = false
      await forgetAll(page)
      await page.reload()
      await page.getByText('this browser makes you a key').waitFor()
      await comeIn(page, 'Zoe')
      await page.getByRole('button', { name: 'Join', exact: true }).click()
      await page.locator('#compose').waitFor()
      await say(page, 'somebody else')
      await expect.poll(() => stored(bot)).toContain('somebody else')
      expect(await stored(bot)).not.toContain('never to be heard')
      expect([await id() === before, await page.locator('.message.sending').count(), faults]).toEqual([false, 0, []])
    })

    test('what was refused waits for its author: a page that is loaded anew does not say it by itself', async () => {
      let said = 0
      await using visit = await browser.visit(site, {
        before: async page => {
          page.on('websocket', socket =>
            socket.on('framesent', ({ payload }) => {
              if (String(payload).startsWith('{"type":"MSG"')) said++
            }))
        },
      })
      const { page } = visit
      await comeIn(page, 'Una')
      await page.goto(`${site.consoleUrl}chat/@00000000000000aa`)
      await page.locator('#compose').waitFor()
      await say(page, 'to nobody')
      await page.locator('.message.failed', { hasText: 'to nobody' }).waitFor()
      const before = said
      await page.reload()
      await page.locator('.message.failed', { hasText: 'to nobody' }).waitFor()
      await page.locator('.rail .dot.open').waitFor()
      expect(said).toBe(before)
      await page.getByRole('button', { name: 'Send again' }).click()
      await expect.poll(() => said).toBe(before + 1)
    })

    test('who is in a channel is asked one question at a time, however many come meanwhile', async () => {
      let [asked, holds] = [0, false]
      const held: (() => void)[] = []
      await using visit = await browser.visit(site, {
        before: page =>
          page.routeWebSocket(/./, socket => {
            const relay = socket.connectToServer()
            socket.onMessage(text => {
              asked += Number(String(text).startsWith('{"type":"LIST_AGENTS"'))
              relay.send(text)
            })
            relay.onMessage(text => {
              if (holds && String(text).startsWith('{"type":"AGENTS"')) held.push(() => socket.send(text))
              else socket.send(text)
            })
          }),
      })
      const { page } = visit
      await comeIn(page, 'Pia')
      await enter(page, '#general')
      await page.locator('.members li').first().waitFor()
      holds = true
      const guest = async (n: number) => {
        const wire = await site.relay.login(`guest-${n}`, { autojoin: false })
        onTestFinished(() => wire.close())
        await wire.ask({ type: 'JOIN', channel: '#general' }, 'JOINED')
      }
      await guest(0)
      await expect.poll(() => held.length).toBe(1)
      const before = asked
      for (let n = 1; n <= 8; n++) await guest(n)
      await bot.send('#general', 'all of you are here')
      await page.locator('.message', { hasText: 'all of you are here' }).waitFor()
      expect(asked).toBe(before)
      holds = false
      for (const pass of held) pass()
      await page.locator('.members li', { hasText: 'guest-8' }).waitFor()
      expect(asked).toBe(before + 1)
    })

    test('an edit is vouched for by its own signature, not by that of what it replaces', async () => {
      const { msgId } = await bot.send('#general', 'signed at first')
      await bot.request('EDIT', { msg_id: msgId, content: 'and changed by nobody knows whom', prev: contentHashOf('signed at first') })
      await using visit = await browser.visit(site)
      await comeIn(visit.page, 'Ida')
      await enter(visit.page, '#general')
      const row = visit.page.locator('.message', { hasText: 'and changed by nobody knows whom' })
      await row.locator('.chip.none').waitFor()
      expect(await row.locator('.chip.good').count()).toBe(0)
    })

    test('a draft stays in its tab, and direct messages count until they are read', async () => {
      await using visit = await browser.visit(site)
      const { page } = visit
      await comeIn(page, 'Max')
      await enter(page, '#general')
      const id = (await page.locator('.rail small').innerText()).trim() as `@${string}`
      await page.locator('#compose').fill('not finished')
      await page.reload()
      await expect.poll(() => page.locator('#compose').inputValue()).toBe('not finished')
      await bot.dm(id, 'psst')
      await expect.poll(() => unread(page, 'helper').innerText()).toBe('1')
      await page.reload()
      await expect.poll(() => unread(page, 'helper').innerText()).toBe('1')
      await page.getByRole('navigation', { name: 'Channels' }).locator('a', { hasText: 'helper' }).click()
      await page.locator('.message', { hasText: 'psst' }).waitFor()
      await expect.poll(() => unread(page, 'helper').count()).toBe(0)
      await page.reload()
      await page.locator('.message', { hasText: 'psst' }).waitFor()
      expect(await unread(page, 'helper').count()).toBe(0)
    })
  })
})
