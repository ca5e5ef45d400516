// What the court needs of others, handed in where the features are put together.
import type { TradeAction } from '../../../../lib/identity/index.ts'
import type { NamedAgents } from '../../../domain/named-agents.ts'
import type { FrameBody } from '../../../../lib/protocol/index.ts'
import type { Outcome, WriteCtx } from '../../../relay/feature.ts'
import type { Db, Tx } from '../../../store/store.ts'

type ProposalRecord = FrameBody<'PROPOSAL_STATE'>['proposal']

/** What an event says of the signature it carries. */
export interface Signature {
  readonly relay: string
  readonly sig: string
  readonly sig_v: 1 | 2 | 3
  readonly sig_ts?: number
  readonly sig_nonce?: string
  readonly sig_origin?: string
  readonly sig_relay_nonce?: string
}

/** The deals that are disputed. */
export interface Deals {
  find(db: Db, proposalId: string): Promise<ProposalRecord | undefined>
  /** Freezes a deal. @throws Fail INVALID_PROPOSAL where it cannot be disputed */
  freeze(
    tx: Tx,
    proposalId: string,
    dispute: { readonly by: string, readonly reason: string, readonly disputeId: string },
    now: number,
  ): Promise<Outcome>
  ruling(
    tx: Tx,
    proposalId: string,
    ruling: {
      readonly captureMinor: number
      readonly winner?: string | undefined
      readonly reason: string
      readonly by: string
      readonly panel: { readonly disputeId: string }
    },
    now: number,
  ): Promise<Outcome>
  /** Who had a deal with one of the agents after a time. */
  partners(db: Db, agents: readonly string[], since: number): Promise<readonly string[]>
}

export type Change = { readonly change: number }

/** Ratings: who may judge, and what judging and being judged does to them. */
export interface CourtRatings {
  /** Agents of at least this rating, with so many transactions. */
  seasoned(db: Db, least: { readonly rating: number, readonly transactions: number }, limit: number): Promise<readonly string[]>
  /** Those of some agents whose standing is anchored in money that strangers to each other paid. */
  jurors(db: Db, now: number, agents: readonly string[]): Promise<readonly string[]>
  stakeable(db: Db, agent: string): Promise<number>
  forfeited(tx: Tx, agent: string, points: number, now: number): Promise<Readonly<Record<string, Change>>>
  arbitrated(tx: Tx, agent: string, part: 'majority' | 'dissent' | 'absent', now: number): Promise<Readonly<Record<string, Change>>>
}

/** How the fee is held: as a stake. */
export interface FeeHolding {
  stake(
    tx: Tx,
    stake: { readonly proposalId: string, readonly agent: string, readonly amount: number, readonly covered: number },
    now: number,
  ): Promise<void>
  unstake(tx: Tx, stake: { readonly proposalId: string, readonly agent: string, readonly amount: number }, now: number): Promise<void>
}

export interface CourtOptions {
  readonly serverId: string
  readonly maxPage: number
  readonly maxPageBytes: number
  /** Agents that the operator lets judge, whatever they earned. */
  readonly arbiters: NamedAgents
  /** Of fewer that can be drawn nobody is: the case goes to the operator. */
  readonly minArbiters: number
  readonly randomHex: (bytes: number) => string
  readonly checkSignature: (ctx: WriteCtx, action: TradeAction, request: never) => Promise<Signature>
  readonly spendNonce: (ctx: WriteCtx, signed: { readonly sig_nonce?: string | undefined }) => Promise<void>
  readonly deals: Deals
  readonly ratings: CourtRatings
  readonly holding: FeeHolding
  /** An agent, as it is called now, and whoever belongs to the same account. */
  readonly inHandOf: (db: Db, agent: string) => Promise<readonly string[]>
  /** Of some agents, as they are called now, the accounts of those that belong to one. */
  readonly ownersOf: (db: Db, agents: readonly string[]) => Promise<ReadonlyMap<string, string>>
  /** Of some agents those in the hand of who asks, as far as it is known: under any key that it had, and of its account. */
  readonly ownAmong: (
    db: Db,
    agents: readonly string[],
    asker: { readonly agent?: string | undefined, readonly account?: string | undefined },
  ) => Promise<readonly string[]>
}
