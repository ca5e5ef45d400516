// Receipts, and the ratings of agents.
import type { Receipt, ReceiptDocument } from '../../../../lib/protocol/index.ts'
import type { Rating } from '../../../domain/rating.ts'
import { keysOf } from '../../../store/agents.ts'
import type { Db, Migration, Tx } from '../../../store/store.ts'

export interface ReceiptRow {
  readonly id: string
  readonly proposal: string
  readonly client: string
  readonly provider: string
  /** The receipt as JSON. */
  readonly text: string
  readonly relay_pubkey: string
  readonly relay_sig: string
  readonly client_sig: string | null
  readonly provider_sig: string | null
  readonly currency: string | null
  /** What the provider got from the escrow, in minor units; null: nothing was held. */
  readonly paid: number | null
  readonly completed_at: number
}

export interface RatingRow extends Rating {
  readonly agent: string
  readonly updated: number
}

interface Tables {
  receipts: ReceiptRow
  ratings: RatingRow
  receipt_parts: { proposal: string, n: number, text: string }
  rated_pairs: { a: string, b: string, times: number, last: number }
  agents: { id: string, verified: 0 | 1, rotated_to: string | null, revoked_at: number | null }
  allowlist: { agent: string }
  bans: { agent: string }
  lineages: { agent: string, n: number }
}

export const reputationMigrations: Migration = {
  feature: 'reputation',
  steps: [`
    CREATE TABLE receipts (id TEXT PRIMARY KEY, proposal TEXT NOT NULL UNIQUE, client TEXT NOT NULL, provider TEXT NOT NULL,
      text TEXT NOT NULL,
      relay_pubkey TEXT NOT NULL, relay_sig TEXT NOT NULL, client_sig TEXT, provider_sig TEXT, currency TEXT, paid INTEGER,
        completed_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX receipts_client ON receipts (client, completed_at, id);
    CREATE INDEX receipts_provider ON receipts (provider, completed_at, id);
    CREATE INDEX receipts_proven ON receipts (completed_at, id) WHERE paid > 0 AND client_sig IS NOT NULL AND provider_sig IS NOT NULL;
    CREATE TABLE receipt_parts (proposal TEXT NOT NULL, n INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (proposal, n)) WITHOUT ROWID;
    CREATE TABLE ratings (agent TEXT PRIMARY KEY, rating INTEGER NOT NULL, transactions INTEGER NOT NULL,
      updated INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX ratings_best ON ratings (rating, agent);
    CREATE TABLE rated_pairs (a TEXT NOT NULL, b TEXT NOT NULL, times INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (a,
      b)) WITHOUT ROWID;
  `],
  postgres: [`
    CREATE TABLE receipts (id TEXT PRIMARY KEY, proposal TEXT NOT NULL UNIQUE, client TEXT NOT NULL, provider TEXT NOT NULL,
      text TEXT NOT NULL, relay_pubkey TEXT NOT NULL, relay_sig TEXT NOT NULL, client_sig TEXT, provider_sig TEXT, currency TEXT,
      paid BIGINT, completed_at BIGINT NOT NULL);
    CREATE INDEX receipts_client ON receipts (client, completed_at, id);
    CREATE INDEX receipts_provider ON receipts (provider, completed_at, id);
    CREATE INDEX receipts_proven ON receipts (completed_at, id) WHERE paid > 0 AND client_sig IS NOT NULL AND provider_sig IS NOT NULL;
    CREATE TABLE receipt_parts (proposal TEXT NOT NULL, n BIGINT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (proposal, n));
    CREATE TABLE ratings (agent TEXT PRIMARY KEY, rating BIGINT NOT NULL, transactions BIGINT NOT NULL, updated BIGINT NOT NULL);
    CREATE INDEX ratings_best ON ratings (rating, agent);
    CREATE TABLE rated_pairs (a TEXT NOT NULL, b TEXT NOT NULL, times BIGINT NOT NULL, last BIGINT NOT NULL, PRIMARY KEY (a, b));
  `],
}

export const documentOf = ({ id, text, relay_pubkey, relay_sig, client_sig, provider_sig }: ReceiptRow): ReceiptDocument => ({
  receipt_id: id,
  receipt: JSON.parse(text) as Receipt,
  signatures: {
    relay: { pubkey: relay_pubkey, sig: relay_sig },
    ...(client_sig !== null && { client: client_sig }),
    ...(provider_sig !== null && { provider: provider_sig }),
  },
})

export const addReceipt = async (tx: Tx, row: ReceiptRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('receipts').values(row).execute()
}

export const findReceipt = (db: Db, id: string): Promise<ReceiptRow | undefined> =>
  db.tables<Tables>().selectFrom('receipts').selectAll().where('id', '=', id).executeTakeFirst()

export const signReceiptRow = async (tx: Tx, id: string, role: 'client' | 'provider', sig: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('receipts').set(role === 'client' ? { client_sig: sig } : { provider_sig: sig }).where('id', '=',
    id).execute()
}

export interface ReceiptQuery {
  /** The agent, under all its keys. */
  readonly of: string
  readonly proposal?: string | undefined
  readonly unsigned?: boolean | undefined
  readonly before?: Pick<ReceiptRow, 'id' | 'completed_at'> | undefined
  readonly limit: number
}

/** Receipts of an agent, newest first. */
export const listReceipts = (db: Db, { of, proposal, unsigned, before, limit }: ReceiptQuery): Promise<readonly ReceiptRow[]> => {
  let query = db.tables<Tables>().selectFrom('receipts').selectAll()
    .where(({ or, and, eb }) =>
      unsigned
        ? or([
          and([eb('client', 'in', keysOf(of)), eb('client_sig', 'is', null)]),
          and([eb('provider', 'in', keysOf(of)), eb('provider_sig', 'is', null)]),
        ])
        : or([eb('client', 'in', keysOf(of)), eb('provider', 'in', keysOf(of))])
    )
  if (proposal !== undefined) query = query.where('proposal', '=', proposal)
  if (before !== undefined) {
    query = query.where(({ or, and, eb }) =>
      or([eb('completed_at', '<', before.completed_at), and([eb('completed_at', '=', before.completed_at), eb('id', '<', before.id)])])
    )
  }
  return query.orderBy('completed_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** The newest receipts of funded work that both parties signed. */
export const provenPayments = (db: Db, limit: number) =>
  db.tables<Tables>().selectFrom('receipts').select(['client', 'provider', 'currency', 'paid', 'completed_at'])
    .where('paid', '>', 0).where('client_sig', 'is not', null).where('provider_sig', 'is not', null)
    .orderBy('completed_at', 'desc').orderBy('id', 'desc').limit(limit).execute()

/** What was delivered and paid for a deal that goes on. */
export type ReceiptPart = Pick<Receipt, 'captures' | 'deliverables'>

export const addPart = async (tx: Tx, proposal: string, part: ReceiptPart): Promise<void> => {
  const n = (await partsOf(tx, proposal)).length
  await tx.tables<Tables>().insertInto('receipt_parts').values({ proposal, n, text: JSON.stringify(part) }).execute()
}

export const partsOf = async (db: Db, proposal: string): Promise<readonly ReceiptPart[]> =>
  (await db.tables<Tables>().selectFrom('receipt_parts').select('text').where('proposal', '=', proposal).orderBy('n').execute()).map((
    { text },
  ) => JSON.parse(text) as ReceiptPart)

/** They stand in the receipt now. */
export const dropParts = async (tx: Tx, proposal: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('receipt_parts').where('proposal', '=', proposal).execute()
}

/** The rating of an agent, or the one that its nearest former key left behind. */
export const findRating = (db: Db, agent: string): Promise<RatingRow | undefined> =>
  db.tables<Tables>().selectFrom('ratings as r').leftJoin('lineages as l', 'l.agent', 'r.agent').selectAll('r')
    .where('r.agent', 'in', keysOf(agent)).orderBy(({ eb }) => eb('r.agent', '=', agent), 'desc').orderBy('l.n', 'desc').limit(1)
    .executeTakeFirst()

/** The best first. */
export const seasonedAgents = async (
  db: Db,
  { rating, transactions }: Pick<RatingRow, 'rating' | 'transactions'>,
  limit: number,
): Promise<readonly string[]> =>
  (await db.tables<Tables>().selectFrom('ratings').select('agent').where('rating', '>=', rating).where('transactions', '>=', transactions)
    .orderBy('rating', 'desc').orderBy('agent').limit(limit).execute()).map(row => row.agent)

export const saveRating = async (tx: Tx, row: RatingRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('ratings').values(row)
    .onConflict(conflict =>
      conflict.column('agent').doUpdateSet({ rating: row.rating, transactions: row.transactions, updated: row.updated })
    ).execute()
}

export const dropRating = async (tx: Tx, agent: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('ratings').where('agent', '=', agent).execute()
}

export const bestRated = (db: Db, limit: number): Promise<readonly RatingRow[]> =>
  db.tables<Tables>().selectFrom('ratings').selectAll().orderBy('rating', 'desc').orderBy('agent').limit(limit).execute()

const pairOf = (one: string, other: string) => one < other ? { a: one, b: other } : { a: other, b: one }

/** How often two agents' completions were rated, and when last. */
export const findPair = (db: Db, one: string, other: string) => {
  const { a, b } = pairOf(one, other)
  return db.tables<Tables>().selectFrom('rated_pairs').select(['times', 'last']).where('a', '=', a).where('b', '=', b).executeTakeFirst()
}

export const notePair = async (tx: Tx, one: string, other: string, now: number): Promise<void> => {
  await tx.tables<Tables>().insertInto('rated_pairs').values({ ...pairOf(one, other), times: 1, last: now })
    .onConflict(conflict => conflict.columns(['a', 'b']).doUpdateSet(({ eb }) => ({ times: eb('rated_pairs.times', '+', 1), last: now })))
    .execute()
}

/** Agents that an operator vouches for: verified, or on the allowlist. */
export const vouchedAgents = async (db: Db): Promise<readonly string[]> => {
  const tables = db.tables<Tables>()
  const rows = await tables.selectFrom('agents').select('id')
    .where('revoked_at', 'is', null)
    .where(({ not, eb }) => not(eb('id', 'in', tables.selectFrom('bans').select('agent'))))
    .where(({ or, eb }) => or([eb('verified', '=', 1), eb('id', 'in', tables.selectFrom('allowlist').select('agent'))]))
    .orderBy('id').limit(10_000).execute()
  return rows.map(({ id }) => id)
}
