// From a settled deal to ratings and a receipt: what the slice of proposals gets handed in.
import { createHash } from 'node:crypto'
import { availableStake } from '../../../domain/rating.ts'
import type { Append } from '../../../relay/feature.ts'
import { successorOf } from '../../../store/agents.ts'
import type { Db, Tx } from '../../../store/store.ts'
import type { ReputationBook } from './book.ts'
import { addPart, dropParts, partsOf, type ReceiptPart } from './store.ts'

/** A proposal as it stands once something was settled. */
export interface SettledProposal {
  readonly proposal_id: string
  readonly from: string
  readonly to: string
  readonly client: string
  readonly provider: string
  readonly task: string
  readonly terms: string | null
  readonly amount: number | null
  readonly currency: string | null
  readonly milestones: { readonly title: string, readonly amount: number }[] | null
  readonly rail: string | null
  readonly captured_minor: number
  readonly returned_minor: number
  readonly elo_stakes: { readonly proposer: number, readonly acceptor: number }
  readonly deliverable: {
    readonly text?: string | undefined
    readonly files?: readonly { readonly name: string, readonly bytes: number, readonly sha256: string }[] | undefined
    readonly at: number
  } | null
  readonly created_at: number
}

/** Money was paid, or a deal has ended. */
export interface SettledDeal {
  /** released: one milestone of several */
  readonly kind: 'released' | 'completed' | 'ruled' | 'cancelled' | 'expired'
  readonly proposal: SettledProposal
  readonly capturedMinor: number
  /** of a dispute; null: nobody in particular */
  readonly winner: string | null
  /** Both stakes were held until now. */
  readonly wasStaked: boolean
  /** A panel ruled: both stakes are back, and a dispute without a winner counts against both. */
  readonly byPanel?: boolean
}

export interface Settlements {
  /** How much an agent may have at stake in all. */
  stakeable(db: Db, agent: string): Promise<number>
  settled(
    tx: Tx,
    deal: SettledDeal,
    now: number,
  ): Promise<{ readonly ratingChanges: Record<string, unknown> | null, readonly append?: readonly Append[] }>
}

const partOf = ({ proposal: { deliverable }, capturedMinor }: SettledDeal, now: number): ReceiptPart => {
  const { text, files = [], at = now } = deliverable ?? {}
  return {
    captures: capturedMinor > 0 ? [{ minor: capturedMinor, at: now }] : [],
    deliverables: [
      ...files.map(({ name, bytes, sha256 }) => ({ sha256, name, bytes, at })),
      ...(text === undefined || text === ''
        ? []
        : [{ sha256: createHash('sha256').update(text).digest('hex'), name: null, bytes: Buffer.byteLength(text), at }]),
    ],
  }
}

/** Each once: what was delivered for one milestone is still the newest delivery when the next one is paid. */
const distinct = (
  deliverables: ReceiptPart['deliverables'],
): ReceiptPart['deliverables'] => [...new Map(deliverables.map(deliverable => [JSON.stringify(deliverable), deliverable])).values()]

/** @param isOneHand whether two agents are one party: the same, or of one account */
export const settlementsOf = (
  book: ReputationBook,
  isOneHand: (tx: Tx, a: string, b: string) => Promise<boolean>,
): Settlements => {
  const rated = async (
    tx: Tx,
    { kind, proposal, winner, wasStaked, byPanel = false }: SettledDeal,
    now: number,
  ): Promise<Record<string, unknown> | null> => {
    const { amount, elo_stakes: { proposer, acceptor } } = proposal
    const [from, to] = [await successorOf(tx, proposal.from), await successorOf(tx, proposal.to)]
    // Both have become one agent's, or one owner's: nobody rates himself.
    if (await isOneHand(tx, from, to)) return null
    const stakes = { proposer_stake: wasStaked ? proposer : 0, acceptor_stake: wasStaked ? acceptor : 0 }
    if (kind === 'completed') {
      const changes = await book.completed(tx, [from, to], amount ?? 0, now)
      return changes === null ? null : { ...changes, ...(wasStaked && { _escrow: { ...stakes, settlement: 'returned' } }) }
    }
    if (kind === 'ruled' && byPanel) {
      const changes = await book.ruled(tx, winner === null
        ? { both: [from, to] }
        : winner === proposal.from || winner === from
        ? { winner: from, loser: to }
        : { winner: to, loser: from }, now)
      return { ...changes, ...(wasStaked && { _escrow: { ...stakes, settlement: 'returned' } }) }
    }
    // A ruling for nobody in particular says nothing about either.
    if (kind !== 'ruled' || winner === null) return null
    const isProposers = winner === proposal.from || winner === from
    const [winning, losing, stake] = isProposers ? [from, to, stakes.acceptor_stake] : [to, from, stakes.proposer_stake]
    const changes = await book.disputed(tx, winning, { agent: losing, stake }, amount ?? 0, now)
    return { ...changes, _escrow: { ...stakes, settlement: 'transferred', transferred_to: winning, transferred_amount: stake } }
  }

  return {
    stakeable: async (db, agent) => availableStake(await book.ratingOf(db, agent), 0),
    async settled(tx, deal, now) {
      const { kind, proposal } = deal
      const { proposal_id, client, provider, task, terms, amount, currency, milestones, rail, captured_minor, returned_minor, created_at } =
        proposal
      if (kind === 'released') {
        await addPart(tx, proposal_id, partOf(deal, now))
        return { ratingChanges: null }
      }
      const ratingChanges = await rated(tx, deal, now)
      const parts = [...await partsOf(tx, proposal_id), partOf(deal, now)]
      await dropParts(tx, proposal_id)
      // What was given up before anything was paid leaves no receipt.
      if ((kind === 'cancelled' || kind === 'expired') && captured_minor === 0) return { ratingChanges }
      const wasFunded = captured_minor + returned_minor > 0
      const receipt = await book.receipt(tx, {
        proposal_id,
        client,
        provider,
        task,
        terms,
        price: amount,
        currency,
        milestones,
        outcome: kind,
        paid: wasFunded ? { rail: rail ?? 'ledger', captured_minor, returned_minor } : null,
        captures: parts.flatMap(part => part.captures),
        deliverables: distinct(parts.flatMap(part => part.deliverables)),
        proposed_at: created_at,
        completed_at: now,
      })
      return { ratingChanges, append: [receipt] }
    },
  }
}
