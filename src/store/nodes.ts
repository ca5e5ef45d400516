// The processes that run on one database, each for as long as it says that it does; and which of them does what is one process's. Times are
// the database's: processes have clocks of their own. Where a process has the database to itself, these tables stay empty.
import { sql } from 'kysely'
import type { Db, Migration, Tx } from './store.ts'

const steps = [
  `
  CREATE TABLE nodes (name TEXT PRIMARY KEY, incarnation TEXT NOT NULL, version TEXT NOT NULL, config TEXT NOT NULL, since BIGINT NOT NULL,
    until BIGINT NOT NULL, state TEXT NOT NULL);
  CREATE TABLE duties (name TEXT PRIMARY KEY, owner TEXT NOT NULL, until BIGINT NOT NULL);
`,
  "ALTER TABLE nodes ADD COLUMN facts TEXT NOT NULL DEFAULT '{}'",
]

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
  /** NodeFacts, as JSON, of when it said so last. */
  readonly facts: string
}

/** How a process stands to the others, and what came of it since it started. */
export interface NodeFacts {
  /** Whether it hears them. */
  readonly bus: 'up' | 'down'
  /** Those that it knows to run, itself too. */
  readonly nodes: number
  /** Those of them that say nothing; one of before it was counted says nothing of that. */
  readonly unheard?: number
  /** What the others told and it does not know yet. */
  readonly behind: number
  /** Sessions that are connected to it. */
  readonly agents: number
  /** What did not come and was asked for; what came too early; events read from the log. */
  readonly gaps: number
  readonly held: number
  readonly repaired: number
  /** How often it read tables because something was missed. */
  readonly resyncs: number
  /** Answers that waited in vain for another process. */
  readonly unanswered: number
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
        facts: ref('excluded.facts'),
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
