// How money moves for a proposal: within the relay's own ledger, or by an outside processor that is asked until it has answered.
import { holdOf } from '../../../domain/ledger/ledger.ts'
import { Fail } from '../../../relay/feature.ts'
import type { Db, Tx } from '../../../store/store.ts'
import { addCall, type Call } from './calls.ts'
import { accountOf, balanceOf, gather, postEntries } from './store.ts'

export interface EscrowMove {
  readonly rail: 'ledger' | 'webhook'
  /** fund: hold. capture: to the provider. void, refund, reclaim: back to the client, before any capture, after one, after a deadline. */
  readonly op: Call['op']
  /** The same key moves nothing twice. */
  readonly key: string
  readonly proposalId: string
  readonly currency: string
  readonly amountMinor: number
  readonly client: string
  readonly provider: string
  readonly by: string
}

export interface RailOptions {
  /** A payment processor is configured. */
  readonly hasProcessor: boolean
}

/** The port behind which money is held and moved. */
export interface Rails {
  /** pending: the processor has to agree first, and what it says is told to `settled` of the proposals. @throws Fail INSUFFICIENT_FUNDS */
  move(tx: Tx, move: EscrowMove, now: number): Promise<'done' | 'pending'>
  /** Takes a stake out of what an agent's rating covers. @throws Fail INSUFFICIENT_REPUTATION */
  stake(tx: Tx, stake: Stake & { readonly covered: number }, now: number): Promise<void>
  /** Gives it back. What winning or losing changes in the ratings is theirs. */
  unstake(tx: Tx, stake: Stake, now: number): Promise<void>
  /** What an agent has at stake. */
  staked(db: Db, agent: string): Promise<number>
}

export interface Stake {
  readonly proposalId: string
  readonly agent: string
  readonly amount: number
}

export const elo = 'ELO'

export const rails = ({ hasProcessor }: RailOptions): Rails => ({
  async move(tx, { rail, op, key, proposalId, currency, amountMinor, client, provider, by }, now) {
    if (rail === 'webhook') {
      if (!hasProcessor)
        throw new Fail('INVALID_PROPOSAL', 'NO_RAIL: this relay has no payment processor; offer the deal with rail "ledger"')
      await addCall(tx, { key, op, proposal_id: proposalId, currency, amount_minor: amountMinor, client, provider }, now)
      return op === 'fund' ? 'pending' : 'done'
    }
    const hold = holdOf(proposalId)
    const agent = await accountOf(tx, op === 'capture' ? provider : client)
    if (op === 'fund') await gather(tx, agent, now)
    const [from, to] = op === 'fund' ? [agent, hold] : [hold, agent]
    await postEntries(tx, { kind: op, from, to, currency, amountMinor, key, ref: proposalId, by }, now)
    return 'done'
  },
  async stake(tx, { proposalId, agent, amount, covered }, now) {
    await gather(tx, agent, now)
    try {
      await postEntries(tx, {
        kind: 'stake',
        from: agent,
        to: holdOf(proposalId),
        currency: elo,
        amountMinor: amount,
        key: `${proposalId} stake ${agent}`,
        ref: proposalId,
        by: agent,
        credit: covered,
      }, now)
    } catch (error) {
      if (error instanceof Fail && error.code === 'INSUFFICIENT_FUNDS')
        throw new Fail('INSUFFICIENT_REPUTATION', `The rating of ${agent} does not cover a stake of ${amount}`)
      throw error
    }
  },
  async unstake(tx, { proposalId, agent, amount }, now) {
    await postEntries(tx, {
      kind: 'unstake',
      from: holdOf(proposalId),
      to: await accountOf(tx, agent),
      currency: elo,
      amountMinor: amount,
      key: `${proposalId} unstake ${agent}`,
      ref: proposalId,
      by: '@server',
    }, now)
  },
  async staked(db, agent) {
    return Math.max(0, -await balanceOf(db, agent, elo))
  },
})
