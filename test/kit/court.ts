// A court for tests: two parties with a disputed deal, and agents that may judge it.
import { commitmentOf, generateKeyPair, receiptIdOf, receiptText, type LocalIdentity } from '../../lib/identity/index.ts'
import { nodeIdentity } from '../../lib/node/index.ts'
import type { Frame, Receipt } from '../../lib/protocol/index.ts'
import { addReceipt, listReceipts, saveRating } from '../../src/features/trade/reputation/store.ts'
import { rememberAgent, setVerified } from '../../src/store/agents.ts'
import { readMeta } from '../../src/store/meta.ts'
import type { Tx } from '../../src/store/store.ts'
import { startTestRelay, type TestRelay } from './relay.ts'
import { adminKey, newTrader, type Trader } from './trade.ts'
import { identityOf, newKey, type Key } from './wire.ts'

export const minuteMs = 60_000
export const dayMs = 24 * 60 * minuteMs
/** What the relay has to be for a test of the court: an admin, a panel of as few as there are seats, and nobody leaves because time is moved. */
export const courtConfig = { adminKey, minArbiters: 3, pingTimeoutMs: 1e12 } as const

/** Agents that the operator has verified, and that hired others for money. */
const patrons = ['ada', 'ben', 'cyd'].map(name => nodeIdentity(generateKeyPair().privateKey, { name }))

/** A patron has hired an agent and paid it, a day ago; both and the relay have signed the receipt. */
const hire = async (relay: TestRelay, tx: Tx, patron: LocalIdentity, worker: LocalIdentity): Promise<void> => {
  const id = worker.agentId
  const proposal_id = `prop_${patron.agentId.slice(1)}_${id.slice(1)}`
  if ((await listReceipts(tx, { of: id, proposal: proposal_id, limit: 1 })).length > 0) return
  const at = relay.clock.now() - dayMs
  await rememberAgent(tx, { id: patron.agentId, pubkey: patron.publicKey, name: patron.name ?? 'patron' }, at)
  await setVerified(tx, patron.agentId, true)
  const receipt: Receipt = {
    relay_id: relay.serverId,
    proposal_id,
    outcome: 'completed',
    client: { agent: patron.agentId, pubkey: patron.publicKey },
    provider: { agent: id, pubkey: worker.publicKey },
    task: 'an ordinary deal',
    terms: null,
    price: 10,
    currency: 'USD',
    paid: { rail: 'ledger', captured_minor: 1_000, returned_minor: 0 },
    milestones: null,
    captures: [{ minor: 1_000, at }],
    deliverables: [],
    proposed_at: at,
    completed_at: at,
  }
  const receiptId = receiptIdOf(receipt)
  const relayKey = nodeIdentity((await readMeta(tx, 'relay_private_key'))!)
  const sigOf = ({ sign }: LocalIdentity) => sign(receiptText(receipt))
  await addReceipt(tx, {
    id: receiptId,
    proposal: proposal_id,
    client: patron.agentId,
    provider: id,
    text: JSON.stringify(receipt),
    relay_pubkey: relayKey.publicKey,
    relay_sig: sigOf(relayKey),
    client_sig: sigOf(patron),
    provider_sig: sigOf(worker),
    currency: 'USD',
    paid: 1_000,
    completed_at: at,
  })
}

/** Makes an agent one that may judge: long known, experienced, and of standing by what strangers to each other paid it. */
export const season = async (
  relay: TestRelay,
  worker: LocalIdentity,
  { rating = 1_300, transactions = 10, ageMs = 8 * dayMs } = {},
): Promise<void> => {
  const now = relay.clock.now()
  interface Tables {
    agents: { id: string, first_seen: number }
  }
  await relay.store.write(async tx => {
    for (const patron of patrons) await hire(relay, tx, patron, worker)
    await saveRating(tx, { agent: worker.agentId, rating, transactions, updated: now })
    await tx.tables<Tables>().updateTable('agents').set({ first_seen: now - ageMs }).where('id', '=', worker.agentId).execute()
  })
}

export class Court implements AsyncDisposable {
  readonly relay: TestRelay
  readonly ann: Trader
  readonly bob: Trader
  readonly jury: ReadonlyMap<string, Trader>
  readonly proposalId: string
  readonly nonce = 'the secret of ann'
  disputeId = ''

  constructor(relay: TestRelay, ann: Trader, bob: Trader, jury: readonly Trader[], proposalId: string) {
    this.relay = relay
    this.ann = ann
    this.bob = bob
    this.jury = new Map(jury.map(juror => [juror.id, juror]))
    this.proposalId = proposalId
  }

  /** Ann files. */
  async file(): Promise<Frame<'DISPUTE_INTENT_ACK'>> {
    const ack = await this.ann.wire.ask(
      this.ann.sign('DISPUTE_INTENT', {
        proposal_id: this.proposalId,
        reason: 'nothing was delivered',
        commitment: commitmentOf(this.nonce),
      }),
      'DISPUTE_INTENT_ACK',
    )
    this.disputeId = ack.dispute_id
    return ack
  }

  /** Ann reveals; gives the arbiters in the order of the draw. */
  async reveal(): Promise<readonly Trader[]> {
    await this.ann.wire.ask(this.ann.sign('DISPUTE_REVEAL', { proposal_id: this.proposalId, nonce: this.nonce }), 'DISPUTE_REVEALED')
    return (await this.ann.wire.next('PANEL_FORMED')).arbiters.map(id => this.juror(id))
  }

  juror(id: string): Trader {
    const juror = this.jury.get(id)
    if (juror === undefined) throw new Error(`${id} is no juror`)
    return juror
  }

  /** A step in the case. */
  async do(
    who: Trader,
    type: 'ARBITER_ACCEPT' | 'ARBITER_DECLINE' | 'EVIDENCE' | 'VOTE',
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Frame<'DISPUTE_STATE'>['dispute']> {
    return (await who.wire.ask(who.sign(type, { dispute_id: this.disputeId, ...fields }), 'DISPUTE_STATE')).dispute
  }

  async refused(
    who: Trader,
    type: 'ARBITER_ACCEPT' | 'ARBITER_DECLINE' | 'EVIDENCE' | 'VOTE',
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    return (await who.wire.refusal(who.sign(type, { dispute_id: this.disputeId, ...fields }))).code
  }

  evidence(who: Trader, statement = 'it is so'): Promise<Frame<'DISPUTE_STATE'>['dispute']> {
    return this.do(who, 'EVIDENCE', { items: [{ kind: 'log', label: 'what happened', value: 'nothing' }], statement })
  }

  vote(
    who: Trader,
    verdict: 'disputant' | 'respondent' | 'mutual',
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Frame<'DISPUTE_STATE'>['dispute']> {
    return this.do(who, 'VOTE', { verdict, reasoning: 'I looked at it', ...more })
  }

  async state(): Promise<Frame<'DISPUTE_EVENTS'>> {
    return this.ann.wire.ask({ type: 'DISPUTE_EVENTS', dispute_id: this.disputeId }, 'DISPUTE_EVENTS')
  }

  async rating(who: Trader): Promise<number> {
    return (await who.wire.ask({ type: 'RATING' }, 'RATING')).rating
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const who of [this.ann, this.bob, ...this.jury.values()]) await who[Symbol.asyncDispose]()
  }
}

export interface CourtSetup {
  readonly jurors?: number
  readonly keys?: readonly Key[]
  readonly amount?: number
  readonly eloStake?: number
}

/** Ann is the client of a funded deal with bob; `jurors` may judge. */
export const openCourt = async (relay: TestRelay, { jurors = 4, amount = 10, eloStake = 0 }: CourtSetup = {}): Promise<Court> => {
  const ann = await newTrader(relay, 'ann', { USD: 10_000 })
  const bob = await newTrader(relay, 'bob')
  const jury: Trader[] = []
  for (let i = 0; i < jurors; i++) {
    const juror = await newTrader(relay, `juror${i}`, {}, newKey())
    await season(relay, identityOf(juror.key))
    jury.push(juror)
  }
  const { proposal_id } = await ann.do('PROPOSAL', {
    to: bob.id,
    task: 'write it',
    amount,
    currency: 'USD',
    ...(eloStake > 0 && { elo_stake: eloStake }),
  })
  await bob.do('ACCEPT', { proposal_id })
  await ann.do('FUND', { proposal_id })
  for (const who of [ann, bob]) await who.wire.clear()
  return new Court(relay, ann, bob, jury, proposal_id)
}

export const startCourtRelay = (
  overrides: Parameters<typeof startTestRelay>[0] = {},
  parts: Parameters<typeof startTestRelay>[1] = {},
): Promise<TestRelay> => startTestRelay({ ...courtConfig, ...overrides } as never, parts)

/** The whole ledger, added up: money is neither made nor lost. */
export const ledgerSum = async (relay: TestRelay): Promise<number> => {
  interface Tables {
    accounts: { balance: number }
  }
  return (await relay.store.read.tables<Tables>().selectFrom('accounts').selectAll().execute()).reduce((sum, row) => sum + row.balance, 0)
}
