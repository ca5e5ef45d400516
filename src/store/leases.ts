// Which entries of an inbox somebody holds, for how long, and how often they were held: rows of entries that were claimed and are not
// forgotten. An entry without one was never claimed.
import type { Fate, LeaseState } from './log.ts'
import type { Db, Migration, Tx } from './store.ts'

export interface LeaseRow {
  readonly agent: string
  /** Of the entry. */
  readonly seq: number
  readonly msg_id: string
  readonly state: LeaseState
  readonly lease: string
  /** ms: the end of the lease, or when it may be claimed; of what is done or failed, when it came to that. */
  readonly until: number
  readonly attempts: number
  readonly reason: string | null
}

interface Tables {
  inbox_leases: LeaseRow
}

export const leaseMigrations: Migration = {
  feature: 'leases',
  steps: [`
    CREATE TABLE inbox_leases (agent TEXT NOT NULL, seq INTEGER NOT NULL, msg_id TEXT NOT NULL, state TEXT NOT NULL, lease TEXT NOT NULL,
      until INTEGER NOT NULL, attempts INTEGER NOT NULL, reason TEXT, PRIMARY KEY (agent, seq)) WITHOUT ROWID;
    CREATE INDEX inbox_leases_message ON inbox_leases (msg_id);
    CREATE INDEX inbox_leases_until ON inbox_leases (state, until);
  `],
  postgres: [`
    CREATE TABLE inbox_leases (agent TEXT NOT NULL, seq BIGINT NOT NULL, msg_id TEXT NOT NULL, state TEXT NOT NULL, lease TEXT NOT NULL,
      until BIGINT NOT NULL, attempts BIGINT NOT NULL, reason TEXT, PRIMARY KEY (agent, seq));
    CREATE INDEX inbox_leases_message ON inbox_leases (msg_id);
    CREATE INDEX inbox_leases_until ON inbox_leases (state, until);
  `],
}

/** What is known of an agent's entries behind a number, in their order. */
export const leasesAfter = (db: Db, agent: string, after: number, limit: number): Promise<readonly LeaseRow[]> =>
  db.tables<Tables>().selectFrom('inbox_leases').selectAll().where('agent', '=', agent).where('seq', '>', after).orderBy('seq').limit(limit)
    .execute()

type Shown = Exclude<LeaseState, 'dropped'>

/** The same for whoever looks at them. */
export const leasesShown = async (
  db: Db,
  agent: string,
  after: number,
  limit: number,
  state?: Shown,
): Promise<readonly (LeaseRow & { readonly state: Shown })[]> => {
  const rows = db.tables<Tables>().selectFrom('inbox_leases').selectAll().where('agent', '=', agent).where('seq', '>', after)
  const shown = await (state === undefined ? rows.where('state', '<>', 'dropped') : rows.where('state', '=', state)).orderBy('seq').limit(
    limit,
  )
    .execute()
  return shown as readonly (LeaseRow & { readonly state: Shown })[]
}

/** Entries up to a number that are nobody's and neither done nor failed: they failed once and are tried again. */
export const freeUpTo = (db: Db, agent: string, upTo: number, now: number, limit: number): Promise<readonly LeaseRow[]> =>
  db.tables<Tables>().selectFrom('inbox_leases').selectAll().where('agent', '=', agent).where('seq', '<=', upTo)
    .where('state', 'in', ['held', 'waiting']).where('until', '<=', now).orderBy('seq').limit(limit).execute()

/** The earliest time at which one that is held or waits is free; undefined: there is none. */
export const nextFree = async (db: Db, agent: string): Promise<number | undefined> =>
  (await db.tables<Tables>().selectFrom('inbox_leases').select('until').where('agent', '=', agent).where('state', 'in', ['held', 'waiting'])
    .orderBy('until').limit(1).executeTakeFirst())?.until

export const findLease = (db: Db, agent: string, seq: number): Promise<LeaseRow | undefined> =>
  db.tables<Tables>().selectFrom('inbox_leases').selectAll().where('agent', '=', agent).where('seq', '=', seq).executeTakeFirst()

export const putLease = async (tx: Tx, row: LeaseRow): Promise<void> => {
  const { agent: _agent, seq: _seq, ...rest } = row
  await tx.tables<Tables>().insertInto('inbox_leases').values(row)
    .onConflict(conflict => conflict.columns(['agent', 'seq']).doUpdateSet(rest)).execute()
}

export const dropLease = async (tx: Tx, agent: string, seq: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('inbox_leases').where('agent', '=', agent).where('seq', '=', seq).execute()
}

/** Forgets those up to a number that are done: the cursor has passed them. */
export const forgetPassed = async (tx: Tx, agent: string, upTo: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('inbox_leases').where('agent', '=', agent).where('seq', '<=', upTo).where('state', '=', 'done')
    .execute()
}

/** Entries that are nobody's any more and were held as often as they may be. */
export const lostLeases = (db: Db, now: number, maxAttempts: number, limit: number): Promise<readonly LeaseRow[]> =>
  db.tables<Tables>().selectFrom('inbox_leases').selectAll().where('state', 'in', ['held', 'waiting']).where('until', '<=', now)
    .where('attempts', '>=', maxAttempts).orderBy('until').orderBy('agent').orderBy('seq').limit(limit).execute()

const givenUp = ['failed', 'dropped'] as const

/** Forgets what an agent's workers gave up, but for the newest ones and for what the cursor has not passed. */
export const trimFailed = async (tx: Tx, agent: string, kept: number, cursor: number): Promise<void> => {
  const rows = tx.tables<Tables>().selectFrom('inbox_leases').select('seq').where('agent', '=', agent).where('state', 'in', givenUp)
  const last = await rows.orderBy('seq', 'desc').offset(kept).limit(1).executeTakeFirst()
  if (last === undefined) return
  await tx.tables<Tables>().deleteFrom('inbox_leases').where('agent', '=', agent).where('state', 'in', givenUp)
    .where('seq', '<=', Math.min(last.seq, cursor)).execute()
}

/** Forgets what was given up before then. */
export const forgetFailed = async (tx: Tx, before: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('inbox_leases').where('state', 'in', givenUp).where('until', '<', before).execute()
}

/** The entries of an agent's next key have other numbers. */
export const endLeases = async (tx: Tx, agent: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('inbox_leases').where('agent', '=', agent).execute()
}

/** A fate with what is known of the leases of its entries. */
export const withLeases = async (db: Db, fate: Fate): Promise<Fate> => {
  const leases = await db.tables<Tables>().selectFrom('inbox_leases').selectAll().where('msg_id', '=', fate.msgId).execute()
  if (leases.length === 0) return fate
  const byAgent = new Map(leases.map(row => [row.agent, row]))
  return { ...fate, receipts: fate.receipts.map(receipt => ({ ...receipt, lease: byAgent.get(receipt.agent) })) }
}
