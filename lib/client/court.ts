// Disputes before a panel: filing, judging, and checking afterwards that nobody chose the panel and everybody signed.
import { checkProof, commitmentOf, drawProblems, randomNonce, type TradeAction, type TradeSignature } from '../identity/index.ts'
import type { Asked, Told } from '../protocol/index.ts'
import { eventPages, firstOf } from './pages.ts'
import type { ClientPort } from './port.ts'
import type { OwnerOptions } from './channels.ts'
import type { CallOptions } from './pending.ts'
import { askSigned, checkEvent, type Unsigned } from './signatures.ts'
import type { ProposalEvent } from './trade.ts'

/** A case as it stands; amounts in minor units, times in ms. */
export type Dispute = Told<'DISPUTE_STATE'>['dispute']
/** What a panel can find: for who filed, for the other, or for neither. */
export type Verdict = NonNullable<Dispute['verdict']>
/** One piece of evidence: a kind, a label and a value. */
export type EvidenceItem = Asked<'EVIDENCE'>['items'][number]
type Evidence = NonNullable<Told<'DISPUTE_EVENTS'>['disputantEvidence']>

/** What was signed, and what the signature is worth. */
type Checked<T> = T & { readonly signature: TradeSignature }

/** What a proof of one message among the evidence (`kind: "tlog-proof"`) is worth: checked against the key of this relay. */
export interface EvidenceProof {
  /** which of the items it is, from 0 */
  readonly item: number
  /** Whether this relay signed a head under which the message is. */
  readonly holds: boolean
  /** why not */
  readonly problem?: string
  /** The message as it is stored, and where. */
  readonly message?: { readonly stream: string, readonly seq: number, readonly text: string }
}

type CheckedEvidence = Checked<Evidence> & { readonly proofs: readonly EvidenceProof[] }

/** A case with its history, each step checked, and the evidence that you may see. */
export interface ShownDispute {
  readonly dispute: Dispute
  readonly events: readonly Checked<ProposalEvent>[]
  /** of each side, where it may be seen, and what the proofs among it are worth */
  readonly evidence: { readonly disputant: CheckedEvidence | null, readonly respondent: CheckedEvidence | null }
  /** once there is a verdict */
  readonly votes: readonly Checked<Told<'VERDICT'>['votes'][number]>[]
  /** what is wrong with the draw; empty: nothing. null: there was none */
  readonly draw: readonly string[] | null
}

/** Which cases: as party or as arbiter, and in which phase. */
export interface DisputeQuery {
  readonly role?: 'party' | 'arbiter' | undefined
  readonly phase?: Dispute['phase'] | undefined
  readonly limit?: number | undefined
}

const pageSize = 200
const listPageSize = 50

/**
 * Problems of the draw of a case, computed from what it tells, as it came or was kept; null: nobody was drawn. Needs no relay.
 * @example drawOf((await client.court.get('disp_mhx1k2_9f86d081')).frame)
 */
export const drawOf = ({ nonce, seed, pool, seats, ...dispute }: Dispute['frame']): readonly string[] | null =>
  nonce === null || seed === null || pool === null || seats.length === 0
    ? null
    : drawProblems({ ...dispute, nonce, seed, pool, arbiters: seats.map(seat => seat.arbiter) })

/** What `client.court` offers. Every step resolves with the case as it then stands. */
export class Court {
  readonly #port: ClientPort

  constructor(port: ClientPort) {
    this.#port = port
  }

  /**
   * Files a dispute about a proposal of yours: freezes it, and has a panel drawn. Costs a fee in rating, which comes back unless you lose.
   * A `nonce` of your own lets you `reveal` it later if the connection is lost in between; within 10 minutes, or the fee is gone.
   * @throws RelayError PROPOSAL_NOT_FOUND, NOT_PROPOSAL_PARTY, INVALID_PROPOSAL, DISPUTE_ALREADY_EXISTS, INSUFFICIENT_REPUTATION
   * @example const dispute = await client.court.file('prop_mhx1k2_9f86d081', 'nothing was delivered')
   */
  async file(
    proposalId: string,
    reason: string,
    { nonce = randomNonce() }: { readonly nonce?: string } = {},
    options?: CallOptions,
  ): Promise<Dispute> {
    await this.commit(proposalId, reason, nonce, options)
    return this.reveal(proposalId, nonce, options)
  }

  /** The first half of `file`. Keep what it answers: with it, nobody can change afterwards who could be drawn. */
  commit(proposalId: string, reason: string, nonce: string, options?: CallOptions): Promise<Told<'DISPUTE_INTENT_ACK'>> {
    return askSigned(this.#port, 'DISPUTE_INTENT', { proposalId, reason, commitment: commitmentOf(nonce) }, options)
  }

  /** The second half of `file`. The case is `seating` then, or `appealed` where no panel can be formed. */
  async reveal(proposalId: string, nonce: string, options?: CallOptions): Promise<Dispute> {
    const answer = await askSigned(this.#port, 'DISPUTE_REVEAL', { proposalId, nonce }, options)
    return answer.type === 'DISPUTE_STATE' ? answer.dispute : this.get(answer.disputeId, options)
  }

  /** Takes the seat on the panel that you were drawn for. */
  accept(disputeId: string, options?: CallOptions): Promise<Dispute> {
    return this.#act('ARBITER_ACCEPT', { disputeId }, options)
  }

  /** Declines the seat; the next one of the draw is asked. */
  decline(disputeId: string, reason?: string, options?: CallOptions): Promise<Dispute> {
    return this.#act('ARBITER_DECLINE', { disputeId, reason }, options)
  }

  /** Says what you have to say as a party; at most 10 items. Until the other party's is in too, a newer one replaces it. */
  evidence(
    disputeId: string,
    { items = [], statement }: { readonly items?: readonly EvidenceItem[], readonly statement: string },
    options?: CallOptions,
  ): Promise<Dispute> {
    return this.#act('EVIDENCE', { disputeId, items, statement }, options)
  }

  /**
   * Decides, as an arbiter; once. `captureMinor` goes with `mutual`: what of the money the provider gets; half of it if nothing
   * is said.
   */
  vote(
    disputeId: string,
    verdict: Verdict,
    { reasoning = '', captureMinor }: { readonly reasoning?: string | undefined, readonly captureMinor?: number | undefined } = {},
    options?: CallOptions,
  ): Promise<Dispute> {
    return this.#act('VOTE', { disputeId, verdict, reasoning, captureMinor }, options)
  }

  /** Your disputes, the newest first; all of them unless `limit` says how many. */
  async list({ limit = Infinity, ...query }: DisputeQuery = {}, options?: CallOptions): Promise<readonly Dispute[]> {
    return firstOf(limit, {
      read: (before: string | undefined, left) =>
        this.#port.ask('DISPUTES', { ...query, before, limit: Math.min(listPageSize, left) }, options),
      entries: ({ disputes }) => disputes,
      more: ({ more }) => more,
      next: ({ disputes }) => disputes.at(-1)?.disputeId,
      order: 'any',
    })
  }

  /** A case as it stands, without its history. */
  async get(disputeId: string, options?: CallOptions): Promise<Dispute> {
    return (await this.#page(disputeId, 0, 1, options)).dispute
  }

  /** A case with its whole history: every signature checked, and the draw computed again. Nothing of that needs the relay's word. */
  async show(disputeId: string, { adminKey, ...options }: OwnerOptions = {}): Promise<ShownDispute> {
    const keys = new Map<string, string | null>()
    const checked = async <T extends object>(
      what: T,
      event: { readonly type: string } & Readonly<Record<string, unknown>>,
    ): Promise<Checked<T>> => Object.assign(what, { signature: await checkEvent(this.#port, event, keys, options) })
    const stored: ProposalEvent[] = []
    let last: Told<'DISPUTE_EVENTS'> | undefined
    for await (const page of eventPages(after => this.#page(disputeId, after, pageSize, options, adminKey))) {
      stored.push(...page.events)
      last = page
    }
    const { dispute, disputantEvidence, respondentEvidence } = last!
    const evidence = async (said: Evidence | null) =>
      said && Object.assign(await checked(said, { type: 'EVIDENCE', dispute_id: disputeId, ...said.frame }), {
        proofs: proofsIn(said, this.#port.place()?.key),
      })
    const verdict = stored.find(event => event.type === 'VERDICT') as Told<'VERDICT'> | undefined
    return {
      dispute,
      events: await inOrder(stored, event => checked(event, event.frame)),
      evidence: { disputant: await evidence(disputantEvidence), respondent: await evidence(respondentEvidence) },
      votes: await inOrder(verdict?.votes ?? [],
        vote => checked(vote, { type: 'VOTE', dispute_id: disputeId, by: vote.arbiter, ...vote.frame })),
      draw: drawHistory(dispute, stored),
    }
  }

  async #act<T extends TradeAction & ('ARBITER_ACCEPT' | 'ARBITER_DECLINE' | 'EVIDENCE' | 'VOTE')>(
    type: T,
    fields: Unsigned<T>,
    options?: CallOptions,
  ): Promise<Dispute> {
    return (await askSigned(this.#port, type, fields, options) as Told<'DISPUTE_STATE'>).dispute
  }

  #page(
    disputeId: string,
    after: number,
    limit: number,
    options?: CallOptions,
    adminKey?: string,
  ): Promise<Told<'DISPUTE_EVENTS'>> {
    return this.#port.ask('DISPUTE_EVENTS', { adminKey, disputeId, after, limit }, options)
  }
}

/** What the proofs among the items are worth. @param key of the relay */
const proofsIn = ({ items }: Evidence, key: string | undefined): readonly EvidenceProof[] =>
  items.flatMap(({ kind, value }, item) => kind === 'tlog-proof' ? [proofOf(item, String(value), key)] : [])

const proofOf = (item: number, file: string, key: string | undefined): EvidenceProof => {
  if (key === undefined) return { item, holds: false, problem: 'the relay has not proved its key' }
  try {
    const { head, entry, text } = checkProof(file, key)
    return { item, holds: true, message: { stream: head.stream, seq: entry.seq, text } }
  } catch (error) {
    return { item, holds: false, problem: (error as Error).message }
  }
}

/** One after the other: the second asks for no key that the first asked for. */
const inOrder = async <T, R>(items: readonly T[], check: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = []
  for (const item of items) results.push(await check(item))
  return results
}

/** The draw as it is told now, and whether it was committed to in the same words before the nonce was known. */
const drawHistory = (dispute: Dispute, events: readonly ProposalEvent[]): readonly string[] | null => {
  const problems = drawOf(dispute.frame)
  if (problems === null) return null
  const filed = events.find(event => event.type === 'DISPUTE_FILED')
  const wasTold = filed !== undefined
    && (['proposalId', 'disputant', 'respondent', 'commitment', 'serverNonce', 'poolHash'] as const).every(field =>
      filed[field] === dispute[field]
    )
  return wasTold ? problems : [...problems, 'what was told when the case was filed is something else']
}
