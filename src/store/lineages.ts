// The keys that one agent had one after the other. Each key's place is kept, so that who it was and who it is now is one look-up,
// however often it changed.
import { sql, type RawBuilder } from 'kysely'
import type { Db, Tx } from './store.ts'

interface Tables {
  /** A key that took part in a rotation: of its lineage the one with the largest `n` is the present one, what led to it has smaller ones. */
  lineages: { agent: string, lineage: string, n: number }
}

/** Made again from what each agent's row says of the key after it. */
export const fillLineages = `
  INSERT INTO lineages WITH RECURSIVE chain (agent, lineage, n) AS (
    SELECT id, id, 0 FROM agents AS head WHERE rotated_to IS NULL AND EXISTS (SELECT 1 FROM agents WHERE rotated_to = head.id)
    UNION ALL SELECT id, lineage, n - 1 FROM chain JOIN agents ON rotated_to = agent
  ) SELECT agent, lineage, n FROM chain;
`

export const lineageSchema = `
  CREATE TABLE lineages (agent TEXT PRIMARY KEY, lineage TEXT NOT NULL, n INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX lineages_order ON lineages (lineage, n, agent);
  ${fillLineages}
`

const formerOf = (id: string): RawBuilder<unknown> =>
  sql`lineages AS me JOIN lineages AS former ON former.lineage = me.lineage AND former.n < me.n WHERE me.agent = ${id}`

/** The ids of an agent, its own and those of its former keys, for `where … in`. */
export const keysOf = (id: string): RawBuilder<string> => sql`(SELECT ${id} UNION ALL SELECT former.agent FROM ${formerOf(id)})`

/** The agents whose keys led to this one, nearest first. */
export const predecessors = async (db: Db, id: string): Promise<readonly string[]> => {
  const former = sql<{ agent: string }>`(SELECT former.agent FROM ${formerOf(id)} ORDER BY former.n DESC, former.agent)`.as('former')
  return (await db.tables<Tables>().selectFrom(former).select('agent').execute()).map(({ agent }) => agent)
}

/** These, and every key that one of them has had or has since: one look-up, however many they are. */
export const lineagesOf = async (db: Db, ids: readonly string[]): Promise<readonly string[]> => {
  const rows = await db.tables<Tables>().selectFrom('lineages as me').innerJoin('lineages as key', 'key.lineage', 'me.lineage')
    .select('key.agent').where(db.dialect.isAmong('me.agent', ids)).execute()
  return [...new Set([...ids, ...rows.map(({ agent }) => agent)])]
}

/** Who an agent is now: the agent of its last key. */
export const successorOf = async (db: Db, id: string): Promise<string> =>
  (await db.tables<Tables>().selectFrom('lineages as me').innerJoin('lineages as head', 'head.lineage', 'me.lineage').select('head.agent')
    .where('me.agent', '=', id).orderBy('head.n', 'desc').limit(1).executeTakeFirst())?.agent ?? id

/** Every former key, and who it is now. */
export const successions = async (db: Db): Promise<ReadonlyMap<string, string>> => {
  const heads = sql<{ agent: string, head: string }>`(SELECT agent, first_value(agent) OVER (PARTITION BY lineage ORDER BY n DESC) AS head
    FROM lineages)`.as('heads')
  const rows = await db.tables<Tables>().selectFrom(heads).select(['agent', 'head']).whereRef('agent', '<>', 'head').execute()
  return new Map(rows.map(({ agent, head }) => [agent, head]))
}

interface Place {
  readonly lineage: string
  readonly n: number
  readonly keys: number
}

const placeOf = async (db: Db, id: string): Promise<Place | undefined> =>
  await db.tables<Tables>().selectFrom('lineages as me').select(['lineage', 'n']).select(({ selectFrom, fn }) =>
    selectFrom('lineages as all').whereRef('all.lineage', '=', 'me.lineage').select(fn.countAll<number>().as('keys')).as('keys')
  ).where('agent', '=', id).executeTakeFirst() as Place | undefined

/** Keys that an agent is known by, this one too. */
export const countKeys = async (db: Db, id: string): Promise<number> => (await placeOf(db, id))?.keys ?? 1

/** One key follows another. Of the two lineages the smaller one is written anew. */
export const joinLineages = async (tx: Tx, from: string, to: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  const placed = async (agent: string): Promise<Place> => {
    const place = await placeOf(tx, agent)
    if (place !== undefined) return place
    await tables.insertInto('lineages').values({ agent, lineage: agent, n: 0 }).execute()
    return { lineage: agent, n: 0, keys: 1 }
  }
  const [before, after] = [await placed(from), await placed(to)]
  const [kept, moved, by] = before.keys > after.keys
    ? [before, after, before.n + 1 - after.n] as const
    : [after, before, after.n - 1 - before.n] as const
  await tables.updateTable('lineages').set({ lineage: kept.lineage, n: sql<number>`n + ${by}` }).where('lineage', '=', moved.lineage)
    .execute()
}
