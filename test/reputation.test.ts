// Receipts and ratings on the wire: written by the book that ends deals, asked for and signed by the parties.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { generateKeyPair, identityFrom, receiptText, rotationText, verifyReceipt } from '../lib/identity/index.ts'
import type { ReceiptDocument } from '../lib/protocol/index.ts'
import { reputationBook, type FinishedWork } from '../src/features/trade/reputation/book.ts'
import { settlementsOf, type SettledDeal } from '../src/features/trade/reputation/settlement.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'
import { adminKey, newTrader } from './kit/trade.ts'
import { newKey, signWith, type Key } from './kit/wire.ts'

const relayKey = identityFrom(generateKeyPair().privateKey)
const serverId = createHash('sha256').update(relayKey.publicKey).digest('hex')
const book = reputationBook({ serverId, relayKey })

const work = (client: Key, provider: Key, proposal_id: string, more: Partial<FinishedWork> = {}): FinishedWork => ({
  proposal_id,
  outcome: 'completed',
  client: client.id,
  provider: provider.id,
  task: 'Translate',
  terms: null,
  price: 5,
  currency: 'USD',
  paid: { rail: 'ledger', captured_minor: 500, returned_minor: 0 },
  milestones: null,
  captures: [{ minor: 500, at: 3 }],
  deliverables: [],
  proposed_at: 1,
  completed_at: 3,
  ...more,
})

/** Ends a deal, signed by whoever is named. */
const end = async (relay: TestRelay, client: Key, provider: Key, id: string, more: Partial<FinishedWork> = {}) =>
  (await relay.store.write(tx => book.receipt(tx, work(client, provider, id, more)))).body

const people = async (relay: TestRelay) => {
  const keys = { ann: newKey(), bob: newKey(), eve: newKey() }
  const [ann, bob, eve] = await Promise.all(Object.entries(keys).map(([name, key]) => relay.login(name, { key })))
  return { keys, ann: ann!, bob: bob!, eve: eve! }
}

const signed = (key: Key, { receipt_id, receipt }: Pick<ReceiptDocument, 'receipt_id' | 'receipt'>) => ({
  type: 'RECEIPT_SIGN',
  receipt_id,
  sig: signWith(key, receiptText(receipt)),
})

describe('receipts', () => {
  test('both parties sign, the other is told, and what comes back is proven without the relay', async () => {
    await using relay = await startTestRelay()
    const { keys, ann, bob } = await people(relay)
    const made = await end(relay, keys.ann, keys.bob, 'prop_1')
    expect((await ann.ask({ type: 'RECEIPTS', unsigned: true }, 'RECEIPTS')).receipts).toHaveLength(1)
    expect(await ann.ask(signed(keys.ann, made), 'RECEIPT_SIGNED')).toMatchObject({
      by: keys.ann.id,
      proposal_id: 'prop_1',
      complete: false,
    })
    expect(await bob.next('RECEIPT_SIGNED')).toMatchObject({ by: keys.ann.id, complete: false })
    expect((await ann.ask({ type: 'RECEIPTS', unsigned: true }, 'RECEIPTS')).receipts).toEqual([])
    expect(await bob.ask(signed(keys.bob, made), 'RECEIPT_SIGNED')).toMatchObject({ complete: true })
    expect(await ann.next('RECEIPT_SIGNED')).toMatchObject({ by: keys.bob.id, complete: true })
    const { receipts } = await bob.ask({ type: 'RECEIPTS', proposal_id: 'prop_1' }, 'RECEIPTS')
    expect(verifyReceipt(JSON.parse(JSON.stringify(receipts[0])), { relayId: serverId })).toMatchObject({ proven: true, problems: [] })
  })

  test('a second signature of the same party changes nothing and tells nobody', async () => {
    await using relay = await startTestRelay()
    const { keys, ann, bob } = await people(relay)
    const made = await end(relay, keys.ann, keys.bob, 'prop_1')
    await ann.ask(signed(keys.ann, made), 'RECEIPT_SIGNED')
    await bob.next('RECEIPT_SIGNED')
    await ann.ask(signed(keys.ann, made), 'RECEIPT_SIGNED')
    await bob.hearsNothing()
  })

  test('nobody signs for another, or what is not there', async () => {
    await using relay = await startTestRelay()
    const { keys, ann, eve } = await people(relay)
    const made = await end(relay, keys.ann, keys.bob, 'prop_1')
    expect((await ann.refusal(signed(keys.bob, made))).code).toBe('VERIFICATION_FAILED')
    expect((await ann.refusal({ ...signed(keys.ann, made), sig: signWith(keys.ann, 'x') })).code).toBe('VERIFICATION_FAILED')
    expect((await eve.refusal(signed(keys.ann, made))).code).toBe('RECEIPT_NOT_FOUND')
    expect((await ann.refusal({ ...signed(keys.ann, made), receipt_id: `rcpt_${'0'.repeat(32)}` })).code).toBe('RECEIPT_NOT_FOUND')
    expect((await eve.ask({ type: 'RECEIPTS' }, 'RECEIPTS')).receipts).toEqual([])
    expect((await eve.refusal({ type: 'RECEIPTS', before: made.receipt_id })).code).toBe('INVALID_MSG')
    const guest = await relay.login('guest')
    for (const request of [{ type: 'RECEIPTS' }, signed(keys.ann, made)])
      expect((await guest.refusal(request)).code).toBe('SIGNATURE_REQUIRED')
  })

  test('pages lead through all of them, newest first, those of one moment too', async () => {
    await using relay = await startTestRelay()
    const { keys, ann } = await people(relay)
    for (let i = 0; i < 7; i++)
      await end(relay, i % 2 === 0 ? keys.ann : keys.bob, i % 2 === 0 ? keys.bob : keys.ann, `prop_${i}`, { completed_at: 10 + (i >> 2) })
    const seen: string[] = []
    for (let before: string | undefined;;) {
      const { receipts, more } = await ann.ask({ type: 'RECEIPTS', limit: 2, ...(before !== undefined && { before }) }, 'RECEIPTS')
      seen.push(...receipts.map(({ receipt }) => `${receipt.completed_at} ${receipt.proposal_id}`))
      if (!more) break
      before = receipts.at(-1)!.receipt_id
    }
    expect(seen.map(line => line.slice(0, 2))).toEqual(['11', '11', '11', '10', '10', '10', '10'])
    expect(new Set(seen).size).toBe(7)
  })

  test('whoever changed the key still has the receipts, and signs with the key they name', async () => {
    await using relay = await startTestRelay()
    const { keys, bob } = await people(relay)
    const made = await end(relay, keys.ann, keys.bob, 'prop_1')
    const next = newKey()
    const after = await relay.login('bob', { key: next })
    const text = { old_pubkey: keys.bob.pem, new_pubkey: next.pem, timestamp: '2026-11-21T00:00:00.000Z' }
    await after.ask({ type: 'ROTATION', ...text, signature: signWith(keys.bob, rotationText(text)) }, 'OK')
    await bob.closed()
    expect((await after.ask({ type: 'RECEIPTS' }, 'RECEIPTS')).receipts).toHaveLength(1)
    expect((await after.refusal(signed(next, made))).code).toBe('VERIFICATION_FAILED')
    expect(await after.ask(signed(keys.bob, made), 'RECEIPT_SIGNED')).toMatchObject({ by: keys.bob.id })
  })
})

describe('ratings', () => {
  test('an agent nobody knows is a newcomer', async () => {
    await using relay = await startTestRelay()
    const ann = await relay.login('ann')
    expect(await ann.ask({ type: 'RATING' }, 'RATING')).toMatchObject({
      agent: ann.id,
      rating: 1_200,
      transactions: 0,
      updated: null,
      standing: { standing: 0, confidence: 0 },
    })
  })

  test('completions, disputes and verdicts are kept, and once an hour a pair is rated', async () => {
    await using relay = await startTestRelay()
    const { keys, eve } = await people(relay)
    const [ann, bob] = [keys.ann.id, keys.bob.id]
    const hour = 3_600_000
    expect(await relay.store.write(tx => book.completed(tx, [ann, bob], 0, 0))).toMatchObject({
      [ann]: { change: 8, newRating: 1_208 },
      [bob]: { change: 8 },
    })
    expect(await relay.store.write(tx => book.completed(tx, [bob, ann], 0, hour - 1))).toBeNull()
    expect(await relay.store.write(tx => book.completed(tx, [bob, ann], 0, hour))).toMatchObject({ [ann]: { change: 4, transactions: 2 } })
    expect(await relay.store.write(tx => book.disputed(tx, ann, { agent: bob, stake: 50 }, 0, hour))).toMatchObject({
      [ann]: { change: 58 },
      [bob]: { change: -66 },
    })
    await relay.store.write(tx => book.ruled(tx, { winner: bob, loser: ann }, hour))
    await relay.store.write(tx => book.ruled(tx, { both: [ann, bob] }, hour))
    await relay.store.write(tx => book.atFault(tx, [{ agent: ann, stake: 10 }, { agent: bob }], 0, hour))
    await relay.store.write(tx => book.arbitrated(tx, keys.eve.id, 'absent', hour))
    expect(await eve.ask({ type: 'RATING' }, 'RATING')).toMatchObject({ rating: 1_175, transactions: 1, updated: hour })
    const { agents } = await eve.ask({ type: 'LEADERBOARD', by: 'rating' }, 'LEADERBOARD')
    expect(agents.map(({ agent, transactions }) => [agent, transactions])).toEqual([[ann, 6], [keys.eve.id, 1], [bob, 6]])
    expect(agents.map(({ rating }) => rating)).toEqual([...agents.map(({ rating }) => rating)].sort((a, b) => b - a))
  })

  test('the rating follows the key', async () => {
    await using relay = await startTestRelay()
    const { keys, ann } = await people(relay)
    await relay.store.write(tx => book.completed(tx, [keys.ann.id, keys.bob.id], 0, 0))
    const next = newKey()
    const after = await relay.login('bob', { key: next })
    const text = { old_pubkey: keys.bob.pem, new_pubkey: next.pem, timestamp: '2026-11-21T00:00:00.000Z' }
    await after.ask({ type: 'ROTATION', ...text, signature: signWith(keys.bob, rotationText(text)) }, 'OK')
    expect(await after.ask({ type: 'RATING' }, 'RATING')).toMatchObject({ agent: next.id, rating: 1_208 })
    await relay.store.write(tx => book.completed(tx, [next.id, keys.eve.id], 0, 10))
    const { agents } = await ann.ask({ type: 'LEADERBOARD', by: 'rating' }, 'LEADERBOARD')
    expect(agents.map(({ agent }) => agent).sort()).toEqual([keys.ann.id, keys.eve.id, next.id].sort())
  })
})

describe('standing', () => {
  test('only funded work that both signed counts, from the agents an operator vouches for', async () => {
    await using relay = await startTestRelay({ adminKey: 'open sesame' })
    const { keys, ann, bob, eve } = await people(relay)
    await eve.ask({ type: 'ADMIN_VERIFY', admin_key: 'open sesame', agent_id: keys.ann.id, verified: true }, 'ADMIN_RESULT')
    const leaders = async () => {
      relay.clock.advance(60_000)
      return (await eve.ask({ type: 'LEADERBOARD' }, 'LEADERBOARD')).agents.map(({ agent }) => agent)
    }
    const now = relay.clock.now()
    const made = await end(relay, keys.ann, keys.bob, 'prop_1', { completed_at: now })
    const unfunded = await end(relay, keys.ann, keys.eve, 'prop_2', { completed_at: now, paid: null })
    await ann.ask(signed(keys.ann, made), 'RECEIPT_SIGNED')
    await ann.ask(signed(keys.ann, unfunded), 'RECEIPT_SIGNED')
    await eve.ask(signed(keys.eve, unfunded), 'RECEIPT_SIGNED')
    expect(await leaders()).toEqual([])
    await bob.ask(signed(keys.bob, made), 'RECEIPT_SIGNED')
    expect(await leaders()).toEqual([keys.bob.id])
    const { standing } = await bob.ask({ type: 'RATING' }, 'RATING')
    expect(standing).toMatchObject({ reach: 0.8, counterparties: 1 })
    expect(standing.standing).toBeGreaterThan(40)
    expect(standing.confidence).toBeGreaterThan(0.3)
    expect((await eve.ask({ type: 'RATING', agent: keys.eve.id }, 'RATING')).standing.standing).toBe(0)
  })
})

describe('a settled deal', () => {
  const settlements = settlementsOf(book, async (_, a, b) => a === b)
  const proposalOf = (client: Key, provider: Key, more: Partial<SettledDeal['proposal']> = {}): SettledDeal['proposal'] => ({
    proposal_id: 'prop_1',
    from: client.id,
    to: provider.id,
    client: client.id,
    provider: provider.id,
    task: 'Translate',
    terms: null,
    amount: null,
    currency: null,
    milestones: null,
    rail: null,
    captured_minor: 0,
    returned_minor: 0,
    elo_stakes: { proposer: 0, acceptor: 0 },
    deliverable: null,
    created_at: 1,
    ...more,
  })
  const settle = (relay: TestRelay, deal: Partial<SettledDeal> & Pick<SettledDeal, 'kind' | 'proposal'>, now = 0) =>
    relay.store.write(tx => settlements.settled(tx, { capturedMinor: 0, winner: null, wasStaked: false, ...deal }, now))

  test('completed: both gain, stakes are returned, the receipt says that no money was held', async () => {
    await using relay = await startTestRelay()
    const { keys: { ann, bob } } = await people(relay)
    const elo_stakes = { proposer: 10, acceptor: 20 }
    const done = await settle(relay, {
      kind: 'completed',
      proposal: proposalOf(ann, bob, { elo_stakes, amount: 9, currency: 'SOL' }),
      wasStaked: true,
    })
    expect(done.ratingChanges).toEqual({
      [ann.id]: { oldRating: 1_200, newRating: 1_216, change: 16, transactions: 1 },
      [bob.id]: { oldRating: 1_200, newRating: 1_216, change: 16, transactions: 1 },
      _escrow: { proposer_stake: 10, acceptor_stake: 20, settlement: 'returned' },
    })
    expect(done.append).toMatchObject([{
      type: 'RECEIPT',
      stream: '!prop_1',
      inbox: [ann.id, bob.id],
      body: { receipt: { paid: null, price: 9, currency: 'SOL', outcome: 'completed', captures: [] } },
    }])
    expect(await settlements.stakeable(relay.store.read, ann.id)).toBe(1_116)
    // Within the hour: no rating, but a receipt, and nothing in the way of the stakes.
    expect(
      await settle(relay, { kind: 'completed', proposal: proposalOf(ann, bob, { proposal_id: 'prop_2', elo_stakes }), wasStaked: true }, 1),
    ).toMatchObject({ ratingChanges: null, append: [{ type: 'RECEIPT' }] })
  })

  test('milestones are gathered: every capture and every deliverable stands in the one receipt', async () => {
    await using relay = await startTestRelay()
    const { keys: { ann, bob } } = await people(relay)
    const money = { amount: 10, currency: 'USD', rail: 'ledger', milestones: [{ title: 'one', amount: 4 }, { title: 'two', amount: 6 }] }
    const first = { files: [{ name: 'a.txt', bytes: 3, sha256: 'a'.repeat(64) }], at: 5 }
    expect(
      await settle(relay, {
        kind: 'released',
        capturedMinor: 400,
        proposal: proposalOf(ann, bob, { ...money, captured_minor: 400, deliverable: first }),
      }, 6),
    ).toEqual({ ratingChanges: null })
    const second = { text: 'é', files: [...first.files], at: 7 }
    const { append: [event] = [] } = await settle(relay, {
      kind: 'completed',
      capturedMinor: 600,
      proposal: proposalOf(ann, bob, { ...money, captured_minor: 1_000, deliverable: second }),
    }, 8)
    expect(event?.body).toMatchObject({
      receipt: {
        paid: { rail: 'ledger', captured_minor: 1_000, returned_minor: 0 },
        captures: [{ minor: 400, at: 6 }, { minor: 600, at: 8 }],
        milestones: money.milestones,
        deliverables: [{ name: 'a.txt', at: 5 }, { name: 'a.txt', at: 7 }, {
          name: null,
          bytes: 2,
          sha256: createHash('sha256').update('é').digest('hex'),
          at: 7,
        }],
        completed_at: 8,
      },
    })
  })

  test('ruled for one: the loser pays with his rating and his stake; for nobody: no rating', async () => {
    await using relay = await startTestRelay()
    const { keys: { ann, bob } } = await people(relay)
    const elo_stakes = { proposer: 30, acceptor: 50 }
    const { ratingChanges } = await settle(relay, {
      kind: 'ruled',
      winner: ann.id,
      wasStaked: true,
      proposal: proposalOf(ann, bob, { elo_stakes, captured_minor: 100, returned_minor: 300 }),
    })
    expect(ratingChanges).toMatchObject({
      [ann.id]: { change: 58 },
      [bob.id]: { change: -66 },
      _escrow: { settlement: 'transferred', transferred_to: ann.id, transferred_amount: 50 },
    })
    const nobody = await settle(relay, {
      kind: 'ruled',
      proposal: proposalOf(ann, bob, { proposal_id: 'prop_2', captured_minor: 200, returned_minor: 200 }),
      capturedMinor: 200,
    })
    expect(nobody).toMatchObject({
      ratingChanges: null,
      append: [{ body: { receipt: { outcome: 'ruled', paid: { captured_minor: 200, returned_minor: 200 } } } }],
    })
  })

  test('given up before anything was paid leaves no receipt; after a milestone it does', async () => {
    await using relay = await startTestRelay()
    const { keys: { ann, bob } } = await people(relay)
    expect(await settle(relay, { kind: 'cancelled', proposal: proposalOf(ann, bob, { returned_minor: 500 }) })).toEqual({
      ratingChanges: null,
    })
    await settle(relay, {
      kind: 'released',
      capturedMinor: 100,
      proposal: proposalOf(ann, bob, { proposal_id: 'prop_2', captured_minor: 100 }),
    })
    expect(
      await settle(relay, {
        kind: 'expired',
        proposal: proposalOf(ann, bob, { proposal_id: 'prop_2', captured_minor: 100, returned_minor: 400 }),
      }),
    )
      .toMatchObject({
        append: [{
          body: { receipt: { outcome: 'expired', captures: [{ minor: 100 }], paid: { captured_minor: 100, returned_minor: 400 } } },
        }],
      })
  })
})

describe('from offer to standing', () => {
  test('money that a verified client paid, in milestones, signed for by both: proven without the relay, and the provider stands', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using ann = await newTrader(relay, 'ann', { USD: 10_000 })
    await using bob = await newTrader(relay, 'bob')
    await ann.wire.ask({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: ann.id, verified: true }, 'ADMIN_RESULT')
    const { proposal_id } = await ann.do('PROPOSAL', {
      to: bob.id,
      task: 'write it',
      amount: 10,
      currency: 'USD',
      elo_stake: 20,
      milestones: [{ title: 'draft', amount: 4 }, { title: 'final', amount: 6 }],
    })
    await bob.do('ACCEPT', { proposal_id })
    await ann.do('FUND', { proposal_id })
    await bob.do('SUBMIT', { proposal_id, text: 'draft' })
    await ann.do('RELEASE', { proposal_id })
    await bob.do('SUBMIT', { proposal_id, text: 'final' })
    await ann.do('COMPLETE', { proposal_id })

    const made = await bob.wire.next('RECEIPT')
    for (const party of [ann, bob]) await party.wire.ask(signed(party.key, made), 'RECEIPT_SIGNED')
    const { receipts } = await ann.wire.ask({ type: 'RECEIPTS', proposal_id }, 'RECEIPTS')
    const check = verifyReceipt(JSON.parse(JSON.stringify(receipts[0])), { relayId: relay.serverId })
    expect(check).toMatchObject({
      proven: true,
      receipt: {
        paid: { rail: 'ledger', captured_minor: 1_000, returned_minor: 0 },
        captures: [{ minor: 400 }, { minor: 600 }],
        outcome: 'completed',
      },
    })
    expect(check.receipt?.deliverables.map(({ sha256 }) => sha256)).toEqual(
      ['draft', 'final'].map(text => createHash('sha256').update(text).digest('hex')),
    )

    const { rating, standing } = await ann.wire.ask({ type: 'RATING', agent: bob.id }, 'RATING')
    expect(rating).toBeGreaterThan(1_200)
    expect(standing).toMatchObject({ reach: 0.8, counterparties: 1 })
    expect((await ann.wire.next('COMPLETE')).rating_changes).toMatchObject({ _escrow: { proposer_stake: 20, settlement: 'returned' } })
  })

  test('a dispute that is ruled for the client costs the provider his stake, and what is staked never exceeds the rating', async () => {
    await using relay = await startTestRelay({ adminKey })
    await using ann = await newTrader(relay, 'ann', { USD: 1_000 })
    await using bob = await newTrader(relay, 'bob')
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x', amount: 10, currency: 'USD' })
    await bob.do('ACCEPT', { proposal_id, elo_stake: 50 })
    await ann.do('FUND', { proposal_id })
    await ann.do('DISPUTE', { proposal_id, reason: 'nothing came' })
    await using boss = await relay.connect()
    await boss.ask({ type: 'ADMIN_RULING', admin_key: adminKey, proposal_id, capture_minor: 0, winner: ann.id }, 'PROPOSAL_STATE')
    // m = 1 + log10(11): a loss of 33, and the stake
    expect((await bob.wire.next('RULING')).rating_changes).toMatchObject({
      [ann.id]: { change: 67 },
      [bob.id]: { change: -83 },
      _escrow: { transferred_to: ann.id, transferred_amount: 50 },
    })
    const { proposal_id: next } = await ann.do('PROPOSAL', { to: bob.id, task: 'y' })
    expect(await bob.refused('ACCEPT', { proposal_id: next, elo_stake: 1_018 })).toBe('INSUFFICIENT_REPUTATION')
    expect(await bob.do('ACCEPT', { proposal_id: next, elo_stake: 1_017 })).toMatchObject({ status: 'accepted' })
  })
})

describe('the arithmetic of standings', () => {
  /** Receipts as the book leaves them, both parties' signatures in. */
  const dealt = (relay: TestRelay, anchor: string, count: number) =>
    relay.store.write(async tx => {
      const tables = tx.tables<{ receipts: Record<string, unknown>, ratings: Record<string, unknown> }>()
      for (let i = 0; i < count; i++) {
        const client = i % 5 === 0 ? anchor : `@c${i % 211}`
        await tables.insertInto('receipts').values({
          id: `r${i}`,
          proposal: `p${i}`,
          client,
          provider: `@p${(i * 17) % 307}`,
          text: '{}',
          relay_pubkey: '',
          relay_sig: '',
          client_sig: 's',
          provider_sig: 's',
          currency: 'USD',
          paid: 100 + i % 50,
          completed_at: relay.clock.now() - i * 60_000,
        }).execute()
      }
      for (let i = 0; i < 100; i++)
        await tables.insertInto('ratings').values({ agent: `@p${i}`, rating: 1_300 + i, transactions: 5, updated: 1 }).execute()
    })

  test.each(['standing', 'rating'] as const)('a leaderboard by %s leaves the others their turns', async by => {
    await using relay = await startTestRelay({ adminKey, frameRate: 0, addressFrameRate: 0 })
    const key = newKey()
    await using ann = await relay.login('ann', { key })
    await using bob = await relay.login('bob')
    await ann.ask({ type: 'ADMIN_VERIFY', admin_key: adminKey, agent_id: key.id, verified: true }, 'ADMIN_RESULT')
    await dealt(relay, key.id, 3_000)
    const asked = ann.ask({ type: 'LEADERBOARD', by, limit: 100 }, 'LEADERBOARD')
    let answered = false
    void asked.then(() => answered = true)
    let turns = 0
    for (; !answered; turns++) await bob.ask({ type: 'PING' }, 'PONG')
    const { agents } = await asked
    expect(agents).toHaveLength(100)
    // About one for each of a hundred fixpoints; where they are made in one go there are two or three.
    expect(turns).toBeGreaterThan(25)
    // They are kept for a minute.
    const again = ann.ask({ type: 'LEADERBOARD', by, limit: 100 }, 'LEADERBOARD')
    expect((await again).agents).toEqual(agents)
  })
})
