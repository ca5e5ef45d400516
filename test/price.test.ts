// What requests cost, by the protocol table: messages by their size, everything else in frames of work.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { prices, requestDocs, requests, sizePrice, type RequestType } from '../lib/protocol/index.ts'
import { priceBefore } from '../src/relay/price.ts'
import type { Agent, RosterView } from '../src/relay/view.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

const kib = 1024
const message = (bytes: number) => ({ type: 'MSG', to: '#general', content: 'x'.repeat(bytes) })

describe('the table', () => {
  test('every request has a price; those that cost a message can be refused for it, and nothing else can', () => {
    for (const [type, { cost, body }] of Object.entries(requests)) {
      const { errors } = requestDocs[type as RequestType]
      expect(cost.frames, type).toBeGreaterThanOrEqual(1)
      if (cost.each !== undefined) expect(body.shape, type).toHaveProperty(cost.each)
      if (cost.audience === 'channel' || cost.audience === 'members') expect(body.shape, type).toHaveProperty('channel')
      if (cost.audience === 'here') expect(body.shape, type).toHaveProperty('content')
      if (cost.audience === 'target' || cost.audience === 'here') expect(body.shape, type).toHaveProperty('to')
      if (cost.message === true || cost.piece === true) expect(errors, type).toContain('RATE_LIMITED')
    }
  })

  test('4 KiB of content cost one message, each further 8 KiB one more', () => {
    const bytes = (content: number) => sizePrice(JSON.stringify({ ...message(content), id: 'a-message-id' }).length)
    expect([0, 300, 4 * kib].map(bytes)).toEqual([0, 0, 0])
    expect([6 * kib, 64 * kib, 2 * kib * kib - 100].map(bytes)).toEqual([1, 8, 256])
    expect(prices.bytesPerUnit).toBe(8 * kib)
  })
})

describe('messages', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('a larger one costs more of the same allowance, and the refusal tells the whole wait', async () => {
    await using relay = await startTestRelay({ msgRate: 1 })
    await using ann = await relay.login('ann')
    await ann.ask(message(64 * kib), 'ACK')
    await ann.ask(message(10), 'ACK')
    expect(await ann.refusal(message(10))).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
    const refused = await ann.refusal(message(64 * kib))
    expect(refused).toMatchObject({ retry_after_ms: 9_000, message: expect.stringContaining('as much as 9') as string })
    relay.clock.advance(9_000)
    await ann.ask(message(64 * kib), 'ACK')
  })

  test('one that costs more than the whole burst is taken when the allowance is full, and leaves a debt', async () => {
    await using relay = await startTestRelay({ msgRate: 1, maxContentBytes: 2 * kib * kib })
    await using ann = await relay.login('ann')
    await ann.ask(message(10), 'ACK')
    const large = message(2 * kib * kib - 200)
    expect(await ann.refusal(large)).toMatchObject({ code: 'RATE_LIMITED', retry_after_ms: 1_000 })
    relay.clock.advance(1_000)
    expect(await ann.ask(large, 'ACK')).toMatchObject({ seq: 2 })
    // 257 of 10 were taken.
    expect(await ann.refusal(message(10))).toMatchObject({ retry_after_ms: 248_000 })
    relay.clock.advance(248_000)
    await ann.ask(message(10), 'ACK')
  })

  test('whoever is behind an address, it hands on no more than its allowance of bytes', async () => {
    await using relay = await startTestRelay({ msgRate: 1, maxContentBytes: 2 * kib * kib })
    let taken = 0
    for (let i = 0; i < 6; i++) {
      await using agent = await relay.login(`agent${i}`)
      if ((await agent.answer(message(2 * kib * kib - 200))).type === 'ACK') taken++
    }
    // 500 at once, 257 each.
    expect(taken).toBe(1)
  })

  test('a content over maxContentBytes is refused, in bytes and not in characters', async () => {
    await using relay = await startTestRelay({ maxContentBytes: 1_024 })
    await using ann = await relay.login('ann')
    for (const content of ['x'.repeat(1_024), 'ü'.repeat(512), '😀'.repeat(256)]) await ann.ask({ type: 'MSG', to: ann.id, content }, 'ACK')
    for (const content of ['x'.repeat(1_025), 'ü'.repeat(513), '😀'.repeat(257)]) {
      for (const type of ['MSG', 'FILE_CHUNK']) {
        expect(await ann.refusal({ type, to: ann.id, content }))
          .toMatchObject({ code: 'INVALID_MSG', message: expect.stringContaining('maxContentBytes') as string })
      }
    }
  })
})

describe('work', () => {
  const watch = { type: 'WATCH', agents: Array.from({ length: 200 }, (_, i) => `@${i.toString(16).padStart(16, '0')}`) }

  test('sessions of one agent share its allowance: a debt of one has the others read later, and other agents are not', async () => {
    await using relay = await startTestRelay({ msgRate: 1, frameRate: 1, frameBurst: 50, addressFrameRate: 0 })
    const key = newKey()
    await using desk = await relay.login('ann', { key, session: 'desk' })
    await using phone = await relay.login('ann', { key, session: 'phone' })
    await using bob = await relay.login('bob')
    for (let i = 0; i < 3; i++) desk.send(watch)
    await desk.take('WATCHING', 3)
    phone.send({ type: 'PING' })
    await phone.next('PONG')
    phone.send({ type: 'PING' })
    for (let i = 0; i < 40; i++) await bob.barrier()
    expect(phone.unread).toEqual([])
  })

  test('agents of one address share its allowance', async () => {
    await using relay = await startTestRelay({ msgRate: 1, frameRate: 0, addressFrameRate: 1, addressFrameBurst: 165 })
    await using ann = await relay.login('ann')
    await using bob = await relay.login('bob')
    for (let i = 0; i < 5; i++) ann.send(watch)
    await ann.take('WATCHING', 5)
    bob.send({ type: 'PING' })
    await bob.next('PONG')
    bob.send({ type: 'PING' })
    for (let i = 0; i < 1_000; i++) await new Promise(resolve => setImmediate(resolve))
    expect(bob.unread).toEqual([])
  })
})

describe('catching up', () => {
  test('of JOINs of one channel the newest is caught up for, and no page is read for the others', async () => {
    // All of them in one turn, however slow the machine is.
    await using relay = await startTestRelay({}, { elapsed: () => 0 })
    await using ann = await relay.login('ann')
    for (let i = 0; i < 20; i++) await ann.ask({ type: 'MSG', to: '#general', content: `${i}` }, 'ACK')
    await ann.clear()
    const pages = vi.spyOn(relay.store.read.log, 'page')
    ann.send(...Array.from({ length: 100 }, (_, i) => ({ type: 'JOIN', channel: '#general', since: 0, limit: i % 20 })))
    ann.send({ type: 'JOIN', channel: '#general', since: 0 })
    await ann.take('JOINED', 101)
    await ann.ask({ type: 'MSG', to: '#general', content: 'live' }, 'ACK')
    let heard = await ann.next('MSG')
    const seqs = [heard.seq]
    while (heard.content !== 'live') seqs.push((heard = await ann.next('MSG')).seq)
    // Whole for the last one; of the others a few had their turn.
    expect(seqs.slice(-21)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1))
    expect(pages.mock.calls.length).toBeLessThan(20)
    vi.restoreAllMocks()
  })

  test('however many catch up, a turn reads one full page', async () => {
    await using relay = await startTestRelay()
    await using ann = await relay.login('ann')
    for (let i = 0; i < 10; i++) await ann.ask({ type: 'MSG', to: '#general', content: 'x'.repeat(100_000) }, 'ACK')
    const wires = await Promise.all(Array.from({ length: 10 }, (_, i) => relay.login(`agent${i}`)))
    let turn = 0
    let isOver = false
    const next = () => {
      turn++
      if (!isOver) setImmediate(next)
    }
    const readIn: number[] = []
    const { log } = relay.store.read
    const page = log.page.bind(log)
    vi.spyOn(log, 'page').mockImplementation((...query) => {
      readIn.push(turn)
      return page(...query)
    })
    next()
    for (const wire of wires) wire.send({ type: 'JOIN', channel: '#general', since: 0 })
    for (const wire of wires) await wire.take('MSG', 10)
    isOver = true
    vi.restoreAllMocks()
    expect(readIn.length).toBeGreaterThanOrEqual(40)
    // Two that fall together are the end of one page that was not full, and the next.
    const perTurn = new Map<number, number>()
    for (const at of readIn) perTurn.set(at, (perTurn.get(at) ?? 0) + 1)
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(2)
  })
})

test('whom a message calls it pays for: all members by @here, and the members of the groups that it names', () => {
  const agents = new Map(Array.from({ length: 100 }, (_, i) => [{ id: `@a${i}` }, 1]))
  const me = { id: '@me' } as Agent
  const groups = [{ name: 'ops', members: 40 }, { name: 'on-call', members: 20 }]
  const frames = (content: string, of: readonly object[] | null = groups, isMember = true) => {
    const roster = { channel: () => ({ agents, info: { groups: of } }), isMember: () => isMember } as unknown as RosterView
    return priceBefore(requests.MSG.cost, { to: '#general', content }, 0, me, { roster, announceMaxMembers: 10 })
  }
  expect(frames('hello')).toBe(1)
  expect(frames('@ops')).toBe(1 + 40 / prices.listenersPerFrame)
  expect(frames('@ops and @on-call and @ops')).toBe(1 + 60 / prices.listenersPerFrame)
  expect(frames('@here and @on-call')).toBe(1 + 120 / prices.listenersPerFrame)
  // What it does not mention is not in the price.
  expect(frames('@opsx, @on-call-2, @hereabouts, ops@ops.example')).toBe(1)
  expect([frames('@ops', null), frames('@ops', groups, false)]).toEqual([1, 1])
})
