// The case file: storing a case, telling its people, holding and settling its fee, opening and closing it.
import type { CourtDecision, CourtTerms, Seat } from '../../../domain/court/index.ts'
import { poolHashOf } from '../../../../lib/identity/index.ts'
import type { EventType } from '../../../../lib/protocol/index.ts'
import type { Append } from '../../../relay/feature.ts'
import { successorOf } from '../../../store/agents.ts'
import type { Tx } from '../../../store/store.ts'
import type { CourtOptions, Signature } from './ports.ts'
import { saveDispute, streamOf, type Dispute } from './store.ts'

const minuteMs = 60_000
export const courtTerms: CourtTerms = {
  revealMs: 10 * minuteMs,
  answerMs: 30 * minuteMs,
  evidenceMs: 60 * minuteMs,
  voteMs: 60 * minuteMs,
  seats: 3,
  maxAsked: 12,
}
/** Rating points. */
export const filingFee = 10
export const relayItself = '@server'

export const isActive = ({ state }: Seat): boolean => state === 'asked' || state === 'sitting' || state === 'voted'

type Decided = Extract<CourtDecision, { readonly ok: true }>

/** Who an event is from: the relay, or an agent that signed. */
interface Sender {
  readonly from: string
  readonly signature?: Signature
}

export class Docket {
  readonly #options: Pick<CourtOptions, 'serverId' | 'holding' | 'ratings'>

  constructor(options: Pick<CourtOptions, 'serverId' | 'holding' | 'ratings'>) {
    this.#options = options
  }

  /** A case that has just been filed. */
  async file(tx: Tx, dispute: Dispute, sender: Sender): Promise<Append> {
    await saveDispute(tx, dispute)
    const { disputant, respondent } = dispute.case
    return this.tell(tx, dispute, 'DISPUTE_FILED', {
      disputant,
      respondent,
      reason: dispute.reason,
      commitment: dispute.commitment,
      server_nonce: dispute.serverNonce,
      pool_hash: poolHashOf(dispute.pool),
    }, [respondent, disputant], sender)
  }

  /** The deal has ended without the panel. */
  async close(tx: Tx, now: number, before: Dispute, { case: kase }: Decided, winner: string | null): Promise<readonly Append[]> {
    const told = [
      kase.disputant,
      kase.respondent,
      ...before.case.phase === 'appealed' ? [] : kase.seats.filter(isActive).map(seat => seat.arbiter),
    ]
    const dispute = await this.settleFee(tx, now, { ...before, case: kase, updatedAt: now },
      winner === kase.respondent ? 'forfeit' : 'return')
    return [await this.tell(tx, dispute, 'DISPUTE_CLOSED', { outcome: kase.phase === 'ruled' ? 'ruled' : 'settled' }, told)]
  }

  /** What the filing cost comes back, or is lost. Stores the case. */
  async settleFee(tx: Tx, now: number, dispute: Dispute, end: 'return' | 'forfeit'): Promise<Dispute> {
    const { holding, ratings } = this.#options
    const agent = await successorOf(tx, dispute.case.disputant)
    if (dispute.fee > 0) {
      await holding.unstake(tx, { proposalId: dispute.id, agent, amount: dispute.fee }, now)
      if (end === 'forfeit') await ratings.forfeited(tx, agent, dispute.fee, now)
    }
    const settled = { ...dispute, fee: 0 }
    await saveDispute(tx, settled)
    return settled
  }

  /** An event in the stream of a case, for those it names, by the keys they have now; who acted comes last, and needs it in no inbox. */
  async tell(
    tx: Tx,
    dispute: Dispute,
    type: EventType,
    body: object,
    to: readonly string[],
    { from, signature }: Sender = { from: relayItself },
  ): Promise<Append> {
    const now = new Set<string>()
    for (const agent of to) now.add(await successorOf(tx, agent))
    const others = [...now].filter(agent => agent !== from)
    return {
      stream: streamOf(dispute.id),
      type,
      agents: now.has(from) ? [...others, from] : others,
      inbox: others,
      body: {
        dispute_id: dispute.id,
        proposal_id: dispute.proposalId,
        from,
        phase: dispute.case.phase,
        due: dispute.case.dueAt,
        relay: this.#options.serverId,
        ...signature,
        ...body,
      },
    } as unknown as Append
  }
}
