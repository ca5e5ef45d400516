// What proposals need of others, handed in where the features are put together.
import type { Append, Outcome, Shares, WriteCtx } from '../../../relay/feature.ts'
import type { Db, Tx } from '../../../store/store.ts'
import type { EscrowEvent } from './escrow-event.ts'
import type { ProposalRecord, Signature } from './store.ts'

/** How money and stakes are held and moved. */
export interface Holding {
  move(tx: Tx, move: {
    readonly rail: 'ledger' | 'webhook'
    readonly op: 'fund' | 'capture' | 'void' | 'refund' | 'reclaim'
    readonly key: string
    readonly proposalId: string
    readonly currency: string
    readonly amountMinor: number
    readonly client: string
    readonly provider: string
    readonly by: string
  }, now: number): Promise<'done' | 'pending'>
  stake(
    tx: Tx,
    stake: { readonly proposalId: string, readonly agent: string, readonly amount: number, readonly covered: number },
    now: number,
  ): Promise<void>
  unstake(tx: Tx, stake: { readonly proposalId: string, readonly agent: string, readonly amount: number }, now: number): Promise<void>
}

/** Money was paid, or a deal has ended: for ratings and receipts. */
export interface Settlement {
  /** released: one milestone of several */
  readonly kind: 'released' | 'completed' | 'ruled' | 'cancelled' | 'expired'
  /** as it stands after it */
  readonly proposal: ProposalRecord
  /** who took the step; `@server` for the relay's clock */
  readonly by: string
  readonly capturedMinor: number
  readonly returnedMinor: number
  /** of a dispute; null: nobody in particular */
  readonly winner: string | null
  /** both stakes were held until now; they are back with their owners when this is called */
  readonly wasStaked: boolean
  /** A panel ruled, not an admin. */
  readonly byPanel?: boolean
}

export interface Settled {
  /** for `rating_changes` of the event */
  readonly ratingChanges: Record<string, unknown> | null
  /** events that belong to it, a receipt for one */
  readonly append?: readonly Append[]
}

export interface ProposalOptions {
  readonly serverId: string
  readonly maxPage: number
  readonly maxPageBytes: number
  readonly shares: Shares
  /** Shortest time for the work, and for its review. */
  readonly minDeadlineMs: number
  readonly randomHex: (bytes: number) => string
  readonly checkSignature: (ctx: WriteCtx, action: never, request: never) => Promise<Signature>
  readonly spendNonce: (ctx: WriteCtx, signed: { readonly sig_nonce?: string | undefined }) => Promise<void>
  readonly holding: Holding
  /** Whether two agents, as they are called now, are one party: the same, or of one account. */
  readonly isOneHand: (db: Db, a: string, b: string) => Promise<boolean>
  /** Of some agents those in the hand of who asks, as far as it is known: under any key that it had, and of its account. */
  readonly ownAmong: (
    db: Db,
    agents: readonly string[],
    asker: { readonly agent?: string | undefined, readonly account?: string | undefined },
  ) => Promise<readonly string[]>
  /** How much an agent may have at stake in all: its rating less the floor. */
  readonly stakeable: (db: Db, agent: string) => Promise<number>
  readonly settled: (tx: Tx, settlement: Settlement, now: number) => Promise<Settled>
  readonly onEscrow?: ((event: EscrowEvent) => void) | undefined
}

/** What others may do with proposals, inside their own transaction. */
export interface ProposalPort {
  /** Decides a dispute; `by` is the arbiter. @throws Fail PROPOSAL_NOT_FOUND, INVALID_PROPOSAL */
  ruling(
    tx: Tx,
    proposalId: string,
    ruling: {
      readonly captureMinor: number
      readonly winner?: string | undefined
      readonly reason?: string | undefined
      readonly by: string
      /** By whose right, if by that of an account. */
      readonly account?: string | undefined
      readonly panel?: { readonly disputeId: string }
    },
    now: number,
  ): Promise<Outcome<'PROPOSAL_STATE'>>
  /** A processor's answer to a FUND. */
  funded(tx: Tx, answer: { readonly proposalId: string, readonly ok: boolean, readonly reason: string }, now: number): Promise<Outcome>
  /** Takes a deal to court: DISPUTE, vouched for by what the party signed there. @throws Fail PROPOSAL_NOT_FOUND, INVALID_PROPOSAL */
  freeze(
    tx: Tx,
    proposalId: string,
    dispute: { readonly by: string, readonly reason: string, readonly disputeId: string },
    now: number,
  ): Promise<Outcome>
  /** Who agreed to a deal with one of the agents that changed after a time. */
  partners(db: Db, agents: readonly string[], since: number): Promise<readonly string[]>
  find(db: Db, proposalId: string): Promise<ProposalRecord | undefined>
}
