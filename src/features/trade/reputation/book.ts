// What the end of a deal leaves behind: a receipt for both parties to sign, and ratings. The slices that end deals get this handed in.
import { receiptIdOf, receiptText } from '../../../../lib/identity/index.ts'
import type { Receipt } from '../../../../lib/protocol/index.ts'
import {
  arbiterChange,
  completionChanges,
  disputeChanges,
  forfeitChange,
  mutualFaultChanges,
  mutualVerdictChanges,
  newcomer,
  verdictChanges,
  type Rating,
  type RatingChange,
} from '../../../domain/rating.ts'
import { findAgent, successorOf } from '../../../store/agents.ts'
import type { Db, Tx } from '../../../store/store.ts'
import type { Append } from '../../../relay/feature.ts'
import { addReceipt, dropRating, findPair, findRating, notePair, saveRating, seasonedAgents } from './store.ts'

/** Work that came to its end, as the slice that ended it knows it: a receipt, its parties by id alone. */
export type FinishedWork =
  & {
    readonly [
      K in
        | 'proposal_id'
        | 'outcome'
        | 'task'
        | 'terms'
        | 'price'
        | 'currency'
        | 'paid'
        | 'milestones'
        | 'captures'
        | 'deliverables'
        | 'proposed_at'
        | 'completed_at'
    ]: Receipt[K]
  }
  & { readonly client: string, readonly provider: string }

/** Agent → what happened to its rating. */
export type RatingChanges = Readonly<Record<string, RatingChange>>

export interface Staker {
  readonly agent: string
  readonly stake?: number
}

export interface ReputationBook {
  /** The event that brings the receipt to both parties, in the stream of their proposal. */
  receipt(tx: Tx, work: FinishedWork): Promise<Append<'RECEIPT'>>
  /** Both gain; null: the pair was rated within the hour. */
  completed(tx: Tx, parties: readonly [string, string], amount: number, now: number): Promise<RatingChanges | null>
  /** A dispute with a winner: the loser's stake goes to him. */
  disputed(tx: Tx, winner: string, loser: Staker, amount: number, now: number): Promise<RatingChanges>
  /** A dispute that both lost: their stakes are burned. */
  atFault(tx: Tx, parties: readonly [Staker, Staker], amount: number, now: number): Promise<RatingChanges>
  /** A panel's verdict; without a winner both lose. */
  ruled(
    tx: Tx,
    verdict: { readonly winner: string, readonly loser: string } | { readonly both: readonly [string, string] },
    now: number,
  ): Promise<RatingChanges>
  arbitrated(tx: Tx, agent: string, part: 'majority' | 'dissent' | 'absent', now: number): Promise<RatingChanges>
  /** Points that were at stake are lost to nobody. */
  forfeited(tx: Tx, agent: string, points: number, now: number): Promise<RatingChanges>
  ratingOf(db: Db, agent: string): Promise<Rating>
  /** Agents of at least this rating, with so many transactions, the best first. */
  seasoned(db: Db, least: Rating, limit: number): Promise<readonly string[]>
}

export interface BookOptions {
  /** SHA-256 of the relay's public key */
  readonly serverId: string
  readonly relayKey: RelayKey
}

/** The relay's own key, without showing it. */
export interface RelayKey {
  readonly publicKey: string
  sign(text: string): string
}

export const reputationBook = ({ serverId, relayKey }: BookOptions): ReputationBook => {
  const ratingOf = async (db: Db, agent: string): Promise<Rating> => await findRating(db, agent) ?? newcomer

  const save = async (tx: Tx, agents: readonly string[], changes: readonly RatingChange[], now: number): Promise<RatingChanges> => {
    for (const [i, agent] of agents.entries()) {
      const { newRating, transactions } = changes[i]!
      // What an older key left behind is the new one's from here on.
      const former = await findRating(tx, agent)
      if (former !== undefined && former.agent !== agent) await dropRating(tx, former.agent)
      await saveRating(tx, { agent, rating: newRating, transactions, updated: now })
    }
    return Object.fromEntries(agents.map((agent, i) => [agent, changes[i]!]))
  }

  return {
    ratingOf,
    async receipt(tx, work) {
      const party = async (agent: string) => {
        const known = await findAgent(tx, agent)
        if (known === undefined) throw new Error(`${agent} ended a deal, but has no key`)
        return { agent, pubkey: known.pubkey }
      }
      // In one order of fields, and as plain JSON: what is kept is what is signed.
      const receipt: Receipt = JSON.parse(
        JSON.stringify({ relay_id: serverId, ...work, client: await party(work.client), provider: await party(work.provider) }),
      )
      const receipt_id = receiptIdOf(receipt)
      const relay = { pubkey: relayKey.publicKey, sig: relayKey.sign(receiptText(receipt)) }
      await addReceipt(tx, {
        id: receipt_id,
        proposal: work.proposal_id,
        client: work.client,
        provider: work.provider,
        text: JSON.stringify(receipt),
        relay_pubkey: relay.pubkey,
        relay_sig: relay.sig,
        client_sig: null,
        provider_sig: null,
        currency: work.currency,
        paid: work.paid?.captured_minor ?? null,
        completed_at: work.completed_at,
      })
      const both = [...new Set([await successorOf(tx, work.client), await successorOf(tx, work.provider)])]
      return {
        stream: `!${work.proposal_id}`,
        type: 'RECEIPT',
        body: { from: '@server', receipt_id, receipt, signatures: { relay } },
        agents: both,
        inbox: both,
      }
    },
    async completed(tx, parties, amount, now) {
      const [one, other] = parties
      const pair = await findPair(tx, one, other)
      const changes = completionChanges(await ratingOf(tx, one), await ratingOf(tx, other), {
        amount,
        before: pair?.times ?? 0,
        sinceLastMs: pair && now - pair.last,
      })
      if (changes === undefined) return null
      await notePair(tx, one, other, now)
      return save(tx, parties, changes, now)
    },
    async disputed(tx, winner, loser, amount, now) {
      return save(tx, [winner, loser.agent],
        disputeChanges(await ratingOf(tx, winner), { ...await ratingOf(tx, loser.agent), stake: loser.stake ?? 0 }, amount), now)
    },
    async atFault(tx, [one, other], amount, now) {
      const staker = async ({ agent, stake = 0 }: Staker) => ({ ...await ratingOf(tx, agent), stake })
      return save(tx, [one.agent, other.agent], mutualFaultChanges(await staker(one), await staker(other), amount), now)
    },
    async ruled(tx, verdict, now) {
      if ('both' in verdict)
        return save(tx, verdict.both, mutualVerdictChanges(await ratingOf(tx, verdict.both[0]), await ratingOf(tx, verdict.both[1])), now)
      return save(tx, [verdict.winner, verdict.loser],
        verdictChanges(await ratingOf(tx, verdict.winner), await ratingOf(tx, verdict.loser)), now)
    },
    seasoned: seasonedAgents,
    async forfeited(tx, agent, points, now) {
      return save(tx, [agent], [forfeitChange(await ratingOf(tx, agent), points)], now)
    },
    async arbitrated(tx, agent, part, now) {
      return save(tx, [agent], [arbiterChange(await ratingOf(tx, agent), part)], now)
    },
  }
}
