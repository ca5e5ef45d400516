// Deals on the wire: offers, steps, money and deadlines, from end to end of a relay.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkTradeEvent } from '../lib/identity/index.ts'
import type { EscrowEvent } from '../src/app.ts'
import { issuer } from '../src/domain/ledger/ledger.ts'
import { placeOf } from './kit/engine.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { adminKey, newTrader, type Trader } from './kit/trade.ts'
import { newKey } from './kit/wire.ts'

const dayMs = 24 * 60 * 60_000
const started = (parts: Parameters<typeof startTestRelay>[1] = {}) =>
  startTestRelay({ adminKey, pingTimeoutMs: 1e12, minDeadlineMs: 1_000 }, parts)

/** A client with 100 USD, a provider, and a deal between them that is accepted. */
const agreed = async (relay: TestRelay, fields: Readonly<Record<string, unknown>> = {}) => {
  const ann = await newTrader(relay, 'ann', { USD: 10_000 })
  const bob = await newTrader(relay, 'bob')
  const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'write it', amount: 12.5, currency: 'USD', ...fields })
  await bob.do('ACCEPT', { proposal_id })
  return {
    ann,
    bob,
    proposal_id,
    async [Symbol.asyncDispose]() {
      await ann[Symbol.asyncDispose]()
      await bob[Symbol.asyncDispose]()
    },
  }
}

/** Lets the sweep see that time has passed. */
const pass = async (relay: TestRelay, ms: number, heard: Promise<unknown>): Promise<void> => {
  relay.clock.advance(ms)
  await heard
}

/** The whole ledger, added up. */
const ledgerSum = async (relay: TestRelay): Promise<number> => {
  interface Tables {
    accounts: { account: string, currency: string, balance: number }
  }
  const rows = await relay.store.read.tables<Tables>().selectFrom('accounts').selectAll().execute()
  expect(rows.filter(row => row.account !== issuer && row.currency !== 'ELO' && row.balance < 0)).toEqual([])
  return rows.reduce((sum, row) => sum + row.balance, 0)
}

describe('#bounties', () => {
  test.each([[true, true], [true, false], [false, true], [false, false]])(
    'hears of a deal whose proposer agrees to that: %s, and whoever accepts: %s',
    async (proposer, acceptor) => {
      await using relay = await started()
      await using ann = await newTrader(relay, 'ann')
      await using bob = await newTrader(relay, 'bob')
      await using carol = await relay.login('carol')
      const said = (isPublic: boolean) => isPublic ? { public: true } : {}
      const { proposal_id: first } = await ann.do('PROPOSAL', { to: bob.id, task: 'a secret', public: true })
      // A revised offer is another one: whoever makes it says anew what may be told.
      const offer = await bob.do('COUNTER', { proposal_id: first, to: ann.id, task: 'a secret', ...said(proposer) })
      expect(offer.public).toBe(proposer ? true : undefined)
      await ann.do('ACCEPT', { proposal_id: offer.proposal_id, ...said(acceptor) })
      await carol.barrier()
      expect(carol.heard.flatMap(frame => frame.type === 'MSG' ? [frame.content] : [])).toEqual(
        proposer && acceptor ? [`[CLAIMED] Proposal ${offer.proposal_id} by ${ann.id}, offered by ${bob.id}`] : [],
      )
      // What was agreed to be told is under both signatures.
      const { events } = await ann.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id: offer.proposal_id }, 'PROPOSAL_EVENTS')
      for (const [event, { key }] of [[events[0]!, bob], [events[1]!, ann]] as const) {
        const isSaid = event['public'] === true
        expect(checkTradeEvent(event, key.pem)).toBe('valid')
        expect(checkTradeEvent({ ...event, public: isSaid ? undefined : true }, key.pem)).toBe('invalid')
      }
    },
  )

  test('hears of nothing that is not signed: the older text does not cover the wish', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    const { code, message } = await ann.wire.refusal({ ...ann.signOld('PROPOSAL', { to: bob.id, task: 'x' }), public: true })
    expect([code, message]).toEqual(['VERIFICATION_FAILED', 'sig_v: 2 or 3 is needed to sign public'])
  })
})

describe('a funded deal', () => {
  test('from offer to payment: each step goes to both, the money to the provider, and every signature can be checked later', async () => {
    const hooks: EscrowEvent[] = []
    await using relay = await started({ onEscrow: event => hooks.push(event) })
    await using deal = await agreed(relay)
    const { ann, bob, proposal_id } = deal
    expect(await bob.wire.next('PROPOSAL')).toMatchObject({
      id: proposal_id,
      proposal_id,
      from: ann.id,
      to: bob.id,
      status: 'pending',
      sig_v: 2,
    })
    expect(await ann.wire.next('ACCEPT')).toMatchObject({ status: 'accepted', from: ann.id, to: bob.id, by: bob.id })
    expect(await ann.do('FUND', { proposal_id })).toMatchObject({ status: 'funded', held_minor: 1_250 })
    expect(await ann.balance()).toEqual([8_750, 1_250])
    const content = Buffer.from('the work')
    const files = [{
      name: 'work.txt',
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
      content: content.toString('base64'),
    }]
    expect(await bob.do('SUBMIT', { proposal_id, text: 'done', files })).toMatchObject({
      status: 'submitted',
      deliverable: { text: 'done' },
    })
    expect((await ann.wire.next('SUBMIT')).files).toEqual(files)
    expect(await ann.do('REVISE', { proposal_id, reason: 'shorter' })).toMatchObject({ status: 'funded' })
    await bob.do('SUBMIT', { proposal_id, text: 'shorter now' })
    expect(await bob.refused('COMPLETE', { proposal_id })).toBe('NOT_YOURS_TO_DO')
    expect(await ann.do('COMPLETE', { proposal_id, proof: 'thanks' })).toMatchObject({
      status: 'completed',
      held_minor: 0,
      captured_minor: 1_250,
    })
    expect([await ann.balance(), await bob.balance()]).toEqual([[8_750, 0], [1_250, 0]])
    expect(hooks.map(({ type, amountMinor }) => [type, amountMinor])).toEqual([['escrow:created', 0], ['escrow:funded', 1_250], [
      'escrow:captured',
      1_250,
    ]])
    expect(await ledgerSum(relay)).toBe(0)

    const { events, proposal, more } = await bob.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id }, 'PROPOSAL_EVENTS')
    expect([proposal.status, more]).toEqual(['completed', false])
    expect(events.map(event => event.type)).toEqual(['PROPOSAL', 'ACCEPT', 'FUND', 'SUBMIT', 'REVISE', 'SUBMIT', 'COMPLETE', 'RECEIPT'])
    const pem = (id: unknown) => id === ann.id ? ann.key.pem : bob.key.pem
    for (const event of events.slice(0, -1)) {
      expect(checkTradeEvent(event, pem(event['by'])), event.type).toBe('valid')
      for (
        const [field, value] of [
          ['proposal_id', 'prop_other'],
          ['task', 'more'],
          ['reason', 'x'],
          ['text', 'y'],
          ['proof', 'z'],
          ['by', bob.id === event['by'] ? ann.id : bob.id],
          ['relay', 'f'.repeat(64)],
          ['sig_ts', 1],
        ] as const
      ) {
        if (event[field] === undefined || (field === 'proposal_id' && event.type === 'PROPOSAL')) continue
        expect(checkTradeEvent({ ...event, [field]: value }, pem(event['by'])), `${event.type} ${field}`).toBe('invalid')
      }
    }
  })

  test('milestones are paid one by one; each has its own deadlines', async () => {
    await using relay = await started()
    await using deal = await agreed(relay, {
      milestones: [{ title: 'draft', amount: 2.5 }, { title: 'final', amount: 10 }],
      deliver_s: 3_600,
      review_s: 60,
    })
    const { ann, bob, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    await bob.do('SUBMIT', { proposal_id, text: 'draft' })
    expect(await ann.do('RELEASE', { proposal_id })).toMatchObject({
      status: 'funded',
      released: 1,
      held_minor: 1_000,
      captured_minor: 250,
    })
    expect(await bob.balance()).toEqual([250, 0])
    expect(await ann.refused('RELEASE', { proposal_id })).toBe('LAST_MILESTONE')
    await bob.do('SUBMIT', { proposal_id, text: 'final' })
    // Silence after the review deadline completes.
    await pass(relay, 61_000, bob.wire.next('LAPSED'))
    expect(await ann.wire.next('LAPSED')).toMatchObject({ status: 'completed', deadline: 'review', captured_minor: 1_000, by: '@server' })
    expect([await ann.balance(), await bob.balance()]).toEqual([[8_750, 0], [1_250, 0]])
  })

  test('a delivery that does not come brings the rest back; anyone may ask for it, nobody before', async () => {
    await using relay = await started()
    await using deal = await agreed(relay, {
      milestones: [{ title: 'draft', amount: 2.5 }, { title: 'final', amount: 10 }],
      deliver_s: 3_600,
    })
    const { ann, bob, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    await ann.do('RELEASE', { proposal_id })
    await using eve = await newTrader(relay, 'eve')
    expect(await eve.wire.refusal({ type: 'RECLAIM', proposal_id })).toMatchObject({
      code: 'INVALID_PROPOSAL',
      message: expect.stringContaining('NOT_DUE') as string,
    })
    relay.clock.advance(3_600_000)
    // Whoever is first, the sweep or the stranger: it happens once.
    eve.wire.send({ type: 'RECLAIM', proposal_id })
    expect(await ann.wire.next('LAPSED')).toMatchObject({ status: 'expired', deadline: 'delivery', returned_minor: 1_000 })
    expect(await bob.refused('SUBMIT', { proposal_id, text: 'late' })).toBe('WRONG_STATE')
    expect([await ann.balance(), await bob.balance()]).toEqual([[9_750, 0], [250, 0]])
    expect(await ledgerSum(relay)).toBe(0)
  })

  test('a dispute freezes; a ruling divides; only an arbiter who is no party rules', async () => {
    const hooks: EscrowEvent[] = []
    await using relay = await started({ onEscrow: event => hooks.push(event) })
    await using deal = await agreed(relay)
    const { ann, bob, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    await bob.do('SUBMIT', { proposal_id, text: 'done' })
    expect(await ann.do('DISPUTE', { proposal_id, reason: 'it is empty' })).toMatchObject({ status: 'disputed', held_minor: 1_250 })
    for (const action of ['SUBMIT', 'REVISE', 'DISPUTE'] as const)
      expect(await bob.refused(action, { proposal_id, text: 'x', reason: 'x' })).toBe('WRONG_STATE')
    const rule = { type: 'ADMIN_RULING', proposal_id, capture_minor: 500, winner: bob.id, reason: 'half of it is there' }
    expect(await bob.wire.refusal(rule)).toMatchObject({ code: 'INVALID_MSG' })
    // The holder of the key who is a party is still a party.
    expect(await ann.wire.refusal({ ...rule, admin_key: adminKey })).toMatchObject({
      message: expect.stringContaining('NOT_YOURS_TO_DO') as string,
    })
    await using judge = await newTrader(relay, 'judge')
    expect(await judge.wire.refusal({ ...rule, admin_key: adminKey, capture_minor: 1_251 })).toMatchObject({
      message: expect.stringContaining('BAD_RULING') as string,
    })
    const { proposal } = await judge.wire.ask({ ...rule, admin_key: adminKey }, 'PROPOSAL_STATE')
    expect(proposal).toMatchObject({ status: 'ruled', captured_minor: 500, returned_minor: 750 })
    expect(await ann.wire.next('RULING')).toMatchObject({ by: judge.id, captured_minor: 500, returned_minor: 750, winner: bob.id })
    expect([await ann.balance(), await bob.balance()]).toEqual([[9_500, 0], [500, 0]])
    expect(hooks.map(hook => hook.type).slice(2)).toEqual(['escrow:disputed', 'escrow:captured', 'escrow:refunded', 'escrow:ruled'])
  })

  test('a dispute that nobody decides ends by the clock; either party may give in before', async () => {
    await using relay = await started()
    await using deal = await agreed(relay)
    const { ann, bob, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    await bob.do('SUBMIT', { proposal_id, text: 'done' })
    await ann.do('DISPUTE', { proposal_id, reason: 'no' })
    await pass(relay, 30 * dayMs, bob.wire.next('LAPSED'))
    expect([await ann.balance(), await bob.balance()]).toEqual([[9_375, 0], [625, 0]])
    const { proposal_id: second } = await ann.do('PROPOSAL', { to: bob.id, task: 'again', amount: 1, currency: 'USD' })
    await bob.do('ACCEPT', { proposal_id: second })
    await ann.do('FUND', { proposal_id: second })
    await bob.do('DISPUTE', { proposal_id: second, reason: 'no' })
    expect(await bob.do('CANCEL', { proposal_id: second })).toMatchObject({ status: 'cancelled', returned_minor: 100 })
    expect(await ann.balance()).toEqual([9_375, 0])
  })

  test('what is not there is not held, and a deal is not paid twice', async () => {
    await using relay = await started()
    await using deal = await agreed(relay, { amount: 100.01 })
    const { ann, bob, proposal_id } = deal
    expect(await ann.refused('FUND', { proposal_id })).toBe('INSUFFICIENT_FUNDS')
    expect(await bob.refused('FUND', { proposal_id })).toBe('NOT_YOURS_TO_DO')
    expect(await ann.balance()).toEqual([10_000, 0])
  })
})

describe('an offer', () => {
  test('is found by an agent that was away, once it comes back', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    const away = await newTrader(relay, 'bob')
    await away.wire.close()
    const { proposal_id } = await ann.do('PROPOSAL', { to: away.id, task: 'write it' })
    await using bob = await newTrader(relay, 'bob', {}, away.key)
    expect(await bob.wire.next('PROPOSAL')).toMatchObject({ proposal_id, replay: true })
    await bob.wire.ask({ type: 'RECEIVED', seq: 1 }, 'OK')
  })

  test("expires by the relay's clock, with an event, and not before", async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    const offered = await ann.do('PROPOSAL', { to: bob.id, task: 'write it', expires: 60 })
    expect(offered.due).toBe(offered.created_at + 60_000)
    await pass(relay, 60_000, ann.wire.next('LAPSED'))
    expect(await bob.wire.next('LAPSED')).toMatchObject({ status: 'expired', deadline: 'offer' })
    expect(await bob.refused('ACCEPT', { proposal_id: offered.proposal_id })).toBe('PROPOSAL_NOT_PENDING')
  })

  test('is superseded by a counter, from either side, that keeps who pays; cancelled by its proposer alone', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann', { USD: 10_000 })
    await using bob = await newTrader(relay, 'bob')
    const first = await ann.do('PROPOSAL', { to: bob.id, task: 'write it', amount: 10, currency: 'USD' })
    const counter = (who: Trader, to: string, proposal_id: string, amount: number) =>
      who.do('COUNTER', { proposal_id, to, task: 'write it', amount, currency: 'USD' })
    const second = await counter(bob, ann.id, first.proposal_id, 20)
    expect(second).toMatchObject({
      from: bob.id,
      to: ann.id,
      client: ann.id,
      provider: bob.id,
      supersedes: first.proposal_id,
      status: 'pending',
    })
    expect(await ann.wire.next('COUNTER')).toMatchObject({
      proposal_id: first.proposal_id,
      status: 'countered',
      superseded_by: second.proposal_id,
    })
    const told = (await ann.wire.take('PROPOSAL', 2))[1]!
    expect(told).toMatchObject({ proposal_id: second.proposal_id, supersedes: first.proposal_id })
    expect(checkTradeEvent(told, bob.key.pem)).toBe('valid')
    expect(await bob.refused('ACCEPT', { proposal_id: first.proposal_id })).toBe('PROPOSAL_NOT_PENDING')
    expect(await ann.refused('CANCEL', { proposal_id: second.proposal_id })).toBe('NOT_YOURS_TO_DO')
    const third = await counter(bob, ann.id, second.proposal_id, 15)
    expect(await ann.do('ACCEPT', { proposal_id: third.proposal_id })).toMatchObject({ status: 'accepted' })
    expect(await ann.do('FUND', { proposal_id: third.proposal_id })).toMatchObject({ held_minor: 1_500 })
    const { proposals } = await ann.wire.ask({ type: 'PROPOSALS' }, 'PROPOSALS')
    expect(proposals.map(proposal => [proposal.status, proposal.superseded_by])).toEqual([['funded', null], [
      'countered',
      third.proposal_id,
    ], ['countered', second.proposal_id]])
  })

  test('nobody deals with himself; strangers see nothing', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    await using eve = await newTrader(relay, 'eve')
    expect(await ann.refused('PROPOSAL', { to: ann.id, task: 'x' })).toBe('SELF_DEAL')
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'secret' })
    for (const action of ['ACCEPT', 'REJECT', 'CANCEL', 'FUND', 'COMPLETE', 'DISPUTE', 'SUBMIT', 'RELEASE', 'REVISE'] as const) {
      expect(await eve.refused(action, { proposal_id, reason: 'x', text: 'x' }), action).toBe('PROPOSAL_NOT_FOUND')
    }
    expect(await eve.wire.refusal({ type: 'PROPOSAL_EVENTS', proposal_id })).toMatchObject({ code: 'PROPOSAL_NOT_FOUND' })
    expect((await eve.wire.ask({ type: 'PROPOSALS' }, 'PROPOSALS')).proposals).toEqual([])
    await eve.wire.hearsNothing()
    expect(await ann.refused('ACCEPT', { proposal_id })).toBe('NOT_PROPOSAL_RECIPIENT')
    await using guest = await relay.login('guest', { autojoin: false })
    expect(await guest.refusal(ann.sign('PROPOSAL', { to: bob.id, task: 'x' }))).toMatchObject({ code: 'SIGNATURE_REQUIRED' })
    expect(await ann.wire.refusal(ann.sign('PROPOSAL', { to: guest.id, task: 'x' }))).toMatchObject({ code: 'NO_PUBKEY' })
    expect(await ann.refused('PROPOSAL', { to: '@nobody', task: 'x' })).toBe('AGENT_NOT_FOUND')
  })

  test.each([
    [{ amount: 1, currency: 'USD', payment_code: 'PM8Twrong' }, 'BAD_PAYMENT_CODE'],
    [{ amount: 5, currency: 'ELO' }, 'BAD_CURRENCY'],
    [{ rail: 'ledger' }, 'NO_PRICE'],
    [{ amount: 0.001, currency: 'USD', rail: 'ledger' }, 'BAD_AMOUNT'],
    // Whether it is ever funded or not: what cannot be paid is not offered.
    [{ amount: 12.505, currency: 'USD' }, 'BAD_AMOUNT'],
    [{ amount: 0.00000001, currency: 'USD' }, 'BAD_AMOUNT'],
    [{ amount: 1.5, currency: 'VND' }, 'BAD_AMOUNT'],
    [{ amount: 1e15, currency: 'USD' }, 'BAD_AMOUNT'],
    [{ amount: 3, currency: 'USD', milestones: [{ title: 'a', amount: 1.005 }, { title: 'b', amount: 1.995 }] }, 'BAD_AMOUNT'],
    [{ amount: 3, currency: 'USD', milestones: [{ title: 'a', amount: 1 }, { title: 'b', amount: 1 }] }, 'MILESTONES'],
  ])('with %j is refused', async (fields, reason) => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    expect(await ann.refused('PROPOSAL', { to: bob.id, task: 'x', ...fields })).toBe(reason)
  })

  test('a satoshi can be offered and held; a currency has one spelling', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann', { usd: 100 })
    await using bob = await newTrader(relay, 'bob')
    const { proposal_id, amount_minor } = await ann.do('PROPOSAL', { to: bob.id, task: 'x', amount: 0.00000001, currency: 'BTC' })
    expect([proposal_id, amount_minor]).toEqual([expect.any(String), 1])
    const lower = await ann.do('PROPOSAL', { to: bob.id, task: 'x', amount: 1, currency: 'usd' })
    expect(lower).toMatchObject({ currency: 'USD', amount_minor: 100 })
    await bob.do('ACCEPT', { proposal_id: lower.proposal_id })
    expect(await ann.do('FUND', { proposal_id: lower.proposal_id })).toMatchObject({ status: 'funded', held_minor: 100 })
  })

  test('an admin reads any case; a key that is wrong opens none', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    await using eve = await newTrader(relay, 'eve')
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x' })
    const read = { type: 'PROPOSAL_EVENTS', proposal_id }
    expect((await eve.wire.ask({ ...read, admin_key: adminKey }, 'PROPOSAL_EVENTS')).proposal).toMatchObject({ proposal_id, task: 'x' })
    expect(await eve.wire.refusal({ ...read, admin_key: 'not the key of this relay' })).toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(await ann.wire.refusal({ ...read, admin_key: 'not the key of this relay' })).toMatchObject({ code: 'AUTH_REQUIRED' })
  })

  test('pages of proposals', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.unshift((await ann.do('PROPOSAL', { to: bob.id, task: `job ${i}` })).proposal_id)
    const seen: string[] = []
    for (let before: string | undefined;;) {
      const page = await bob.wire.ask({
        type: 'PROPOSALS',
        limit: 2,
        state: 'pending',
        with: ann.id,
        ...(before !== undefined && { before }),
      }, 'PROPOSALS')
      seen.push(...page.proposals.map(proposal => proposal.proposal_id))
      if (page.next === undefined) break
      before = page.next
    }
    expect([...seen].sort()).toEqual([...ids].sort())
    expect(new Set(seen).size).toBe(5)
  })
})

describe('an unfunded deal', () => {
  test('is ended by either party alone; stakes are held from ACCEPT on, and come back', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x', elo_stake: 1_000 })
    expect(await bob.refused('ACCEPT', { proposal_id, elo_stake: 1_101 })).toBe('INSUFFICIENT_REPUTATION')
    await bob.do('ACCEPT', { proposal_id, elo_stake: 50 })
    expect(await ann.wire.next('ACCEPT')).toMatchObject({ proposer_stake: 1_000, acceptor_stake: 50 })
    expect([await ann.balance('ELO'), await bob.balance('ELO')]).toEqual([[0, 1_000], [0, 50]])
    const { proposal_id: second } = await ann.do('PROPOSAL', { to: bob.id, task: 'y', elo_stake: 101 })
    expect(await bob.refused('ACCEPT', { proposal_id: second })).toBe('INSUFFICIENT_REPUTATION')
    await bob.do('COMPLETE', { proposal_id, proof: 'see there' })
    expect(await ann.wire.next('COMPLETE')).toMatchObject({
      completed_by: bob.id,
      from: ann.id,
      to: bob.id,
      elo_stakes: { proposer: 1_000, acceptor: 50 },
      rating_changes: { [ann.id]: { change: 8 }, [bob.id]: { change: 8 }, _escrow: { settlement: 'returned' } },
    })
    expect([await ann.balance('ELO'), await bob.balance('ELO')]).toEqual([[0, 0], [0, 0]])
    expect(await bob.do('ACCEPT', { proposal_id: second })).toMatchObject({ status: 'accepted' })
    expect(await ledgerSum(relay)).toBe(0)
  })
})

describe('a repeat', () => {
  test('of a request under its id does nothing twice, and is answered alike', async () => {
    await using relay = await started()
    await using ann = await newTrader(relay, 'ann', { USD: 1_000 })
    await using bob = await newTrader(relay, 'bob')
    const propose = { ...ann.sign('PROPOSAL', { to: bob.id, task: 'x', amount: 5, currency: 'USD' }), id: 'p' }
    const { proposal } = await ann.wire.ask(propose, 'PROPOSAL_STATE')
    expect(await ann.wire.ask(propose, 'PROPOSAL_STATE')).toMatchObject({
      duplicate: true,
      proposal: { proposal_id: proposal.proposal_id },
    })
    const { proposal_id } = proposal
    await bob.do('ACCEPT', { proposal_id })
    const fund = { ...ann.sign('FUND', { proposal_id }), id: 'f' }
    await ann.wire.ask(fund, 'PROPOSAL_STATE')
    expect(await ann.wire.ask(fund, 'PROPOSAL_STATE')).toMatchObject({ duplicate: true, proposal: { held_minor: 500 } })
    expect(await ann.wire.refusal({ ...ann.sign('COMPLETE', { proposal_id }), id: 'f' })).toMatchObject({ code: 'ID_REUSED' })
    const transfer = { ...ann.sign('TRANSFER', { to: bob.id, currency: 'USD', amount_minor: 100 }), id: 't' }
    await ann.wire.ask(transfer, 'BALANCE')
    expect(await ann.wire.ask(transfer, 'BALANCE')).toMatchObject({ duplicate: true })
    expect([await ann.balance(), await bob.balance()]).toEqual([[400, 500], [100, 0]])
  })

  test('a proposal whose key was rotated goes on under the new one, with its money', async () => {
    await using relay = await started()
    await using deal = await agreed(relay)
    const { ann, bob, proposal_id } = deal
    const { makeRotation } = await import('../lib/identity/index.ts')
    const { nodeIdentity } = await import('../lib/node/index.ts')
    const old = nodeIdentity(ann.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    await using next = await newTrader(relay, 'ann2')
    const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(old, next.key.pem, Date.now())
    await next.wire.ask({ type: 'ROTATION', old_pubkey, new_pubkey, timestamp, signature }, 'OK')
    expect(await next.balance()).toEqual([10_000, 0])
    expect(await next.do('FUND', { proposal_id })).toMatchObject({ status: 'funded', client: ann.id })
    expect(await next.balance()).toEqual([8_750, 1_250])
    expect(await bob.refused('PROPOSAL', { to: ann.id, task: 'x' })).toBe('AGENT_NOT_FOUND')
    await next.do('COMPLETE', { proposal_id })
    expect(await bob.balance()).toEqual([1_250, 0])
    expect((await next.wire.ask({ type: 'PROPOSALS' }, 'PROPOSALS')).proposals).toHaveLength(1)
    expect(await ledgerSum(relay)).toBe(0)
  })
})

describe('two keys that become one', () => {
  /** The provider's key is rotated to the client's while their deal is under way. */
  const merged = async (deal: Awaited<ReturnType<typeof agreed>>) => {
    const { makeRotation } = await import('../lib/identity/index.ts')
    const { nodeIdentity } = await import('../lib/node/index.ts')
    const old = nodeIdentity(deal.bob.key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(old, deal.ann.key.pem, Date.now())
    await deal.ann.wire.ask({ type: 'ROTATION', old_pubkey, new_pubkey, timestamp, signature }, 'OK')
  }

  test('go on with no deal between themselves, and gain nothing by one that was under way', async () => {
    await using relay = await started()
    await using deal = await agreed(relay)
    const { ann, bob, proposal_id } = deal
    const { proposal_id: offered } = await bob.do('PROPOSAL', { to: ann.id, task: 'x' })
    const { proposal_id: funded } = await ann.do('PROPOSAL', { to: bob.id, task: 'x', amount: 1, currency: 'USD' })
    await bob.do('ACCEPT', { proposal_id: funded })
    await ann.do('FUND', { proposal_id: funded })
    await merged(deal)
    expect(await ann.refused('FUND', { proposal_id })).toBe('SELF_DEAL')
    expect(await ann.refused('ACCEPT', { proposal_id: offered })).toBe('SELF_DEAL')
    await ann.do('COMPLETE', { proposal_id: funded })
    expect(await ann.wire.ask({ type: 'RATING' }, 'RATING')).toMatchObject({ rating: 1_200, transactions: 0 })
    expect(await ann.balance()).toEqual([10_000, 0])
    expect(await ledgerSum(relay)).toBe(0)
  })

  test('do not hold up the deadlines of others', async () => {
    await using relay = await started()
    await using deal = await agreed(relay, { deliver_s: 60 })
    const { ann, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    await merged(deal)
    await using carl = await newTrader(relay, 'carl')
    await carl.do('PROPOSAL', { to: ann.id, task: 'x', expires: 61 })
    await pass(relay, 62_000, carl.wire.next('LAPSED'))
    expect(await ann.balance()).toEqual([10_000, 0])
  })
})

describe('what cannot be', () => {
  test('a deadline that cannot be carried out holds up no other, and is tried again', async () => {
    await using relay = await started()
    await using deal = await agreed(relay, { deliver_s: 60 })
    const { ann, bob, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    interface Tables {
      accounts: { account: string, currency: string, balance: number }
    }
    const hold = (balance: number) =>
      relay.store.write(async tx => {
        await tx.tables<Tables>().updateTable('accounts').set({ balance }).where('account', '=', `!${proposal_id}`).execute()
      })
    await hold(0)
    const others: string[] = []
    for (let i = 0; i < 3; i++) others.push((await ann.do('PROPOSAL', { to: bob.id, task: 'x', expires: 61 })).proposal_id)
    relay.clock.advance(62_000)
    expect((await ann.wire.take('LAPSED', 3)).map(frame => frame.proposal_id)).toEqual(others)
    await hold(1_250)
    expect(await ann.wire.next('LAPSED')).toMatchObject({ proposal_id, status: 'expired', returned_minor: 1_250 })
  }, 20_000)

  test('a stranger who has a deadline carried out does not learn what was agreed', async () => {
    await using relay = await started()
    await using deal = await agreed(relay, { deliver_s: 60, terms: 'secret terms' })
    const { ann, bob, proposal_id } = deal
    await ann.do('FUND', { proposal_id })
    await bob.do('SUBMIT', { proposal_id, text: 'secret work' })
    await using eve = await newTrader(relay, 'eve')
    relay.clock.stop()
    relay.clock.advance(4 * dayMs)
    const answer = await eve.wire.answer({ type: 'RECLAIM', proposal_id })
    expect(answer).toMatchObject({ type: 'PROPOSAL_STATE', proposal: { proposal_id, status: 'completed' } })
    for (const secret of ['write it', 'secret']) expect(JSON.stringify(answer)).not.toContain(secret)
  })
})

describe('the shortest deadlines', () => {
  const offer = (ann: Trader, bob: Trader, fields: object) =>
    ann.wire.refusal(ann.sign('PROPOSAL', { to: bob.id, task: 'write it', amount: 1, currency: 'USD', ...fields }))

  test('an offer that leaves no time for work or review is refused, and the refusal names the least', async () => {
    await using relay = await startTestRelay()
    await using ann = await newTrader(relay, 'ann')
    await using bob = await newTrader(relay, 'bob')
    for (const fields of [{ review_s: 0 }, { review_s: 3_599.9 }, { deliver_s: 0 }, { deliver_s: 86_400, review_s: 60 }]) {
      expect(await offer(ann, bob, fields)).toMatchObject({
        code: 'INVALID_PROPOSAL',
        message: expect.stringMatching(/^DEADLINE_TOO_SHORT: (deliver|review)_s is at least 3600 seconds .*minDeadlineMs/) as string,
      })
    }
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'write it', deliver_s: 3_600, review_s: 3_600 })
    expect(await bob.refused('COUNTER', { proposal_id, to: ann.id, task: 'write it', review_s: 0 })).toBe('DEADLINE_TOO_SHORT')
    await using lax = await startTestRelay({ minDeadlineMs: 0 })
    await using carl = await newTrader(lax, 'carl')
    await using dora = await newTrader(lax, 'dora')
    expect((await carl.do('PROPOSAL', { to: dora.id, task: 'at once', review_s: 0 })).review_s).toBe(0)
  })

  test('who was offered no review when that was allowed has as much as others once it is not', async () => {
    using folder = newFolder()
    const settings = { adminKey, data: folder.at('data'), pingTimeoutMs: 1e12 }
    const [annKey, bobKey] = [newKey(), newKey()]
    let proposal_id: string
    {
      await using relay = await startTestRelay({ ...settings, minDeadlineMs: 0 })
      await using ann = await newTrader(relay, 'ann', { USD: 1_000 }, annKey)
      await using bob = await newTrader(relay, 'bob', {}, bobKey)
      proposal_id = (await bob.do('PROPOSAL', { to: ann.id, task: 'write it', amount: 10, currency: 'USD', role: 'provider', review_s: 0 }))
        .proposal_id
      await ann.do('ACCEPT', { proposal_id })
      await ann.do('FUND', { proposal_id })
    }
    await using relay = await startTestRelay(settings)
    await using ann = await newTrader(relay, 'ann', {}, annKey)
    await using bob = await newTrader(relay, 'bob', {}, bobKey)
    await bob.do('SUBMIT', { proposal_id, text: '.', id: 'submit' })
    relay.clock.stop()
    relay.clock.advance(59 * 60_000)
    expect((await ann.wire.refusal({ type: 'RECLAIM', proposal_id })).message).toMatch(/^NOT_DUE/)
    expect(await bob.balance()).toEqual([0, 0])
    relay.clock.advance(60_000)
    // By this, or by the sweep that came first.
    await ann.wire.answer({ type: 'RECLAIM', proposal_id })
    expect((await ann.wire.ask({ type: 'PROPOSALS' }, 'PROPOSALS')).proposals).toMatchObject([{ proposal_id, status: 'completed' }])
  })
})

describe('what is kept', () => {
  test('ERASE leaves what was agreed and paid; an export made then is one that can be imported', async () => {
    using folder = newFolder()
    let bobKey: Trader['key'] | undefined
    {
      await using relay = await startTestRelay({ adminKey, data: folder.at('data') })
      await using deal = await agreed(relay)
      const { ann, bob, proposal_id } = deal
      bobKey = bob.key
      await ann.do('FUND', { proposal_id })
      await bob.do('SUBMIT', { proposal_id, text: 'done' })
      await ann.do('COMPLETE', { proposal_id })
      await bob.wire.ask(bob.sign('TRANSFER', { to: ann.id, currency: 'USD', amount_minor: 50 }), 'BALANCE')
      const history = async () => (await bob.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id }, 'PROPOSAL_EVENTS')).events
      const before = await history()
      await ann.wire.ask({ type: 'ERASE' }, 'ERASED')
      expect(await history()).toEqual(before)
      expect(await bob.balance()).toEqual([1_200, 0])
      await bob.wire.ask({ type: 'RECEIVED', seq: (await bob.wire.ask({ type: 'INBOX' }, 'INBOX')).seq }, 'OK')
    }
    const { Cli } = await import('./kit/cli.ts')
    using cli = new Cli()
    expect(await cli.run(['export', ...await placeOf(folder.at('data')), '--out', folder.at('archive.jsonl')])).toMatchObject({ code: 0 })
    expect(await cli.run(['import', ...await placeOf(folder.at('copy')), folder.at('archive.jsonl')])).toMatchObject({ code: 0 })
    // What bob received of deals is not there, and what comes now is not taken for it.
    await using copy = await startTestRelay({ adminKey, data: folder.at('copy') })
    await using carl = await newTrader(copy, 'carl')
    await carl.wire.ask({ type: 'MSG', to: bobKey!.id, content: 'still there?' }, 'ACK')
    await using bob = await newTrader(copy, 'bob', {}, bobKey!)
    expect(await bob.wire.next()).toMatchObject({ type: 'MSG', content: 'still there?' })
  })
})

test('what an agent has in escrow is found by what lies there now, however many deals it paid for', async () => {
  await using relay = await started()
  await using deal = await agreed(relay)
  const { ann, bob, proposal_id } = deal
  const holds = () =>
    relay.store.read.tables<{ holds: { agent: string, account: string, currency: string } }>().selectFrom('holds').selectAll().execute()
  await ann.do('FUND', { proposal_id })
  const open = await holds()
  expect(open).toEqual([{ agent: ann.id, account: expect.stringContaining(proposal_id), currency: 'USD' }])
  expect(await ann.balance()).toEqual([8_750, 1_250])
  for (let i = 0; i < 5; i++) {
    const next = await ann.do('PROPOSAL', { to: bob.id, task: `more ${i}`, amount: 1, currency: 'USD' })
    await bob.do('ACCEPT', { proposal_id: next.proposal_id })
    await ann.do('FUND', { proposal_id: next.proposal_id })
    expect(await ann.balance()).toEqual([8_750 - 100 * (i + 1), 1_350])
    expect(await holds()).toHaveLength(2)
    await bob.do('SUBMIT', { proposal_id: next.proposal_id, text: 'done' })
    await ann.do('COMPLETE', { proposal_id: next.proposal_id })
    expect(await holds()).toEqual(open)
  }
  expect(await ann.balance()).toEqual([8_250, 1_250])
  await bob.do('SUBMIT', { proposal_id, text: 'done' })
  await ann.do('COMPLETE', { proposal_id })
  expect([await holds(), await ann.balance()]).toEqual([[], [8_250, 0]])
})
