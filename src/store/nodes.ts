// The processes that run on one database, each for as long as it says that it does; and which of them does what is one process's. Times are
// the database's: processes have clocks of their own. Where a process has the database to itself, these tables stay empty.
import { sql } from 'kysely'
import type { Db, Migration, Tx } from './store.ts'

const steps = [`
  CREATE TABLE nodes (name TEXT PRIMARY KEY, incarnation TEXT NOT NULL, version TEXT NOT NULL, config TEXT NOT NULL, since BIGINT NOT NULL,
    until BIGINT NOT NULL, state TEXT NOT NULL);
  CREATE TABLE duties (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until BIGINT NOT NULL);
`]

export const nodeMigrations: Migration = { feature: 'nodes', steps, postgres: steps }

/** A process of the relay. */
export interface NodeRow {
  readonly name: string
  /** Another one each time it starts. */
  readonly incarnation: string
  readonly version: string
  /** Says whether the settings that have to be the same at all are. */
  readonly config: string
  /** ms, by the database's clock, as is `until` */
  readonly since: number
  /** Until when it is believed to run. */
  readonly until: number
  readonly state: 'serving' | 'draining'
}

interface Tables {
  nodes: NodeRow
}

/**
 * Says that a process runs, for `leaseMs` more. Undefined where another one of its name does; else the time of the database's clock, in ms.
 */
export const renewNode = async (
  tx: Pick<Tx, 'tables' | 'dialect'>,
  { leaseMs, ...node }: Omit<NodeRow, 'since' | 'until'> & { readonly leaseMs: number },
): Promise<number | undefined> => {
  const now = tx.dialect.now()
  const row = await tx.tables<Tables>().insertInto('nodes').values({ ...node, since: now, until: sql`${now} + ${sql.lit(leaseMs)}` })
    .onConflict(conflict =>
      conflict.column('name').doUpdateSet(({ ref }) => ({
        incarnation: ref('excluded.incarnation'),
        version: ref('excluded.version'),
        config: ref('excluded.config'),
        until: ref('excluded.until'),
        state: ref('excluded.state'),
        since: sql`CASE WHEN nodes.incarnation = excluded.incarnation THEN nodes.since ELSE excluded.since END`,
      })).where(({ or, eb, ref }) => or([eb('nodes.incarnation', '=', ref('excluded.incarnation')), eb('nodes.until', '<', now)]))
    )
    .returning(now.as('at')).executeTakeFirst()
  return row?.at
}

/** It has stopped. */
export const endNode = async (tx: Pick<Tx, 'tables'>, name: string, incarnation: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('nodes').where('name', '=', name).where('incarnation', '=', incarnation).execute()
}

/** Those that are believed to run, and the time of the database's clock. */
export const liveNodes = (db: Pick<Db, 'tables' | 'dialect'>): Promise<readonly (NodeRow & { readonly now: number })[]> => {
  const now = db.dialect.now()
  return db.tables<Tables>().selectFrom('nodes').selectAll().select(now.as('now')).where('until', '>=', now).orderBy('name').execute()
}

/** Those that ended without a word a while ago. */
export const forgetNodes = async (tx: Pick<Tx, 'tables' | 'dialect'>, forMs: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('nodes').where('until', '<', sql<number>`${tx.dialect.now()} - ${sql.lit(forMs)}`).execute()
}
