// Whom an agent does not want to hear from. It follows both: the rows of an agent move to its next key, and whoever is blocked
// is blocked under every key it had or gets.
import { keysOf } from './lineages.ts'
import type { Db, Tx } from './store.ts'

interface Tables {
  /** The table is the log's, which asks it for each entry of an inbox. */
  blocks: { agent: string, blocked: string, at: number }
}

export const addBlock = async (tx: Tx, agent: string, blocked: string, now: number): Promise<void> => {
  await tx.tables<Tables>().insertInto('blocks').values({ agent, blocked, at: now }).onConflict(conflict => conflict.doNothing()).execute()
}

/** Lifts a block, under whichever of the other's keys it was made; gives those ids. */
export const removeBlock = async (tx: Tx, agent: string, blocked: string): Promise<readonly string[]> =>
  (await tx.tables<Tables>().deleteFrom('blocks').where('agent', '=', agent).where('blocked', 'in', keysOf(blocked)).returning('blocked')
    .execute()).map(row => row.blocked)

export const blocksAfter = (
  db: Db,
  agent: string,
  after: string,
  limit: number,
): Promise<readonly { readonly blocked: string, readonly at: number }[]> =>
  db.tables<Tables>().selectFrom('blocks').select(['blocked', 'at']).where('agent', '=', agent).where('blocked', '>', after)
    .orderBy('blocked').limit(limit).execute()

export const isBlocked = async (db: Db, agent: string, by: string): Promise<boolean> =>
  (await db.tables<Tables>().selectFrom('blocks').select('agent').where('agent', '=', by).where('blocked', 'in', keysOf(agent))
    .executeTakeFirst()) !== undefined

/** Those of the agents who do not want to hear from one. */
export const blockersAmong = async (db: Db, agents: readonly string[], from: string): Promise<readonly string[]> =>
  agents.length === 0
    ? []
    : (await db.tables<Tables>().selectFrom('blocks').select('agent').distinct()
      .where(db.dialect.isAmong('agent', agents)).where('blocked', 'in', keysOf(from))
      .execute()).map(({ agent }) => agent)

/** What an agent wants belongs to its next key. */
export const moveBlocks = async (tx: Tx, from: string, to: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  for (const { blocked, at } of await tables.selectFrom('blocks').selectAll().where('agent', '=', from).execute())
    await addBlock(tx, to, blocked, at)
  await tables.deleteFrom('blocks').where('agent', '=', from).execute()
}
