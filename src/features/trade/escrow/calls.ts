// What an outside payment processor still has to be asked, and what it answered: kept until it is done.
import type { Db, Migration, Tx } from '../../../store/store.ts'

export interface Call {
  /** The processor is asked again under the same key until it answers. */
  readonly key: string
  readonly op: 'fund' | 'capture' | 'void' | 'refund' | 'reclaim'
  readonly proposal_id: string
  readonly currency: string
  readonly amount_minor: number
  readonly client: string
  readonly provider: string
}

interface CallRow extends Call {
  readonly number: number
  readonly state: 'due' | 'done' | 'refused'
  readonly attempts: number
  readonly next_at: number
  readonly answer: string | null
}

interface Tables {
  escrow_calls: CallRow
}

export const callMigrations: Migration = {
  feature: 'escrow',
  steps: [`
    CREATE TABLE escrow_calls (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, op TEXT NOT NULL, proposal_id TEXT NOT NULL,
      currency TEXT NOT NULL, amount_minor INTEGER NOT NULL,
      client TEXT NOT NULL, provider TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'due', attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL, answer TEXT);
    CREATE INDEX escrow_calls_due ON escrow_calls (proposal_id, number) WHERE state = 'due';
  `],
}

const firstRetryMs = 2_000
const maxRetryMs = 60 * 60_000

export const addCall = async (
  tx: Tx,
  { key, op, proposal_id, currency, amount_minor, client, provider }: Call,
  now: number,
): Promise<void> => {
  // Field by field: the call that it follows from may be a row with a number of its own.
  await tx.tables<Tables>().insertInto('escrow_calls').values(
    { key, op, proposal_id, currency, amount_minor, client, provider, state: 'due', attempts: 0, next_at: now } as CallRow,
  ).onConflict(conflict => conflict.column('key').doNothing()).execute()
}

/** The next call of each proposal, if its time has come: they are made in their order. Each is due again later, should no answer come. */
export const takeDueCalls = async (tx: Tx, now: number, limit: number): Promise<readonly (Call & { readonly attempts: number })[]> => {
  const tables = tx.tables<Tables>()
  const first = tables.selectFrom('escrow_calls').select(eb => eb.fn.min('number').as('number')).where('state', '=', 'due').groupBy(
    'proposal_id',
  )
  const due = await tables.selectFrom('escrow_calls').selectAll().where('number', 'in', first).where('state', '=', 'due').where('next_at',
    '<=', now).orderBy('number').limit(limit).execute()
  for (const { number, attempts } of due) {
    await tables.updateTable('escrow_calls').set({
      attempts: attempts + 1,
      next_at: now + Math.min(maxRetryMs, firstRetryMs * 2 ** attempts),
    }).where('number', '=', number).execute()
  }
  return due
}

/** Ends a call, once. */
export const endCall = async (tx: Tx, key: string, state: 'done' | 'refused', answer: string | null): Promise<Call | undefined> =>
  tx.tables<Tables>().updateTable('escrow_calls').set({ state, answer }).where('key', '=', key).where('state', '=', 'due').returningAll()
    .executeTakeFirst()

export const hasDueCalls = async (db: Db): Promise<boolean> =>
  await db.tables<Tables>().selectFrom('escrow_calls').select('number').where('state', '=', 'due').limit(1).executeTakeFirst() !== undefined
