// Disputes on the wire, from filing to the money: the panel, those who stay silent, those who cheat, and those who have no say.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkTradeEvent, commitmentOf, drawOrder, drawProblems, makeRotation } from '../lib/identity/index.ts'
import type { Frame } from '../lib/protocol/index.ts'
import { defaultConfig } from '../src/config/schema.ts'
import { courtTerms, filingFee } from '../src/features/trade/court/docket.ts'
import { eligibility } from '../src/features/trade/court/pool.ts'
import { dayMs, ledgerSum, minuteMs, openCourt, season, startCourtRelay, type Court } from './kit/court.ts'
import { adminKey, newTrader, type Trader } from './kit/trade.ts'
import { identityOf, newKey } from './kit/wire.ts'

/** Files, reveals, and has the first three of the draw accept. */
const seated = async (court: Court): Promise<readonly Trader[]> => {
  await court.file()
  const panel = await court.reveal()
  for (const juror of panel) await court.do(juror, 'ARBITER_ACCEPT')
  return panel
}

/** A case that is before its arbiters. */
const heard = async (court: Court): Promise<readonly Trader[]> => {
  const panel = await seated(court)
  await court.evidence(court.ann)
  await court.evidence(court.bob)
  return panel
}

const rule = async ({ relay, proposalId }: Court, fields: object) => {
  await using boss = await relay.connect()
  return (await boss.ask({ type: 'ADMIN_RULING', admin_key: adminKey, proposal_id: proposalId, ...fields }, 'PROPOSAL_STATE')).proposal
}

describe('a case', () => {
  test('from filing to the money: votes are secret until the verdict, every signature can be checked, and the winner gets what was held', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 5, eloStake: 40 })
    const { ann, bob, proposalId } = court
    const { server_nonce, pool_hash } = await court.file()
    expect(await bob.wire.next('DISPUTE')).toMatchObject({
      proposal_id: proposalId,
      status: 'disputed',
      dispute_id: court.disputeId,
      disputed_by: ann.id,
    })
    expect(await bob.wire.next('DISPUTE_FILED')).toMatchObject({
      from: ann.id,
      disputant: ann.id,
      respondent: bob.id,
      server_nonce,
      pool_hash,
      commitment: commitmentOf(court.nonce),
      sig_v: 2,
    })
    expect(await bob.wire.next('MSG')).toMatchObject({ from: '@server', content: expect.stringContaining(court.disputeId) as string })
    expect(await ann.balance('ELO')).toEqual([0, 50])
    expect((await court.state()).dispute).toMatchObject({ phase: 'filed', pool: null, nonce: null, seed: null, fee: 10 })

    await ann.wire.clear()
    const panel = await court.reveal()
    expect(await bob.wire.next('PANEL_FORMED')).toMatchObject({
      arbiters: panel.map(juror => juror.id),
      evidence_deadline: null,
      vote_deadline: null,
      server_nonce,
      pool_hash,
    })
    expect(await panel[0]!.wire.next('ARBITER_ASSIGNED')).toMatchObject({
      arbiter: panel[0]!.id,
      disputant: ann.id,
      respondent: bob.id,
      reason: 'nothing was delivered',
    })
    for (const juror of panel) await court.do(juror, 'ARBITER_ACCEPT')
    expect((await court.state()).dispute).toMatchObject({
      phase: 'evidence',
      seats: panel.map(({ id }) => ({ arbiter: id, state: 'sitting' })),
    })
    await court.evidence(bob, 'it was delivered')
    expect(await ann.wire.next('EVIDENCE_RECEIVED')).toMatchObject({ from: bob.id, items_count: 1 })
    expect((await court.state()).respondent_evidence).toBeNull()
    await court.evidence(bob, 'it was delivered, look')
    await court.evidence(ann, 'it was not')
    expect(await panel[1]!.wire.next('CASE_READY')).toMatchObject({
      proposal: { proposal_id: proposalId, task: 'write it', held_minor: 1_000 },
      disputant_evidence: { by: ann.id, statement: 'it was not' },
      respondent_evidence: { by: bob.id, statement: 'it was delivered, look' },
    })
    expect((await court.state()).respondent_evidence).toMatchObject({ statement: 'it was delivered, look' })

    await court.vote(panel[0]!, 'disputant')
    expect(await court.vote(panel[1]!, 'respondent')).not.toHaveProperty('votes')
    await ann.wire.barrier()
    expect(ann.wire.heard.some(frame => frame.type === 'VERDICT')).toBe(false)
    await court.vote(panel[2]!, 'disputant')
    const verdict = await ann.wire.next('VERDICT')
    expect(verdict).toMatchObject({
      verdict: 'disputant',
      capture_minor: 0,
      arbiter_results: [{ arbiter: panel[0]!.id, result: 'majority', change: 5 }, { arbiter: panel[1]!.id, result: 'dissent', change: 0 }, {
        arbiter: panel[2]!.id,
        result: 'majority',
        change: 5,
      }],
    })
    expect(await bob.wire.next('RULING')).toMatchObject({
      status: 'ruled',
      captured_minor: 0,
      returned_minor: 1_000,
      winner: ann.id,
      dispute_id: court.disputeId,
    })
    // Upstream's arithmetic: K is 16, E of equals a half; stakes are not touched.
    expect((await bob.wire.next('SETTLEMENT_COMPLETE')).rating_changes).toMatchObject({
      [ann.id]: { change: 4 },
      [bob.id]: { change: -8 },
      [panel[0]!.id]: { change: 5 },
      _escrow: { proposer_stake: 40, settlement: 'returned' },
    })
    expect([await ann.balance(), await bob.balance(), await ann.balance('ELO')]).toEqual([[10_000, 0], [0, 0], [0, 0]])
    expect([await court.rating(ann), await court.rating(bob), await court.rating(panel[0]!), await court.rating(panel[1]!)]).toEqual([
      1_204,
      1_192,
      1_305,
      1_300,
    ])
    expect(await ledgerSum(relay)).toBe(0)

    const { dispute, events, disputant_evidence } = await court.state()
    expect(events.map(event => event.type)).toEqual([
      'DISPUTE_FILED',
      'PANEL_FORMED',
      'ARBITER_ASSIGNED',
      'ARBITER_ASSIGNED',
      'ARBITER_ASSIGNED',
      'ARBITER_ANSWER',
      'ARBITER_ANSWER',
      'ARBITER_ANSWER',
      'EVIDENCE_RECEIVED',
      'EVIDENCE_RECEIVED',
      'EVIDENCE_RECEIVED',
      'CASE_READY',
      'VERDICT',
      'SETTLEMENT_COMPLETE',
    ])
    expect(dispute).toMatchObject({ phase: 'ruled', verdict: 'disputant', capture_minor: 0, fee: 0, due: null })
    const { nonce, seed, pool } = dispute
    expect(drawProblems({ ...dispute, nonce: nonce!, seed: seed!, pool: pool!, arbiters: dispute.seats.map(seat => seat.arbiter) }))
      .toEqual([])
    expect(checkTradeEvent({ type: 'EVIDENCE', dispute_id: court.disputeId, ...disputant_evidence }, ann.key.pem)).toBe('valid')
    expect(checkTradeEvent({ type: 'VOTE', dispute_id: court.disputeId, by: panel[0]!.id, ...verdict.votes[0] }, panel[0]!.key.pem)).toBe(
      'valid',
    )
    expect(events.slice(0, 2).map(event => checkTradeEvent(event, ann.key.pem))).toEqual(['valid', 'valid'])
    expect(events.slice(5, 8).map((event, i) => checkTradeEvent(event, panel[i]!.key.pem))).toEqual(['valid', 'valid', 'valid'])
    expect(checkTradeEvent({ ...events[0]!, reason: 'another' }, ann.key.pem)).toBe('invalid')
  })

  test.each([
    ['respondent', ['respondent', 'respondent', 'disputant'], {}, [9_000, 1_000], -18, 4],
    ['mutual', ['mutual', 'mutual', 'mutual'], {}, [9_500, 500], -8, -8],
    ['mutual', ['mutual', 'mutual', 'disputant'], { capture_minor: 250 }, [9_750, 250], -8, -8],
    ['mutual', ['mutual', 'respondent', 'disputant'], {}, [9_500, 500], -8, -8],
  ] as const)('%s by %j captures its part, and rates both', async (verdict, votes, more, [annHas, bobHas], annChange, bobChange) => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    const panel = await heard(court)
    for (const [i, vote] of votes.entries()) await court.vote(panel[i]!, vote, vote === 'mutual' ? more : {})
    expect(await court.ann.wire.next('SETTLEMENT_COMPLETE')).toMatchObject({ verdict })
    expect([await court.ann.balance(), await court.bob.balance()]).toEqual([[annHas, 0], [bobHas, 0]])
    // Who files and loses loses the fee too.
    expect([await court.rating(court.ann) - 1_200, await court.rating(court.bob) - 1_200]).toEqual([annChange, bobChange])
    expect([await court.ann.balance('ELO'), await ledgerSum(relay)]).toEqual([[0, 0], 0])
  })

  test('without money, from DISPUTE, filed by the provider: the ruling ends it all the same', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    const { ann, bob } = court
    const { proposal_id } = await bob.do('PROPOSAL', { to: ann.id, task: 'for nothing' })
    await ann.do('ACCEPT', { proposal_id })
    await ann.do('DISPUTE', { proposal_id, reason: 'bad' })
    const { dispute_id } = await bob.wire.ask(bob.sign('DISPUTE_INTENT', { proposal_id, reason: 'no', commitment: commitmentOf('n') }),
      'DISPUTE_INTENT_ACK')
    court.disputeId = dispute_id
    await bob.wire.ask(bob.sign('DISPUTE_REVEAL', { proposal_id, nonce: 'n' }), 'DISPUTE_REVEALED')
    const panel = [...court.jury.values()]
    // Evidence that both have given before the panel sits is closed when it does.
    await court.evidence(ann)
    await court.evidence(bob)
    expect(await court.refused(ann, 'EVIDENCE', { items: [], statement: 'one more thing' })).toBe('DISPUTE_INVALID_PHASE')
    for (const juror of panel) await court.do(juror, 'ARBITER_ACCEPT')
    for (const juror of panel) await court.vote(juror, 'respondent')
    expect(await ann.wire.next('RULING')).toMatchObject({ proposal_id, winner: ann.id, captured_minor: 0, returned_minor: 0 })
  })
})

describe('deadlines', () => {
  test('a nonce that is not revealed: the fee is lost, the deal stays frozen, the same party gets no other draw, the other party may file', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay)
    const { ann, bob, proposalId } = court
    await court.file()
    relay.clock.advance(10 * minuteMs)
    expect(await bob.wire.next('DISPUTE_CLOSED')).toMatchObject({ outcome: 'abandoned', phase: 'abandoned' })
    expect(await court.rating(ann)).toBe(1_190)
    expect(await ann.balance('ELO')).toEqual([0, 0])
    const again = ann.sign('DISPUTE_INTENT', { proposal_id: proposalId, reason: 'again', commitment: commitmentOf('other') })
    expect((await ann.wire.refusal(again)).code).toBe('DISPUTE_ALREADY_EXISTS')
    expect((await ann.wire.refusal(ann.sign('DISPUTE_REVEAL', { proposal_id: proposalId, nonce: court.nonce }))).code).toBe(
      'DISPUTE_DEADLINE_PASSED',
    )
    expect(
      await bob.wire.ask(bob.sign('DISPUTE_INTENT', { proposal_id: proposalId, reason: 'mine', commitment: commitmentOf('b') }),
        'DISPUTE_INTENT_ACK'),
    ).toMatchObject({ proposal_id: proposalId })
  })

  test('arbiters who decline or stay silent are replaced in the order of the draw, each with time of its own, and lose nothing', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 6 })
    await court.file()
    const panel = await court.reveal()
    const { pool, seed } = (await court.state()).dispute
    const order = drawOrder(pool!, seed!).map(id => court.juror(id))
    expect(order.slice(0, 3)).toEqual(panel)
    await court.do(panel[0]!, 'ARBITER_DECLINE', { reason: 'no time' })
    expect(await court.bob.wire.next('ARBITER_ANSWER')).toMatchObject({
      arbiter: panel[0]!.id,
      answer: 'declined',
      reason: 'no time',
      sig_v: 2,
    })
    expect(await order[3]!.wire.next('ARBITER_ASSIGNED')).toMatchObject({ arbiter: order[3]!.id, is_replacement: true })
    expect(await court.refused(panel[0]!, 'ARBITER_ACCEPT')).toBe('DISPUTE_NOT_ARBITER')
    await court.do(panel[1]!, 'ARBITER_ACCEPT')
    expect(await court.refused(panel[1]!, 'ARBITER_DECLINE')).toBe('DISPUTE_INVALID_PHASE')
    relay.clock.advance(30 * minuteMs)
    expect(await order[4]!.wire.next('ARBITER_ASSIGNED')).toMatchObject({ is_replacement: true })
    await order[5]!.wire.next('ARBITER_ASSIGNED')
    expect(await court.refused(panel[2]!, 'ARBITER_ACCEPT')).toBe('DISPUTE_DEADLINE_PASSED')
    for (const juror of order.slice(4)) await court.do(juror, 'ARBITER_ACCEPT')
    const { dispute } = await court.state()
    expect([dispute.phase, dispute.seats.map(seat => seat.state)]).toEqual(['evidence', [
      'declined',
      'sitting',
      'silent',
      'silent',
      'sitting',
      'sitting',
    ]])
    expect(
      drawProblems({
        ...dispute,
        nonce: dispute.nonce!,
        seed: dispute.seed!,
        pool: dispute.pool!,
        arbiters: dispute.seats.map(seat => seat.arbiter),
      }),
    ).toEqual([])
    expect(await court.rating(panel[2]!)).toBe(1_300)
  })

  test('evidence that does not come is not waited for; an arbiter who does not vote is replaced and loses rating, unless two agree already', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 4 })
    const panel = await seated(court)
    await court.evidence(court.ann)
    relay.clock.advance(60 * minuteMs)
    expect(await panel[0]!.wire.next('CASE_READY')).toMatchObject({ respondent_evidence: null })
    expect(await court.refused(court.bob, 'EVIDENCE', { items: [], statement: 'late' })).toBe('DISPUTE_DEADLINE_PASSED')
    await court.vote(panel[0]!, 'disputant')
    await court.vote(panel[1]!, 'respondent')
    relay.clock.advance(60 * minuteMs)
    const fourth = [...court.jury.values()].find(juror => !panel.includes(juror))!
    await fourth.wire.next('ARBITER_ASSIGNED')
    expect(await court.refused(panel[2]!, 'VOTE', { verdict: 'mutual', reasoning: 'late' })).toBe('DISPUTE_DEADLINE_PASSED')
    await court.do(fourth, 'ARBITER_ACCEPT')
    expect(await fourth.wire.next('CASE_READY')).toMatchObject({ disputant_evidence: { by: court.ann.id } })
    await court.vote(fourth, 'respondent')
    expect(await court.ann.wire.next('VERDICT')).toMatchObject({
      verdict: 'respondent',
      votes: [{}, {}, {}],
      arbiter_results: expect.arrayContaining([{ arbiter: panel[2]!.id, result: 'absent', change: -25 }]) as unknown[],
    })
    expect([await court.rating(panel[2]!), await court.rating(fourth)]).toEqual([1_275, 1_305])
  })

  test('two who agree decide when the third stays away', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    const panel = await heard(court)
    await court.vote(panel[0]!, 'respondent')
    await court.vote(panel[2]!, 'respondent')
    relay.clock.advance(60 * minuteMs)
    expect(await court.bob.wire.next('VERDICT')).toMatchObject({ verdict: 'respondent', capture_minor: 1_000 })
    expect(await court.bob.balance()).toEqual([1_000, 0])
    expect(await court.rating(panel[1]!)).toBe(1_275)
  })
})

describe('no panel', () => {
  test('with too few that may judge, an admin is asked for, sees the evidence, and rules; the case ends with the deal', async () => {
    const key = newKey()
    await using relay = await startCourtRelay({ adminAgents: [key.id] })
    await using court = await openCourt(relay, { jurors: 2 })
    await court.file()
    const { ann, bob } = court
    const answer = await ann.wire.ask(ann.sign('DISPUTE_REVEAL', { proposal_id: court.proposalId, nonce: court.nonce }), 'DISPUTE_STATE')
    expect(answer.dispute).toMatchObject({ phase: 'appealed', seats: [] })
    for (const who of [ann, bob])
      expect(await who.wire.next('DISPUTE_FALLBACK')).toMatchObject({
        dispute_id: court.disputeId,
        reason: 'fewer than 3 eligible arbiters',
      })
    await court.evidence(bob, 'look here')
    expect((await ann.wire.ask({ type: 'ADMIN_DISPUTES', admin_key: adminKey, phase: 'appealed' }, 'DISPUTES')).disputes).toMatchObject([{
      dispute_id: court.disputeId,
    }])
    expect((await ann.wire.refusal({ type: 'ADMIN_DISPUTES', admin_key: 'guess' })).code).toBe('AUTH_REQUIRED')
    await using boss = await newTrader(relay, 'boss', {}, key)
    expect(await boss.wire.ask({ type: 'DISPUTE_EVENTS', dispute_id: court.disputeId }, 'DISPUTE_EVENTS')).toMatchObject({
      respondent_evidence: { statement: 'look here' },
    })
    // A party hears what the other one says when both have said it, whatever else it may here.
    for (const more of [{}, { admin_key: adminKey }]) {
      const told = await ann.wire.ask({ type: 'DISPUTE_EVENTS', dispute_id: court.disputeId, ...more }, 'DISPUTE_EVENTS')
      expect(told.respondent_evidence).toBeNull()
    }
    await boss.wire.ask({ type: 'ADMIN_RULING', proposal_id: court.proposalId, capture_minor: 600, winner: bob.id }, 'PROPOSAL_STATE')
    expect(await ann.wire.next('DISPUTE_CLOSED')).toMatchObject({ outcome: 'ruled', phase: 'ruled' })
    expect([await ann.balance(), await bob.balance(), await ann.balance('ELO'), await ledgerSum(relay)]).toEqual([[9_400, 0], [600, 0], [
      0,
      0,
    ], 0])
  })

  test('when nobody is left to replace an arbiter, too; those who sat are free', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    await court.file()
    const panel = await court.reveal()
    await court.do(panel[1]!, 'ARBITER_ACCEPT')
    await court.do(panel[0]!, 'ARBITER_DECLINE')
    expect(await panel[1]!.wire.next('DISPUTE_FALLBACK')).toMatchObject({
      reason: 'nobody is left to replace an arbiter',
      phase: 'appealed',
    })
    expect(await court.refused(panel[2]!, 'ARBITER_ACCEPT')).toBe('DISPUTE_INVALID_PHASE')
    expect(await rule(court, { capture_minor: 0 })).toMatchObject({ status: 'ruled' })
    expect((await court.state()).dispute).toMatchObject({ phase: 'ruled', verdict: null })
  })

  test.each([
    ['a party gives in', 'settled', async (court: Court) => {
      await court.bob.do('CANCEL', { proposal_id: court.proposalId })
    }],
    ['an admin rules', 'ruled', async (court: Court) => {
      await rule(court, { capture_minor: 1 })
    }],
    ['nobody rules in time', 'ruled', async (court: Court) => {
      court.relay.clock.advance(31 * dayMs)
    }],
  ] as const)('%s while a panel sits: the case is closed, the fee comes back, and its arbiters are told', async (_what, outcome, end) => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    const panel = await seated(court)
    await end(court)
    expect(await panel[0]!.wire.next('DISPUTE_CLOSED')).toMatchObject({ outcome })
    expect(await court.refused(panel[0]!, 'VOTE', { verdict: 'mutual', reasoning: '' })).toBe('DISPUTE_INVALID_PHASE')
    expect([await court.ann.balance('ELO'), await court.rating(court.ann), await ledgerSum(relay)]).toEqual([[0, 0], 1_200, 0])
  })
})

describe('who may judge', () => {
  test('nobody who is a party, under whatever key, deals with one, is new, is inexperienced, is away, or sits on panels enough', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 7 })
    const [away, green, low, young, partner, fine] = [...court.jury.values()] as [Trader, Trader, Trader, Trader, Trader, Trader]
    for (const who of [court.ann, court.bob]) await season(relay, identityOf(who.key))
    await away.wire.ask({ type: 'SET_PRESENCE', status: 'away' }, 'PRESENCE_CHANGED').catch(() => away.wire.barrier())
    await season(relay, identityOf(green.key), { transactions: 9 })
    await season(relay, identityOf(low.key), { rating: 1_199 })
    await season(relay, identityOf(young.key), { ageMs: dayMs })
    const { proposal_id } = await partner.do('PROPOSAL', { to: court.bob.id, task: 'friends' })
    await court.bob.do('ACCEPT', { proposal_id })
    // An offer that nobody accepted makes no partner: else everyone could be kept off a panel.
    await fine.do('PROPOSAL', { to: court.bob.id, task: 'let me' })
    await court.file()
    await court.ann.wire.ask(court.ann.sign('DISPUTE_REVEAL', { proposal_id: court.proposalId, nonce: court.nonce }), 'DISPUTE_STATE')
    const { dispute } = await court.state()
    expect([...dispute.pool!].sort()).toEqual(
      [...court.jury.values()].filter(juror => ![away, green, low, young, partner].includes(juror)).map(juror => juror.id).sort(),
    )
    expect(dispute.phase).toBe('appealed')
  })

  test('of one agent no more than a few panels at once', async () => {
    await using relay = await startCourtRelay()
    await using first = await openCourt(relay, { jurors: 3 })
    const courts = [first]
    for (let i = 0; i < 3; i++) {
      const court = await openCourt(relay, { jurors: 0 })
      courts.push(court)
    }
    for (const [i, court] of courts.entries()) {
      await court.file()
      const heardOf = await court.ann.wire.ask(court.ann.sign('DISPUTE_REVEAL', { proposal_id: court.proposalId, nonce: court.nonce }),
        i < 3 ? 'DISPUTE_REVEALED' : 'DISPUTE_STATE')
      expect(heardOf.type).toBe(i < 3 ? 'DISPUTE_REVEALED' : 'DISPUTE_STATE')
    }
    for (const court of courts.slice(1)) await court[Symbol.asyncDispose]()
  })
})

describe('refused', () => {
  test("strangers, forged and replayed signatures, wrong nonces, double votes, votes of the other party's friends", async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay, { jurors: 3 })
    await using eve = await newTrader(relay, 'eve')
    const { ann, bob, proposalId: proposal_id } = court
    const commitment = commitmentOf(court.nonce)
    const refusal = async (who: Trader, frame: Parameters<Trader['wire']['refusal']>[0]) => (await who.wire.refusal(frame)).code
    const file = (who: Trader, more: object = {}) => who.sign('DISPUTE_INTENT', { proposal_id, reason: 'r', commitment, ...more })
    expect(await refusal(eve, file(eve))).toBe('NOT_PROPOSAL_PARTY')
    expect(await refusal(ann, file(ann, { proposal_id: 'prop_none' }))).toBe('PROPOSAL_NOT_FOUND')
    expect(await refusal(ann, { ...file(ann), reason: 'another' })).toBe('VERIFICATION_FAILED')
    expect(await refusal(ann, ann.sign('DISPUTE_INTENT', { proposal_id, reason: 'r', commitment }, { relay: 'f'.repeat(64) }))).toBe(
      'VERIFICATION_FAILED',
    )
    expect(await refusal(ann, ann.sign('DISPUTE_INTENT', { proposal_id, reason: 'r', commitment }, { ts: relay.clock.now() - 3_600_000 })))
      .toBe('VERIFICATION_EXPIRED')
    expect(await refusal(ann, ann.sign('DISPUTE_REVEAL', { proposal_id, nonce: 'x' }))).toBe('DISPUTE_NOT_FOUND')
    await court.file()
    expect(await refusal(bob, file(bob))).toBe('DISPUTE_ALREADY_EXISTS')
    expect(await refusal(ann, file(ann))).toBe('DISPUTE_ALREADY_EXISTS')
    expect(await refusal(bob, bob.sign('DISPUTE_REVEAL', { proposal_id, nonce: court.nonce }))).toBe('DISPUTE_NOT_PARTY')
    expect(await refusal(ann, ann.sign('DISPUTE_REVEAL', { proposal_id, nonce: 'another' }))).toBe('DISPUTE_COMMITMENT_MISMATCH')
    expect(await court.refused(ann, 'EVIDENCE', { items: [], statement: 'too early' })).toBe('DISPUTE_INVALID_PHASE')
    const panel = await court.reveal()
    const [one] = panel
    expect(await refusal(ann, ann.sign('DISPUTE_REVEAL', { proposal_id, nonce: court.nonce }))).toBe('DISPUTE_INVALID_PHASE')
    for (const who of [ann, bob, eve]) expect(await court.refused(who, 'ARBITER_ACCEPT')).toBe('DISPUTE_NOT_ARBITER')
    expect(await court.refused(one!, 'VOTE', { verdict: 'mutual', reasoning: '' })).toBe('DISPUTE_INVALID_PHASE')
    for (const juror of panel) await court.do(juror, 'ARBITER_ACCEPT')
    for (const who of [eve, one!]) expect(await court.refused(who, 'EVIDENCE', { items: [], statement: 's' })).toBe('DISPUTE_NOT_PARTY')
    const item = { kind: 'k', label: 'l', value: 'v' }
    const evidence = ann.sign('EVIDENCE', { dispute_id: court.disputeId, items: [item], statement: 's' })
    for (const forged of [{ statement: 'other' }, { items: [{ ...item, value: 'w' }] }, { items: [] }])
      expect(await refusal(ann, { ...evidence, ...forged })).toBe('VERIFICATION_FAILED')
    expect(await refusal(ann, { ...evidence, items: Array.from({ length: 11 }, () => item) })).toBe('INVALID_MSG')
    await court.evidence(ann)
    await court.evidence(bob)
    for (const who of [ann, bob, eve])
      expect(await court.refused(who, 'VOTE', { verdict: 'mutual', reasoning: '' })).toBe('DISPUTE_NOT_ARBITER')
    const vote = one!.sign('VOTE', { dispute_id: court.disputeId, verdict: 'respondent', reasoning: 'r' })
    expect(await refusal(one!, { ...vote, verdict: 'disputant' })).toBe('VERIFICATION_FAILED')
    expect(await refusal(panel[1]!, vote)).toBe('VERIFICATION_FAILED')
    expect(
      await refusal(one!, { ...one!.signOld('VOTE', { dispute_id: court.disputeId, verdict: 'mutual' }), reasoning: '', capture_minor: 1 }),
    ).toBe('VERIFICATION_FAILED')
    expect(await court.refused(one!, 'VOTE', { verdict: 'mutual', reasoning: '', capture_minor: 1_001 })).toBe('INVALID_MSG')
    expect(await court.refused(one!, 'VOTE', { verdict: 'disputant', reasoning: '', capture_minor: 1 })).toBe('INVALID_MSG')
    await one!.wire.ask(vote, 'DISPUTE_STATE')
    // The same vote again is the same vote; another one comes too late.
    expect(await one!.wire.ask(vote, 'DISPUTE_STATE')).toMatchObject({ duplicate: true })
    expect(await court.refused(one!, 'VOTE', { verdict: 'disputant', reasoning: 'I changed my mind' })).toBe('DISPUTE_INVALID_PHASE')
    expect((await eve.wire.refusal({ type: 'DISPUTE_EVENTS', dispute_id: court.disputeId })).code).toBe('DISPUTE_NOT_FOUND')
    expect((await eve.wire.ask({ type: 'DISPUTES' }, 'DISPUTES')).disputes).toEqual([])
    expect(await refusal(eve, { ...vote, dispute_id: 'disp_none' })).toBe('VERIFICATION_FAILED')
    expect(await refusal(eve, eve.sign('VOTE', { dispute_id: 'disp_none', verdict: 'respondent', reasoning: 'r' }))).toBe(
      'DISPUTE_NOT_FOUND',
    )
  })

  test('a deal that cannot be disputed, and a filing that the rating does not cover: nothing is frozen, nothing is held', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay)
    const { ann, bob } = court
    const { proposal_id } = await ann.do('PROPOSAL', { to: bob.id, task: 'x' })
    const file = () => ann.wire.refusal(ann.sign('DISPUTE_INTENT', { proposal_id, reason: 'r', commitment: commitmentOf('n') }))
    expect(await file()).toMatchObject({ code: 'INVALID_PROPOSAL', message: expect.stringContaining('WRONG_STATE') as string })
    await bob.do('ACCEPT', { proposal_id })
    await season(relay, identityOf(ann.key), { rating: 105 })
    expect((await file()).code).toBe('INSUFFICIENT_REPUTATION')
    expect((await ann.wire.ask({ type: 'PROPOSAL_EVENTS', proposal_id }, 'PROPOSAL_EVENTS')).proposal.status).toBe('accepted')
    expect(await ann.balance('ELO')).toEqual([0, 0])
  })

  test('a repeat of a filing or a reveal is answered alike, and nobody is drawn twice', async () => {
    await using relay = await startCourtRelay()
    await using court = await openCourt(relay)
    const { ann, proposalId: proposal_id } = court
    const filing = ann.sign('DISPUTE_INTENT', { proposal_id, reason: 'r', commitment: commitmentOf('n') })
    const first = await ann.wire.ask(filing, 'DISPUTE_INTENT_ACK')
    const { ts: _ts, re: _re, ...again } = await ann.wire.ask(filing, 'DISPUTE_INTENT_ACK')
    expect(first).toMatchObject(again)
    const reveal = ann.sign('DISPUTE_REVEAL', { proposal_id, nonce: 'n' })
    const { seed } = await ann.wire.ask(reveal, 'DISPUTE_REVEALED')
    expect(await ann.wire.ask(reveal, 'DISPUTE_REVEALED')).toMatchObject({ seed })
    court.disputeId = first.dispute_id
    expect((await court.state()).dispute.seats).toHaveLength(3)
    expect(await ann.balance('ELO')).toEqual([0, 10])
  })
})

test('a party and an arbiter who rotate their keys go on under the new ones', async () => {
  await using relay = await startCourtRelay()
  await using court = await openCourt(relay, { jurors: 3 })
  const panel = await seated(court)
  const rotate = async (who: Trader, name: string) => {
    const old = identityOf(who.key)
    const next = await newTrader(relay, name)
    const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(old, next.key.pem, Date.now())
    await next.wire.ask({ type: 'ROTATION', old_pubkey, new_pubkey, timestamp, signature }, 'OK')
    return next
  }
  await using ann = await rotate(court.ann, 'ann2')
  await using juror = await rotate(panel[0]!, 'juror-2')
  await court.evidence(ann)
  await court.evidence(court.bob)
  await juror.wire.next('CASE_READY')
  await court.vote(juror, 'disputant')
  await court.vote(panel[1]!, 'disputant')
  await court.vote(panel[2]!, 'disputant')
  expect(await ann.wire.next('SETTLEMENT_COMPLETE')).toMatchObject({ verdict: 'disputant' })
  expect([await ann.balance(), await ann.balance('ELO'), await court.rating(juror)]).toEqual([[10_000, 0], [0, 0], 1_305])
})

test("who comes to hold an arbiter's key and a party's is a party: nobody judges his own case", async () => {
  await using relay = await startCourtRelay()
  await using court = await openCourt(relay, { jurors: 3 })
  const [one, two, three] = await heard(court) as [Trader, Trader, Trader]
  const rotate = async (from: Trader, to: Trader) => {
    const old = identityOf(from.key)
    const { old_pubkey, new_pubkey, timestamp, signature } = makeRotation(old, to.key.pem, Date.now())
    await to.wire.ask({ type: 'ROTATION', old_pubkey, new_pubkey, timestamp, signature }, 'OK')
  }
  await rotate(court.bob, one)
  expect(await court.refused(one, 'VOTE', { verdict: 'respondent', reasoning: 'I am right' })).toBe('DISPUTE_NOT_ARBITER')
  // Two seats in one hand are one vote.
  await rotate(two, three)
  await court.vote(three, 'disputant')
  expect(await court.refused(three, 'VOTE', { verdict: 'respondent', reasoning: 'again' })).toBe('DISPUTE_INVALID_PHASE')
})

test('evidence can be sent again, but not for ever; who has left the panel reads nothing of it', async () => {
  await using relay = await startCourtRelay()
  await using court = await openCourt(relay, { jurors: 4 })
  await court.file()
  const [left] = await court.reveal()
  await court.do(left!, 'ARBITER_DECLINE')
  for (const statement of ['a slip', 'corrected'])
    await court.ann.wire.ask({ ...court.ann.signOld('EVIDENCE', { dispute_id: court.disputeId, items: [] }), statement }, 'DISPUTE_STATE')
  expect((await court.state()).disputant_evidence).toMatchObject({ statement: 'corrected', sig_v: 1 })
  for (let i = 0; i < 16; i++) await court.evidence(court.ann, `version ${i}`)
  expect(await court.refused(court.ann, 'EVIDENCE', { items: [], statement: 'once more' })).toBe('LIMIT_REACHED')
  await court.evidence(court.bob)
  expect((await court.state()).disputant_evidence).toMatchObject({ statement: 'version 15' })
  expect((await left!.wire.refusal({ type: 'DISPUTE_EVENTS', dispute_id: court.disputeId })).code).toBe('DISPUTE_NOT_FOUND')
})

test('a verdict that would come after the deadline of the deal itself comes too late: the deal ends as its table says', async () => {
  await using relay = await startCourtRelay()
  await using court = await openCourt(relay, { jurors: 3 })
  await court.ann.do('DISPUTE', { proposal_id: court.proposalId, reason: 'late' })
  relay.clock.advance(30 * dayMs - 30 * minuteMs)
  for (const juror of court.jury.values()) await season(relay, identityOf(juror.key))
  const panel = await heard(court)
  await court.vote(panel[0]!, 'respondent')
  await court.vote(panel[1]!, 'respondent')
  relay.clock.advance(31 * minuteMs)
  expect(await court.refused(panel[2]!, 'VOTE', { verdict: 'respondent', reasoning: 'r' })).toMatch(
    /^DISPUTE_(DEADLINE_PASSED|INVALID_PHASE)$/,
  )
  expect(await court.bob.wire.next('DISPUTE_CLOSED')).toMatchObject({ outcome: 'ruled' })
  expect([await court.ann.balance(), await court.bob.balance(), await ledgerSum(relay)]).toEqual([[10_000, 0], [0, 0], 0])
})

test('lists: what one is a party of, what one sits on, page by page', async () => {
  await using relay = await startCourtRelay()
  await using court = await openCourt(relay, { jurors: 3 })
  await court.file()
  const [juror] = await court.reveal()
  await using second = await openCourt(relay, { jurors: 0 })
  await second.file()
  const ids = async (who: Trader, query: object) =>
    (await who.wire.ask({ type: 'DISPUTES', ...query }, 'DISPUTES')).disputes.map(dispute => dispute.dispute_id)
  expect([
    await ids(court.ann, {}),
    await ids(court.bob, { role: 'party' }),
    await ids(court.bob, { role: 'arbiter' }),
    await ids(juror!, { role: 'arbiter', phase: 'seating' }),
    await ids(juror!, { phase: 'filed' }),
  ])
    .toEqual([[court.disputeId], [court.disputeId], [], [court.disputeId], []])
  const all = async (query: object): Promise<Frame<'DISPUTES'>> =>
    court.ann.wire.ask({ type: 'ADMIN_DISPUTES', admin_key: adminKey, ...query }, 'DISPUTES')
  const page = await all({ limit: 1 })
  expect([page.disputes.map(each => each.dispute_id), page.more]).toEqual([[second.disputeId], true])
  expect((await all({ limit: 1, before: second.disputeId })).disputes.map(each => each.dispute_id)).toEqual([court.disputeId])
})

test('docs/DISPUTES.md says the numbers that hold', () => {
  const page = readFileSync('docs/DISPUTES.md', 'utf8')
  const { revealMs, answerMs, evidenceMs, voteMs, maxAsked } = courtTerms
  for (const ms of [revealMs, answerMs, evidenceMs, voteMs]) expect(page).toContain(`${ms / minuteMs} minutes`)
  for (
    const text of [
      `up to ${maxAsked} are asked`,
      `The fee of ${filingFee}`,
      `rating of at least ${eligibility.rating} and ${eligibility.transactions} rated deals`,
      `of at least ${eligibility.standing}, and ${eligibility.counterparties} counterparties`,
      `(${defaultConfig().minArbiters} by default; ${courtTerms.seats} at least`,
      `no more than ${eligibility.maxPanels} panels`,
      `known for ${eligibility.minAgeMs / dayMs} days`,
      `within ${eligibility.strangerForMs / dayMs} days`,
    ]
  ) {
    expect(page).toContain(text)
  }
})
