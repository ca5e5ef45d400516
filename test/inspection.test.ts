// What an operator looks at: the log as it is written, without a secret, noted once; who is connected; the settings.
import { describe, expect, test } from 'vitest'
import { pino } from 'pino'
import { LogTail } from '../src/base/log-tail.ts'
import { shownSettings } from '../src/config/describe.ts'
import { settings, defaultConfig } from '../src/config/schema.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const adminKey = 'correct horse battery'
const silent = (level = 'info') => pino({ level }, { write: () => undefined })

describe('the log', () => {
  test('is followed from line to line; each connection is noted once', async () => {
    const written: string[] = []
    const log = pino({ level: 'info' }, { write: line => void written.push(line) })
    await using relay = await startTestRelay({ adminKey }, { log })
    await using boss = await relay.login('boss')
    const look = (more: object = {}) => boss.ask({ type: 'ADMIN_LOG', admin_key: adminKey, ...more }, 'LOG')
    const first = await look()
    expect(first.lines.map(({ text }) => text)).toContain('relay listens')
    expect(first.more).toBe(false)
    let after = first.lines.at(-1)!.n
    // That it was looked at comes behind the answer.
    const second = await look({ after })
    expect(second.lines).toMatchObject([{ level: 'info', text: 'an admin acted', facts: { action: 'ADMIN_LOG' } }])
    after = second.lines.at(-1)!.n
    expect((await look({ after })).lines).toEqual([])
    await boss.refusal({ type: 'ADMIN_LIST', admin_key: 'wrong horse battery' })
    expect((await look({ after })).lines).toMatchObject([{ n: after + 1, level: 'warn', text: 'a wrong admin key' }])
    const important = (await look({ level: 'warn' })).lines
    expect(important.at(-1)).toMatchObject({ text: 'a wrong admin key' })
    expect(important.every(({ level }) => level === 'warn')).toBe(true)
    const { entries } = await boss.ask({ type: 'AUDIT', admin_key: adminKey }, 'AUDIT')
    expect(entries.filter(({ action }) => action === 'ADMIN_LOG')).toHaveLength(1)
    await using other = await relay.login('other')
    await other.ask({ type: 'ADMIN_LOG', admin_key: adminKey }, 'LOG')
    const now = await boss.ask({ type: 'AUDIT', admin_key: adminKey }, 'AUDIT')
    expect(now.entries.filter(({ action }) => action === 'ADMIN_LOG')).toHaveLength(2)
    // What is kept is what is written.
    const all = (await look()).lines.map(({ text }) => text)
    expect(written.map(line => (JSON.parse(line) as { msg: string }).msg)).toEqual(all)
  })

  test('holds no secret: admin keys, right and wrong, tokens, contents', async () => {
    await using relay = await startTestRelay({ adminKey, accounts: false }, { log: silent('trace') })
    await using boss = await relay.login('boss', { key: newKey() })
    const wrong = 'a wrong admin key of somebody'
    await boss.refusal({ type: 'ADMIN_LIST', admin_key: wrong })
    const { token } = await boss.ask({ type: 'TOKEN_CREATE', name: 'phone' }, 'TOKEN_CREATED')
    await fetch(`${relay.httpUrl}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    await boss.ask({ type: 'MSG', to: '#general', content: 'what nobody else is to read' }, 'ACK')
    const lines: unknown[] = []
    for (let after: number | undefined = 0;;) {
      const page: { lines: readonly { n: number }[], more: boolean } = await boss.ask(
        { type: 'ADMIN_LOG', admin_key: adminKey, after, limit: 20 },
        'LOG',
      )
      lines.push(...page.lines)
      if (!page.more) break
      after = page.lines.at(-1)!.n
    }
    expect(lines.length).toBeGreaterThan(10)
    const text = JSON.stringify(lines)
    for (const secret of [adminKey, wrong, token, 'what nobody else is to read']) expect(text).not.toContain(secret)
  })

  test('is bounded: the newest thousand lines, long ones cut, a page by its size too', () => {
    const tail = new LogTail(1_000_000)
    const log = tail.watching(silent('debug'))
    for (let i = 0; i < 1_500; i++) log.info({ i }, 'a line')
    log.debug({ text: 'x'.repeat(100_000), admin_key: 'secret', inner: { sig: 'secret' } }, 'long')
    log.trace('nobody asked for this one')
    const newest = tail.page({ after: undefined, limit: 2, level: 'trace' })
    expect(newest).toMatchObject({
      more: false,
      oldest: 1_000_501,
      lines: [{ n: 1_001_499 }, { n: 1_001_500, level: 'debug', text: 'long' }],
    })
    expect(JSON.stringify(newest).length).toBeLessThan(5_000)
    expect(JSON.stringify(newest)).not.toContain('secret')
    const first = tail.page({ after: 5, limit: 3, level: 'info' })
    expect(first).toMatchObject({ more: true, lines: [{ n: 1_000_501 }, { n: 1_000_502 }, { n: 1_000_503 }] })
    for (let i = 0; i < 300; i++) log.warn({ text: 'y'.repeat(3_500) }, 'wide')
    const wide = tail.page({ after: 1, limit: 1_000, level: 'warn' })
    expect(wide.more).toBe(true)
    expect(JSON.stringify(wide).length).toBeLessThan(300_000)
  })
})

test('who is connected is told in order, page by page, to admins', async () => {
  const admin = newKey()
  await using relay = await startTestRelay({ adminAgents: [admin.id] })
  await using boss = await relay.login('boss', { key: admin })
  const ids = [admin.id]
  const others = await Promise.all(Array.from({ length: 5 }, (_, i) => relay.login(`agent${i}`, { key: newKey() })))
  ids.push(...others.map(({ id }) => id))
  const all = async () => {
    const found: string[] = []
    for (let after: string | undefined;;) {
      const page: { agents: readonly { agent: string }[], more: boolean, count: number } = await boss.ask(
        { type: 'ADMIN_AGENTS', limit: 2, ...(after !== undefined && { after }) },
        'CONNECTED',
      )
      found.push(...page.agents.map(({ agent }) => agent))
      expect(page.count).toBe(ids.length)
      if (!page.more) return found
      after = found.at(-1)
    }
  }
  expect(await all()).toEqual([...ids].sort())
  const gone = others.pop()!
  ids.splice(ids.indexOf(gone.id), 1)
  await gone.close()
  await boss.ask({ type: 'PING' }, 'PONG')
  expect(await all()).toEqual([...ids].sort())
  expect(await others[0]!.refusal({ type: 'ADMIN_AGENTS' })).toMatchObject({ code: 'INVALID_MSG' })
  for (const other of others) await other.close()
})

test('settings are shown without secrets, and say which differ from their defaults', () => {
  const secrets = Object.entries(settings).flatMap(([name, { secret }]) => secret === true ? [name] : [])
  expect(secrets).toContain('adminKey')
  const config = defaultConfig({
    ...Object.fromEntries(secrets.map(name => [name, `secret of ${name}`])),
    name: 'workshop',
    publicUrls: ['wss://relay.example'],
    escrowWebhook: 'https://user:secret of a login@pay.example/hook?token=secret of a query',
  })
  const shown = shownSettings(config)
  expect(shown.map(({ name }) => name)).toEqual(Object.keys(settings))
  expect(JSON.stringify(shown)).not.toContain('secret of')
  const of = (wanted: string) => shown.find(({ name }) => name === wanted)
  expect(of('name')).toMatchObject({ value: 'workshop', default: false })
  expect(of('adminKey')).toMatchObject({ secret: true, default: false })
  expect(of('msgBurst')).toMatchObject({ default: true })
  expect(of('escrowWebhook')).toMatchObject({ value: 'https://…@pay.example/hook?…' })
})
