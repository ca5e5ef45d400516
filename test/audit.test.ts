// Every use of an admin's right is kept: who, what, of whom, from where, when; and who guesses the admin key is slowed down, and seen.
import { describe, expect, test } from 'vitest'
import { pino } from 'pino'
import { frames, requestDocs, requests, type RequestType } from '../lib/protocol/index.ts'
import { openKeeper } from '../src/app.ts'
import { Guesses } from '../src/relay/guesses.ts'
import { addErrand, errandAbout } from '../src/store/errands.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { newTrader } from './kit/trade.ts'
import { newKey, type Wire } from './kit/wire.ts'

const adminKey = 'correct horse battery'
const auditOf = async (boss: Wire, query: Record<string, unknown> = {}) =>
  boss.ask({ type: 'AUDIT', admin_key: adminKey, ...query }, 'AUDIT')
/** The requests that an admin's right is needed for, whatever they are about. */
const adminRequests = (Object.keys(requests) as RequestType[]).filter(type =>
  type.startsWith('ADMIN_') || ['AUDIT', 'SET_RETENTION'].includes(type)
)

/** A relay, and the lines of its log. */
const logged = async (overrides: Parameters<typeof startTestRelay>[0] = {}) => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: line => void lines.push(JSON.parse(line) as Record<string, unknown>) })
  return { relay: await startTestRelay({ adminKey, ...overrides }, { log }), lines }
}

describe('the audit', () => {
  test('says who, what, of whom, from where and when, in the words of the request, and never the key', async () => {
    const { relay, lines } = await logged()
    await using _ = relay
    const [admin, key] = [newKey(), newKey()]
    await using eve = await relay.login('eve', { key })
    await using boss = await relay.login('boss', { key: admin })
    await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: key.id.slice(1), reason: 'spam' }, 'ADMIN_RESULT')
    await eve.closed()
    const { entries } = await auditOf(boss)
    expect(entries).toEqual([{
      n: 1,
      at: expect.any(Number) as number,
      by: admin.id,
      address: '127.0.0.1',
      action: 'ADMIN_BAN',
      of: key.id,
      detail: { agent_id: key.id.slice(1), reason: 'spam' },
    }])
    expect(Math.abs(entries[0]!.at - relay.clock.now())).toBeLessThan(60_000)
    expect(lines.find(line => line['msg'] === 'an admin acted')).toMatchObject({
      by: admin.id,
      action: 'ADMIN_BAN',
      target: key.id,
      address: '127.0.0.1',
    })
    expect(JSON.stringify([entries, lines])).not.toContain(adminKey)
  })

  test('holds every request that needs an admin, reads too; what was refused is no action', async () => {
    await using relay = await startTestRelay({ adminKey, links: 'listed' })
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    await using boss = await relay.login('boss')
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x' })
    await bob.do('ACCEPT', { proposal_id })
    await ann.do('DISPUTE', { proposal_id, reason: 'y' })
    const about: Partial<Record<RequestType, object>> = {
      ADMIN_BAN: { agent_id: '@0123456789abcdef', address: '203.0.113.7' },
      ADMIN_UNBAN: { agent_id: '@0123456789abcdef' },
      ADMIN_APPROVE: { pubkey: bob.key.pem },
      ADMIN_REVOKE: { agent_id: bob.id },
      ADMIN_VERIFY: { agent_id: bob.id },
      ADMIN_CREDIT: { agent_id: bob.id },
      ADMIN_RULING: { proposal_id, capture_minor: 0 },
      ADMIN_KICK: { agent_id: bob.id },
      SET_RETENTION: { channel: '#general' },
      ADMIN_LINK: { trust: 'off' },
    }
    const errand = await relay.store.write(async tx => {
      await addErrand(tx, { kind: 'test', owner: ann.id, ref: 'x', due_at: 0 }, 0, { perOwner: 1, all: 1 })
      return (await errandAbout(tx, 'test', 'x'))!.n
    })
    for (const type of ['ADMIN_ERRAND', 'ADMIN_ERRAND_RETRY', 'ADMIN_ERRAND_DROP'] as const) about[type] = { errand }
    const ask = (type: RequestType, more: object = {}) =>
      boss.answer({ type, ...requestDocs[type].example, ...about[type], ...more, admin_key: adminKey })
    const { announcements } = await boss.ask({ type: 'ADMIN_ANNOUNCE', title: 'news', admin_key: adminKey }, 'ANNOUNCEMENTS')
    about.ADMIN_ANNOUNCE_WITHDRAW = { announcement_id: announcements[0]!.announcement_id }
    const order = [...adminRequests].sort((a, b) =>
      Number(a === 'ADMIN_KICK') - Number(b === 'ADMIN_KICK') || Number(a === 'ADMIN_MOTD') - Number(b === 'ADMIN_MOTD')
    )
    const done: string[] = ['ADMIN_ANNOUNCE']
    for (const type of order) {
      const before = (await auditOf(boss, { limit: 1 })).entries[0]!.n
      const answer = await ask(type, type === 'ADMIN_MOTD' ? { kick: false } : {})
      if (answer.type !== 'ERROR') done.push(type)
      // The look at the audit is in it too.
      const noted = (await auditOf(boss)).entries.filter(({ n, action }) => n > before + 1 && (action !== 'AUDIT' || type === 'AUDIT'))
      expect([type, noted.length > 0]).toEqual([type, answer.type !== 'ERROR'])
    }
    expect(adminRequests.filter(type => !done.includes(type))).toEqual(['ADMIN_ANNOUNCE_ANSWER'])
    await boss.ask({ type: 'STATEMENT', agent: ann.id, admin_key: adminKey }, 'STATEMENT')
    await boss.ask({ type: 'ERASE', agent: ann.id, admin_key: adminKey }, 'ERASED')
    // Whom it is about is found, also before anything else.
    expect((await auditOf(boss, { of: ann.id })).entries.map(({ action }) => action)).toEqual(['ERASE', 'STATEMENT'])
    expect((await auditOf(boss, { of: proposal_id })).entries.map(({ action }) => action)).toEqual(['ADMIN_RULING'])
    expect(JSON.stringify(await auditOf(boss))).not.toContain(adminKey)
  })

  test('holds what an admin reads of deals and cases that are not its own', async () => {
    const admin = newKey()
    await using relay = await startTestRelay({ adminKey, adminAgents: [admin.id] })
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    await using boss = await newTrader(relay, 'boss', {}, admin)
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x' })
    const own = await boss.do('PROPOSAL', { to: bob.id, task: 'y' })
    await boss.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id }, 'PROPOSAL_EVENTS')
    await boss.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id: own.proposal_id }, 'PROPOSAL_EVENTS')
    const { entries } = await boss.wire.ask({ type: 'AUDIT' }, 'AUDIT')
    expect(entries).toMatchObject([{ by: admin.id, action: 'PROPOSAL_EVENTS', of: proposal_id }])
  })

  test('is bounded, goes page by page, is for admins only, and outlives erasure, restarts, a backup and its restoring', async () => {
    using folder = newFolder()
    const key = newKey()
    const settings = { adminKey, auditCount: 5 }
    const numbers = async (boss: Wire) => {
      const found: number[] = []
      for (let before: number | undefined;;) {
        const { entries, more } = await auditOf(boss, { limit: 2, ...(before !== undefined && { before }) })
        found.push(...entries.filter(({ action }) => action !== 'AUDIT').map(({ n }) => n))
        if (!more) return found
        before = entries.at(-1)!.n
      }
    }
    {
      await using relay = await startTestRelay({ ...settings, data: folder.at('data') })
      await using boss = await relay.login('boss', { key })
      expect(await boss.refusal({ type: 'AUDIT' })).toMatchObject({ code: 'INVALID_MSG', message: 'admin_key: missing' })
      for (let i = 0; i < 9; i++) await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: `@eve${i}` }, 'ADMIN_RESULT')
      await boss.ask({ type: 'ERASE' }, 'ERASED')
      const keeper = await openKeeper()
      await keeper.backup({ data: folder.at('data'), target: folder.at('copy.db') })
      expect((await numbers(boss)).slice(0, 4)).toEqual([9, 8, 7, 6])
    }
    const keeper = await openKeeper()
    await keeper.restore({ file: folder.at('copy.db'), data: folder.at('again'), force: false, newEpoch: 'a new life', now: 1 })
    for (const data of [folder.at('data'), folder.at('again')]) {
      await using relay = await startTestRelay({ ...settings, data })
      await using boss = await relay.connect()
      const { entries } = await auditOf(boss)
      expect(entries.length).toBeGreaterThan(0)
      expect(entries.length).toBeLessThanOrEqual(5)
      if (data === folder.at('again'))
        expect(entries).toMatchObject([9, 8, 7, 6, 5].map(n => ({ n, action: 'ADMIN_BAN', of: `@eve${n - 1}` })))
    }
  })

  test('an entry is as long as a line, whatever was sent', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using boss = await relay.connect()
    await boss.ask({ type: 'ADMIN_MOTD', admin_key: adminKey, motd: 'x'.repeat(2_000) }, 'ADMIN_RESULT')
    const { entries: [entry] } = await auditOf(boss)
    expect(entry).toMatchObject({ action: 'ADMIN_MOTD', detail: { motd: `${'x'.repeat(200)}…` } })
    expect(frames.AUDIT.body.safeParse({ ts: 1, entries: [entry], more: false }).success).toBe(true)
  })
})

describe('a wrong admin key', () => {
  const guess = (wire: Wire, key = 'not the admin key') => wire.refusal({ type: 'ADMIN_LIST', admin_key: key })

  test('makes its address wait, longer each time; others and admin agents do not; a line of the log and a number tell of it', async () => {
    const admin = newKey()
    const { relay, lines } = await logged({ adminAgents: [admin.id], trustedProxies: ['127.0.0.1'] })
    await using _ = relay
    await using eve = await relay.connect()
    await using boss = await relay.login('boss', { key: admin })
    for (let i = 0; i < 3; i++) expect((await guess(eve)).code).toBe('AUTH_REQUIRED')
    const first = await guess(eve)
    expect(first).toMatchObject({ code: 'RATE_LIMITED', message: expect.stringContaining('try again in 1 s') as string })
    expect(first.retry_after_ms).toBeGreaterThan(0)
    // The right one is not looked at either: a wait that a guess could end would tell of it.
    expect((await guess(eve, adminKey)).code).toBe('RATE_LIMITED')
    relay.clock.advance(1_000)
    expect((await guess(eve)).code).toBe('AUTH_REQUIRED')
    expect((await guess(eve)).retry_after_ms).toBeGreaterThan(1_000)
    await boss.ask({ type: 'ADMIN_LIST' }, 'ADMIN_RESULT')
    relay.clock.advance(2_000)
    await eve.ask({ type: 'ADMIN_LIST', admin_key: adminKey }, 'ADMIN_RESULT')
    expect((await guess(eve)).code).toBe('AUTH_REQUIRED')
    const told = lines.filter(line => line['msg'] === 'a wrong admin key')
    expect(told).toHaveLength(5)
    expect(told[0]).toMatchObject({ address: '127.0.0.1', request: 'ADMIN_LIST' })
    expect(JSON.stringify(lines)).not.toContain('not the admin key')
    expect(await relay.metric('agentchat_wrong_admin_keys_total')).toBe(5)
    // A request that does not need the right, but names a key, is no way around it.
    expect(await eve.refusal({ type: 'PROPOSAL_EVENTS', proposal_id: 'prop_1', admin_key: 'another guess' })).toMatchObject({
      code: 'AUTH_REQUIRED',
    })
  })

  test('the wait doubles up to a quarter of an hour, and what is remembered is bounded and forgotten', () => {
    const guesses = new Guesses()
    let now = 0
    const waits: number[] = []
    for (let i = 0; i < 16; i++) {
      guesses.wrong('eve', now)
      waits.push(guesses.waitMs('eve', now))
      now += guesses.waitMs('eve', now)
    }
    expect(waits.slice(0, 6)).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000])
    expect(waits.at(-1)).toBe(15 * 60_000)
    expect(guesses.waitMs('ann', now)).toBe(0)
    for (let i = 0; i < 20_000; i++) guesses.wrong(`address ${i}`, now)
    expect(guesses.size).toBe(10_000)
    guesses.sweep(now + 60 * 60_000)
    expect(guesses.size).toBe(0)
  })
})

describe('a ban by address', () => {
  const from = (relay: TestRelay, address: string) => relay.connect(undefined, { 'x-forwarded-for': address })

  test('ends every session from there, of other agents too, and nobody comes in from there, by any way, until it is lifted', async () => {
    using folder = newFolder()
    const settings = { adminKey, trustedProxies: ['127.0.0.1'], data: folder.at('data') }
    {
      await using relay = await startTestRelay(settings)
      await using boss = await relay.connect()
      const wires: Wire[] = []
      for (const address of ['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:3::1', '198.51.100.7']) {
        const wire = await from(relay, address)
        wire.send({ type: 'IDENTIFY', name: 'eve', autojoin: false })
        wire.id = (await wire.next('WELCOME')).agent_id
        wires.push(wire)
      }
      const [eve, mallory, neighbour, stranger] = wires as [Wire, Wire, Wire, Wire]
      const answer = await boss.ask({ type: 'ADMIN_BAN', admin_key: adminKey, agent_id: eve.id, address: true, reason: 'swarm' },
        'ADMIN_RESULT')
      expect(answer).toMatchObject({ agentId: eve.id, addresses: ['2001:db8:1:2::/64'] })
      for (const wire of [eve, mallory]) {
        expect(await wire.next('BANNED')).toMatchObject({ reason: 'swarm' })
        expect((await wire.closed()).code).toBe(4502)
      }
      for (const wire of [neighbour, stranger]) await wire.barrier()
      const again = await from(relay, '[2001:db8:1:2:3::9]:4000')
      expect((await again.closed()).code).toBe(4502)
      expect(again.unread.map(frame => frame.type)).toEqual(['BANNED'])
      const page = (address: string) => fetch(`${relay.httpUrl}/.well-known/agentchat.json`, { headers: { 'x-forwarded-for': address } })
      expect([(await page('2001:db8:1:2::1')).status, (await page('198.51.100.7')).status]).toEqual([403, 200])
      for (const wire of wires) await wire.close()
    }
    await using relay = await startTestRelay(settings)
    await using boss = await relay.connect()
    expect((await (await from(relay, '2001:db8:1:2::1')).closed()).code).toBe(4502)
    await boss.ask({ type: 'ADMIN_UNBAN', admin_key: adminKey, address: '2001:db8:1:2::77' }, 'ADMIN_RESULT')
    await using back = await from(relay, '2001:db8:1:2::1')
    await back.barrier()
  })

  test.each([
    [{ address: true }, 'agent_id'],
    [{}, 'Name an agent_id'],
    [{ address: 'localhost' }, 'not an IP address'],
    [{ address: '2001:db8::/999' }, undefined],
    [{ address: '127.0.0.1' }, 'your own'],
  ])('%j is told what is missing', async (fields, message) => {
    await using relay = await startTestRelay({ adminKey })
    await using boss = await relay.connect()
    const answer = await boss.answer({ type: 'ADMIN_BAN', admin_key: adminKey, ...fields })
    if (message === undefined) expect(answer).toMatchObject({ addresses: ['2001:db8::/64'] })
    else expect(answer).toMatchObject({ type: 'ERROR', code: 'INVALID_MSG', message: expect.stringContaining(message) as string })
  })
})
