// Receipts and who has signed them; what the relay knows of an agent.
import { receiptText, roleIn, type ReceiptRole } from '../../../../lib/identity/index.ts'
import { limits, type FrameBody } from '../../../../lib/protocol/index.ts'
import { newcomer } from '../../../domain/rating.ts'
import { predecessors, successorOf } from '../../../store/agents.ts'
import type { Db } from '../../../store/store.ts'
import { Fail, notify, pageOf, reply, type ScopedFeature } from '../../../relay/feature.ts'
import type { Score } from '../../../domain/standing.ts'
import type { StandingBoard } from './board.ts'
import { bestRated, documentOf, findRating, findReceipt, listReceipts, signReceiptRow } from './store.ts'

export interface ReputationOptions {
  readonly verify: (publicPem: string, text: string, signature: string) => boolean
  readonly board: StandingBoard
}

type Requests = 'RECEIPTS' | 'RECEIPT_SIGN' | 'RATING' | 'LEADERBOARD'

/** The ids of an agent: its own, and those of its older keys. */
const idsOf = async (db: Db, agent: string): Promise<readonly string[]> => [agent, ...await predecessors(db, agent)]

const cardOf = async (
  db: Db,
  { agent, standing, reach, confidence, counterparties }: Score,
): Promise<Omit<FrameBody<'RATING'>, 'ts' | 're'>> => {
  const row = await findRating(db, agent)
  const { rating, transactions } = row ?? newcomer
  return { agent, rating, transactions, updated: row?.updated ?? null, standing: { standing, reach, confidence, counterparties } }
}

export const reputation = ({ verify, board }: ReputationOptions): ScopedFeature<Requests> => {
  return {
    scope: 'trade',
    handlers: {
      RECEIPTS: {
        async read({ me, db, aside }, { proposal_id, unsigned, before, limit = limits.maxReceipts }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key have receipts')
          const last = before === undefined ? undefined : await findReceipt(db, before)
          const of = before === undefined ? [] : await idsOf(db, me.id)
          if (before !== undefined && (last === undefined || !of.some(id => id === last.client || id === last.provider)))
            throw new Fail('INVALID_MSG', 'before: no receipt of yours')
          const rows = await listReceipts(aside, { of: me.id, proposal: proposal_id, unsigned, before: last, limit: limit + 1 })
          const { list: receipts, more } = pageOf(rows, limit, documentOf)
          return reply('RECEIPTS', { receipts, more })
        },
      },
      RECEIPT_SIGN: {
        async write({ me, tx }, { receipt_id, sig }) {
          if (me.pubkey === null) throw new Fail('SIGNATURE_REQUIRED', 'Log in with the key that is a party of the receipt')
          const row = await findReceipt(tx, receipt_id)
          const ids = await idsOf(tx, me.id)
          const agent = [row?.client, row?.provider].find(party => party !== undefined && ids.includes(party))
          if (row === undefined || agent === undefined) throw new Fail('RECEIPT_NOT_FOUND', `${receipt_id} is no receipt of yours`)
          const { receipt } = documentOf(row)
          const role: ReceiptRole = roleIn(receipt, agent)!
          // A receipt names keys: whoever rotated his signs with the one he had.
          if (!verify(receipt[role].pubkey, receiptText(receipt), sig))
            throw new Fail('VERIFICATION_FAILED', `${agent} did not sign this receipt`)
          const other = role === 'client' ? row.provider_sig : row.client_sig
          const signed = { receipt_id, proposal_id: row.proposal, by: agent, sig, complete: other !== null }
          if ((role === 'client' ? row.client_sig : row.provider_sig) !== null) return { reply: reply('RECEIPT_SIGNED', signed) }
          await signReceiptRow(tx, receipt_id, role, sig)
          return {
            reply: reply('RECEIPT_SIGNED', signed),
            notify: [
              notify({ kind: 'agents', agents: [await successorOf(tx, role === 'client' ? row.provider : row.client)] }, 'RECEIPT_SIGNED',
                signed),
            ],
          }
        },
      },
      RATING: {
        async read({ me, db, aside, now }, { agent = me.id }) {
          const { scores: [score] } = await board.scores(aside, now, [agent])
          return reply('RATING', await cardOf(db, score!))
        },
      },
      LEADERBOARD: {
        async read({ db, aside, now }, { by = 'standing', limit = 20 }) {
          const { scores, asOf } = by === 'rating'
            ? await board.scores(aside, now, (await bestRated(db, limit)).map(({ agent }) => agent))
            : await board.leaders(aside, now, limit)
          return reply('LEADERBOARD', {
            by,
            as_of: asOf,
            agents: await Promise.all(scores.map(score => cardOf(db, score))),
          })
        },
      },
    },
  }
}
