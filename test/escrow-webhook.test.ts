// Money at a payment processor: asked over HTTP, signed both ways, the same key until it has answered, and never paid or given back twice.
import { expect, test as oneByOne, vi } from 'vitest'
import { newFolder } from './kit/folder.ts'
import { TestProcessor, secret } from './kit/processor.ts'
import { newTrader, type Trader } from './kit/trade.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

/** A sweep comes once a second, so they wait side by side. */
const test = oneByOne.concurrent

const start = async (processor: TestProcessor, data = ':memory:'): Promise<TestRelay> => {
  const relay = await startTestRelay({
    data,
    escrowWebhook: await processor.start(),
    escrowSecret: secret,
    outboundAllow: ['127.0.0.1'],
    pingTimeoutMs: 1e12,
  }, { pace: { sweepMs: 50 } })
  processor.now = () => relay.clock.now()
  return relay
}

const agreed = async (relay: TestRelay, more: object = {}) => {
  const ann = await newTrader(relay, 'ann')
  const bob = await newTrader(relay, 'bob')
  const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x', amount: 10, currency: 'USD', rail: 'webhook', ...more })
  await bob.do('ACCEPT', { proposal_id })
  return { ann, bob, proposal_id }
}

/** Lets the time of the next retries come, until something holds. */
const until = (relay: TestRelay, holds: () => void): Promise<void> =>
  vi.waitFor(() => {
    relay.clock.advance(600_000)
    holds()
  }, { timeout: 25_000, interval: 250 })
const stateOf = async (who: Trader, proposal_id: string) =>
  (await who.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id }, 'PROPOSAL_EVENTS')).proposal

test('held, paid in parts, and the rest given back: each by a signed call of its own, in their order', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  const { ann, bob, proposal_id } = await agreed(relay, { milestones: [{ title: 'a', amount: 4 }, { title: 'b', amount: 6 }] })
  expect(await ann.do('FUND', { proposal_id })).toMatchObject({ status: 'accepted', funding: 'pending', held_minor: 0 })
  expect(await ann.refused('FUND', { proposal_id })).toBe('FUNDING_PENDING')
  expect(await bob.wire.next('FUND')).toMatchObject({ status: 'funded', amount_minor: 1_000, rail: 'webhook', by: ann.id })
  await bob.do('SUBMIT', { proposal_id, text: 'x' })
  await ann.do('RELEASE', { proposal_id })
  expect(await bob.do('CANCEL', { proposal_id })).toMatchObject({ status: 'cancelled', captured_minor: 400, returned_minor: 600 })
  await vi.waitFor(() => expect(processor.done.size).toBe(3), { timeout: 25_000 })
  expect(processor.calls.map(({ op, amount_minor, client, provider, isSigned }) => [op, amount_minor, client, provider, isSigned]))
    .toEqual([['fund', 1_000, ann.id, bob.id, true], ['capture', 400, ann.id, bob.id, true], ['refund', 600, ann.id, bob.id, true]])
  expect(processor.held).toBe(0)
})

test('the processor is told how many minor units make one', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  for (const [amount, currency] of [[10, 'USD'], [10_000, 'VND'], [1.005, 'kwd'], [0.5, 'BTC']] as const) {
    const { ann, bob, proposal_id } = await agreed(relay, { amount, currency })
    await ann.do('FUND', { proposal_id })
    await bob.wire.next('FUND')
  }
  expect(processor.calls.map(({ currency, amount_minor, exponent }) => [currency, amount_minor, exponent])).toEqual([
    ['USD', 1_000, 2],
    ['VND', 10_000, 0],
    ['KWD', 1_005, 3],
    ['BTC', 50_000_000, 8],
  ])
})

test('an answer that is lost, unsigned or never comes: the same key again, and nothing is done twice', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  const { ann, bob, proposal_id } = await agreed(relay)
  const ways = { fund: ['silent', 'unsigned', 'absent'], capture: ['absent', 'silent', 'unsigned'] } as Record<
    string,
    ('silent' | 'unsigned' | 'absent')[]
  >
  processor.policy = ({ op }) => ways[op]?.shift() ?? 'done'
  await ann.do('FUND', { proposal_id })
  await until(relay, () => expect(bob.wire.unread.some(frame => frame.type === 'FUND')).toBe(true))
  await ann.do('COMPLETE', { proposal_id })
  await until(relay, () => expect(processor.keys('capture').length).toBeGreaterThanOrEqual(4))
  expect(new Set(processor.keys('fund')).size).toBe(1)
  expect(new Set(processor.keys('capture')).size).toBe(1)
  expect([...processor.done.values()].map(call => [call.op, call.amount_minor])).toEqual([['fund', 1_000], ['capture', 1_000]])
  expect(processor.held).toBe(0)
})

test('a refused hold leaves the deal as it was, and can be tried again; what came of it is taken back', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  const { ann, bob, proposal_id } = await agreed(relay)
  processor.policy = ({ op }) => op === 'fund' ? 'refused' : 'done'
  await ann.do('FUND', { proposal_id })
  expect(await bob.wire.next('FUND_REFUSED')).toMatchObject({ status: 'accepted', reason: 'card declined', by: '@server' })
  processor.policy = () => 'done'
  await ann.do('FUND', { proposal_id })
  await until(relay, () => expect(bob.wire.unread.some(frame => frame.type === 'FUND')).toBe(true))
  expect(new Set(processor.keys('fund')).size).toBe(2)
  await vi.waitFor(() => expect(new Set(processor.keys('void'))).toEqual(new Set([`${processor.keys('fund')[0]!} undo`])), {
    timeout: 25_000,
  })
  expect(processor.held).toBe(1_000)
})

test('a hold that comes when the deal is over is given back', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  const { ann, bob, proposal_id } = await agreed(relay)
  processor.policy = () => 'silent'
  await ann.do('FUND', { proposal_id })
  await vi.waitFor(() => expect(processor.held).toBe(1_000), { timeout: 25_000 })
  await bob.do('COMPLETE', { proposal_id })
  processor.policy = () => 'done'
  await until(relay, () => expect(processor.held).toBe(0))
  expect([...processor.done.values()].map(call => call.op)).toEqual(['fund', 'void'])
  expect(await stateOf(ann, proposal_id)).toMatchObject({ status: 'completed', captured_minor: 0, held_minor: 0 })
})

test('a processor that never answers: the hold is given up, and undone when it is back', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  const { ann, bob, proposal_id } = await agreed(relay)
  processor.policy = ({ op }) => op === 'fund' ? 'silent' : 'done'
  await ann.do('FUND', { proposal_id })
  await until(relay, () => expect(bob.wire.unread.some(frame => frame.type === 'FUND_REFUSED')).toBe(true))
  await until(relay, () => expect(processor.held).toBe(0))
  expect(await stateOf(ann, proposal_id)).toMatchObject({ status: 'accepted', held_minor: 0 })
  expect(processor.keys('fund')).toHaveLength(10)
})

test('a processor that refuses to pay what it holds is asked until it does', async () => {
  await using processor = new TestProcessor()
  await using relay = await start(processor)
  const { ann, proposal_id } = await agreed(relay)
  let refusals = 3
  processor.policy = ({ op }) => op === 'capture' && refusals-- > 0 ? 'refused' : 'done'
  await ann.do('FUND', { proposal_id })
  await ann.wire.next('FUND')
  await ann.do('COMPLETE', { proposal_id })
  await until(relay, () => expect(processor.held).toBe(0))
  expect(processor.keys('capture')).toHaveLength(4)
  expect(new Set(processor.keys('capture')).size).toBe(1)
})

test('what was not answered before a restart is asked again after it', async () => {
  using folder = newFolder()
  await using before = new TestProcessor()
  await (async () => {
    await using relay = await start(before, folder.at('data'))
    const { ann, proposal_id } = await agreed(relay)
    await ann.do('FUND', { proposal_id })
    await ann.wire.next('FUND')
    before.policy = () => 'silent'
    await ann.do('COMPLETE', { proposal_id })
    await vi.waitFor(() => expect(before.keys('capture').length).toBeGreaterThan(0), { timeout: 25_000 })
  })()
  await using after = new TestProcessor()
  await using relay = await start(after, folder.at('data'))
  await until(relay, () => expect(after.keys('capture').length).toBeGreaterThan(0))
  expect(after.keys('capture')[0]).toBe(before.keys('capture')[0])
  expect(after.keys('fund')).toEqual([])
})

test('without a processor no deal is made that one would have to hold', async () => {
  await using relay = await startTestRelay()
  const { ann, proposal_id } = await agreed(relay)
  expect(await ann.refused('FUND', { proposal_id })).toBe('NO_RAIL')
})
