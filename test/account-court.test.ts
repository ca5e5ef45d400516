// Nobody judges his own case: an account that operates the relay has no more of a case that an agent of its own is a party of than that party.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addOwned } from '../src/features/account/accounts/claims-store.ts'
import { Browser, Passkey } from './kit/authenticator.ts'
import { openCourt, startCourtRelay, type Court } from './kit/court.ts'
import type { TestRelay } from './kit/relay.ts'
import { newTrader } from './kit/trade.ts'
import { loginOn, newKey, type Key, type Wire } from './kit/wire.ts'

const boss = newKey()
let relay: TestRelay
let origin: string
let ada: Browser
let account: string
const passkey = () => new Passkey(origin)
let adaKey: Passkey

beforeAll(async () => {
  relay = await startCourtRelay({ accounts: true, adminAgents: [boss.id] })
  origin = relay.setUpUrl!.split('/account')[0]!
  adaKey = passkey()
  ada = new Browser(() => relay.httpUrl, origin)
  await ada.setUp(relay.setUpUrl!, adaKey, 'Ada')
  account = ((await ada.ask('GET', '/account/me')).body as { account: { id: string } }).account.id
})
afterAll(() => relay.drain())

/** As a claim that both have signed leaves it. */
const own = (agent: string, of = account) =>
  relay.store.write(tx => addOwned(tx, { agent, account: of, text: '', sig: '', at: 1, sign_in: '' }))
/** A session of Ada's browser, by a key of no account. */
const consoleOf = async (key: Key = newKey()): Promise<Wire & AsyncDisposable> => {
  await ada.signIn(adaKey)
  return loginOn(await relay.connect(undefined, { origin, cookie: ada.cookie }), relay.url, 'console', { key })
}
const evidenceTo = async (wire: Wire, { disputeId }: Court) => {
  const told = await wire.ask({ type: 'DISPUTE_EVENTS', dispute_id: disputeId }, 'DISPUTE_EVENTS')
  return [told.disputant_evidence?.statement, told.respondent_evidence?.statement]
}
const rule = ({ proposalId, ann }: Court) => ({ type: 'ADMIN_RULING', proposal_id: proposalId, capture_minor: 0, winner: ann.id })
/** A case without a panel, in which the respondent has said something and the disputant has not. */
const appealed = async (): Promise<Court> => {
  const court = await openCourt(relay, { jurors: 0 })
  await court.file()
  await court.ann.wire.ask(court.ann.sign('DISPUTE_REVEAL', { proposal_id: court.proposalId, nonce: court.nonce }), 'DISPUTE_STATE')
  await court.evidence(court.bob, 'what Bob says')
  return court
}

describe('who operates the relay', () => {
  test('sees what is sealed of the case of others, and rules on it', async () => {
    await using court = await appealed()
    await using wire = await consoleOf()
    expect(await evidenceTo(wire, court)).toEqual([undefined, 'what Bob says'])
    await wire.ask(rule(court), 'PROPOSAL_STATE')
  })

  test('sees of a case of its own agent what that agent sees, and does not rule on it, by the account or by the agent’s key', async () => {
    await using court = await appealed()
    await own(court.ann.id)
    await using wire = await consoleOf()
    expect(await evidenceTo(wire, court)).toEqual([undefined, undefined])
    expect((await wire.refusal(rule(court))).message).toContain('NOT_YOURS_TO_DO')
    // Its own side is shown as ever.
    await using other = await appealed()
    await own(other.bob.id)
    expect(await evidenceTo(wire, other)).toEqual([undefined, 'what Bob says'])
    // An admin agent that the same account owns is the same hand; one that is not claimed is nobody's, as far as can be known.
    await using admin = await newTrader(relay, 'boss', {}, boss)
    expect(await evidenceTo(admin.wire, court)).toEqual([undefined, 'what Bob says'])
    await own(boss.id)
    expect(await evidenceTo(admin.wire, court)).toEqual([undefined, undefined])
    expect((await admin.wire.refusal(rule(court))).message).toContain('NOT_YOURS_TO_DO')
    // Once both have spoken nothing is sealed.
    await court.evidence(court.ann, 'what Ann says')
    for (const who of [wire, admin.wire]) expect(await evidenceTo(who, court)).toEqual(['what Ann says', 'what Bob says'])
  })
})

test('an arbiter whose account has come to own a party since the draw takes no seat, and does not vote', async () => {
  const judge = '~00000000000000aa'
  // Standings are of a minute ago at most.
  relay.clock.advance(2 * 60_000)
  await using court = await openCourt(relay, { jurors: 4 })
  await court.file()
  const panel = await court.reveal()
  await court.do(panel[0]!, 'ARBITER_ACCEPT')
  for (const agent of [panel[0]!.id, panel[1]!.id, court.bob.id]) await own(agent, judge)
  expect(await court.refused(panel[1]!, 'ARBITER_ACCEPT')).toBe('NOT_ALLOWED')
  await court.do(panel[1]!, 'ARBITER_DECLINE')
  const fourth = [...court.jury.values()].find(juror => !panel.includes(juror))!
  await fourth.wire.next('ARBITER_ASSIGNED')
  for (const juror of [panel[2]!, fourth]) await court.do(juror, 'ARBITER_ACCEPT')
  await court.evidence(court.ann)
  await court.evidence(court.bob)
  expect(await court.refused(panel[0]!, 'VOTE', { verdict: 'respondent', reasoning: 'mine' })).toBe('NOT_ALLOWED')
  await court.vote(panel[2]!, 'disputant')
  await court.vote(fourth, 'disputant')
  relay.clock.advance(60 * 60_000)
  expect(await court.ann.wire.next('VERDICT')).toMatchObject({ verdict: 'disputant' })
})
