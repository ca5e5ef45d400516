// A dispute in every phase when the relay stops: the next life goes on where it was, and its deadlines still come.
import { expect, test } from 'vitest'
import { Court, dayMs, minuteMs, openCourt, startCourtRelay } from './kit/court.ts'
import { newFolder } from './kit/folder.ts'
import type { TestRelay } from './kit/relay.ts'
import { Trader } from './kit/trade.ts'

/** One life that leaves a case behind, and another that finds it; arbiters in the order of the draw. */
const overRestart = async (
  before: (court: Court) => Promise<readonly Trader[]>,
  after: (court: Court, panel: readonly Trader[]) => Promise<void>,
): Promise<void> => {
  using data = newFolder()
  let left: { readonly court: Court, readonly panel: readonly Trader[] }
  {
    await using relay = await startCourtRelay({ data: data.path })
    await using court = await openCourt(relay, { jurors: 4 })
    await court.file()
    left = { court, panel: await before(court) }
  }
  await using relay = await startCourtRelay({ data: data.path })
  const again = async (relay: TestRelay, { key }: Trader) => new Trader(await relay.login('back', { key, autojoin: false }), key, relay)
  const { court: { ann, bob, jury, proposalId, disputeId }, panel } = left
  const people = new Map<string, Trader>()
  for (const who of [ann, bob, ...jury.values()]) people.set(who.id, await again(relay, who))
  await using court = new Court(relay, people.get(ann.id)!, people.get(bob.id)!, [...jury.keys()].map(id => people.get(id)!), proposalId)
  court.disputeId = disputeId
  await after(court, panel.map(juror => people.get(juror.id)!))
}

const phase = async (court: Court): Promise<string> => (await court.state()).dispute.phase
const isClosed = async (court: Court, outcome: string) => expect(await court.bob.wire.next('DISPUTE_CLOSED')).toMatchObject({ outcome })

const seated = async (court: Court): Promise<readonly Trader[]> => {
  const panel = await court.reveal()
  for (const juror of panel) await court.do(juror, 'ARBITER_ACCEPT')
  return panel
}

const heard = async (court: Court): Promise<readonly Trader[]> => {
  const panel = await seated(court)
  await court.evidence(court.ann, 'before the restart')
  await court.evidence(court.bob)
  return panel
}

test('filed: the nonce can still be revealed, against what was committed to before', () =>
  overRestart(async () => [], async court => {
    expect(await phase(court)).toBe('filed')
    expect(await court.reveal()).toHaveLength(3)
  }))

test('filed: the time to reveal runs out all the same', () =>
  overRestart(async () => [], async court => {
    court.relay.clock.advance(10 * minuteMs)
    await isClosed(court, 'abandoned')
  }))

test('seating: who was asked can accept, and who was silent is replaced', () =>
  overRestart(court => court.reveal(), async (court, panel) => {
    await court.do(panel[0]!, 'ARBITER_ACCEPT')
    await court.do(panel[1]!, 'ARBITER_ACCEPT')
    court.relay.clock.advance(30 * minuteMs)
    const fourth = [...court.jury.values()].find(juror => !panel.includes(juror))!
    expect(await fourth.wire.next('ARBITER_ASSIGNED')).toMatchObject({ is_replacement: true })
    await court.do(fourth, 'ARBITER_ACCEPT')
    expect(await phase(court)).toBe('evidence')
  }))

test('evidence: it is closed when its time is over', () =>
  overRestart(async court => {
    const panel = await seated(court)
    await court.evidence(court.ann, 'before the restart')
    return panel
  }, async (court, panel) => {
    expect(await phase(court)).toBe('evidence')
    court.relay.clock.advance(60 * minuteMs)
    expect(await panel[2]!.wire.next('CASE_READY')).toMatchObject({ disputant_evidence: { statement: 'before the restart' } })
  }))

test('voting: votes from before count, and who had none when the time is over is replaced', () =>
  overRestart(async court => {
    const panel = await heard(court)
    await court.vote(panel[0]!, 'disputant')
    await court.vote(panel[1]!, 'respondent')
    return panel
  }, async (court, panel) => {
    expect(await court.refused(panel[0]!, 'VOTE', { verdict: 'mutual', reasoning: 'again' })).toBe('DISPUTE_INVALID_PHASE')
    court.relay.clock.advance(60 * minuteMs)
    const fourth = [...court.jury.values()].find(juror => !panel.includes(juror))!
    await fourth.wire.next('ARBITER_ASSIGNED')
    await court.do(fourth, 'ARBITER_ACCEPT')
    await court.vote(fourth, 'respondent')
    expect(await court.ann.wire.next('VERDICT')).toMatchObject({ verdict: 'respondent' })
    expect(await court.bob.balance()).toEqual([1_000, 0])
  }))

test('appealed: the deadline of the deal ends it, if no admin does', () =>
  overRestart(async court => {
    const panel = await court.reveal()
    await court.do(panel[0]!, 'ARBITER_DECLINE')
    await court.do(panel[1]!, 'ARBITER_DECLINE')
    return panel
  }, async court => {
    expect(await phase(court)).toBe('appealed')
    court.relay.clock.advance(30 * dayMs)
    await isClosed(court, 'ruled')
    // Nothing was delivered: all of it goes back.
    expect(await court.ann.balance()).toEqual([10_000, 0])
  }))

test('ruled: money, ratings and votes are what they were', () =>
  overRestart(async court => {
    const panel = await heard(court)
    for (const juror of panel) await court.vote(juror, 'respondent')
    return panel
  }, async (court, panel) => {
    expect(await phase(court)).toBe('ruled')
    expect([await court.bob.balance(), await court.rating(panel[0]!), await court.rating(court.ann)]).toEqual([[1_000, 0], 1_305, 1_182])
  }))

test('who was away finds the case and the seat in the inbox, and goes on from there', async () => {
  using data = newFolder()
  let keys: readonly Trader[]
  let disputeId: string
  {
    await using relay = await startCourtRelay({ data: data.path })
    await using court = await openCourt(relay, { jurors: 3 })
    await court.bob.wire.close()
    await court.file()
    for (const juror of court.jury.values()) await juror.wire.close()
    keys = [court.bob, ...await court.reveal()]
    disputeId = court.disputeId
  }
  await using relay = await startCourtRelay({ data: data.path })
  const [bob, juror] = keys as readonly [Trader, Trader]
  await using party = await relay.login('bob', { key: bob.key, autojoin: false })
  expect(await party.next('DISPUTE_FILED')).toMatchObject({ dispute_id: disputeId, respondent: bob.id })
  expect(await party.next('PANEL_FORMED')).toMatchObject({ dispute_id: disputeId })
  await using arbiter = new Trader(await relay.login('juror', { key: juror.key, autojoin: false }), juror.key, relay)
  expect(await arbiter.wire.next('ARBITER_ASSIGNED')).toMatchObject({ dispute_id: disputeId, arbiter: juror.id })
  await arbiter.wire.ask(arbiter.sign('ARBITER_ACCEPT', { dispute_id: disputeId }), 'DISPUTE_STATE')
  expect(await party.next('ARBITER_ANSWER')).toMatchObject({ arbiter: juror.id, answer: 'accepted' })
})
