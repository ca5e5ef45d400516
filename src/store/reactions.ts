// Reactions to messages: who reacted how, and of each message the sums, with the time at which they changed last. Rows stand where their
// message stands (`stream`, `seq`) and go with it: see `hanging` in log.ts.
import { keysOf } from './lineages.ts'
import type { Db, Migration, Tx } from './store.ts'

/** How often each kind was given, in the order in which they came. */
export interface Sum {
  readonly kind: string
  readonly count: number
}

/** Where a message stands. */
export interface At {
  readonly streamId: number
  readonly seq: number
}

/** A message that somebody reacted to, as it stands. */
export interface Reacted {
  readonly msg_id: string
  readonly seq: number
  /** ms, strictly rising in a stream: what changed after one of them is found by it */
  readonly changed: number
  readonly sums: readonly Sum[]
}

interface Tables {
  /** `sign` is the kind: in an archive that word says what a record is. */
  reactions: { stream: number, seq: number, sign: string, agent: string, at: number }
  reacted: { stream: number, seq: number, msg_id: string, changed: number, sums: string }
}

export const reactionMigrations: Migration = {
  feature: 'reactions',
  steps: [`
    CREATE TABLE reactions (stream INTEGER NOT NULL, seq INTEGER NOT NULL, sign TEXT NOT NULL, agent TEXT NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (stream, seq, sign, agent)) WITHOUT ROWID;
    CREATE INDEX reactions_agent ON reactions (agent, stream, seq);
    CREATE TABLE reacted (stream INTEGER NOT NULL, seq INTEGER NOT NULL, msg_id TEXT NOT NULL, changed INTEGER NOT NULL, sums TEXT NOT NULL,
      PRIMARY KEY (stream, seq)) WITHOUT ROWID;
    CREATE UNIQUE INDEX reacted_changed ON reacted (stream, changed);
  `],
  postgres: [`
    CREATE TABLE reactions (stream BIGINT NOT NULL, seq BIGINT NOT NULL, sign TEXT NOT NULL, agent TEXT NOT NULL, at BIGINT NOT NULL,
      PRIMARY KEY (stream, seq, sign, agent));
    CREATE INDEX reactions_agent ON reactions (agent, stream, seq);
    CREATE TABLE reacted (stream BIGINT NOT NULL, seq BIGINT NOT NULL, msg_id TEXT NOT NULL, changed BIGINT NOT NULL, sums TEXT NOT NULL,
      PRIMARY KEY (stream, seq));
    CREATE UNIQUE INDEX reacted_changed ON reacted (stream, changed);
  `],
}

const shown = ({ sums, msg_id, seq, changed }: Tables['reacted']): Reacted => ({
  msg_id,
  seq,
  changed,
  sums: JSON.parse(sums) as readonly Sum[],
})

export const reactedAt = async (db: Db, { streamId, seq }: At): Promise<Reacted | undefined> => {
  const row = await db.tables<Tables>().selectFrom('reacted').selectAll().where('stream', '=', streamId).where('seq', '=', seq)
    .executeTakeFirst()
  return row && shown(row)
}

/** Messages of a stream whose sums changed after a time, in the order in which they changed. */
export const reactedSince = async (db: Db, streamId: number, since: number, limit: number): Promise<readonly Reacted[]> =>
  (await db.tables<Tables>().selectFrom('reacted').selectAll().where('stream', '=', streamId).where('changed', '>', since)
    .orderBy('changed').limit(limit).execute()).map(shown)

/** Messages of a part of a stream that have reactions. */
export const reactedBetween = async (db: Db, streamId: number, first: number, last: number): Promise<readonly Reacted[]> =>
  (await db.tables<Tables>().selectFrom('reacted').selectAll().where('stream', '=', streamId).where('seq', '>=', first)
    .where('seq', '<=', last).where('sums', '<>', '[]').orderBy('seq').execute()).map(shown)

/** The same with how an agent reacted itself, as the wire tells it. */
export const withMine = async (db: Db, agent: string, streamId: number, list: readonly Reacted[]) => {
  const own = list.length === 0 ? [] : await db.tables<Tables>().selectFrom('reactions').select(['seq', 'sign'])
    .where('agent', 'in', keysOf(agent)).where('stream', '=', streamId).where('seq', 'in', list.map(({ seq }) => seq))
    .orderBy('at').orderBy('sign').execute()
  return list.map(reacted => {
    const mine = own.filter(({ seq }) => seq === reacted.seq).map(({ sign }) => sign)
    return { ...reacted, sums: [...reacted.sums], ...(mine.length > 0 && { mine }) }
  })
}

/** How an agent reacted, under any of its keys. */
export const kindsOf = async (db: Db, agent: string, { streamId, seq }: At): Promise<readonly string[]> =>
  (await db.tables<Tables>().selectFrom('reactions').select('sign').where('agent', 'in', keysOf(agent)).where('stream', '=', streamId)
    .where('seq', '=', seq).orderBy('at').orderBy('sign').execute()).map(({ sign }) => sign)

/** Who reacted to a message in one way, in order of their ids. */
export const reactorsAfter = async (
  db: Db,
  { streamId, seq }: At,
  kind: string,
  after: string,
  limit: number,
): Promise<readonly string[]> =>
  (await db.tables<Tables>().selectFrom('reactions').select('agent').where('stream', '=', streamId).where('seq', '=', seq)
    .where('sign', '=', kind).where('agent', '>', after).orderBy('agent').limit(limit).execute()).map(({ agent }) => agent)

/** Notes what an agent thinks of a message; `now` is that of the change. */
export const addReaction = async (
  tx: Tx,
  { streamId, seq, msgId }: At & { readonly msgId: string },
  by: { readonly agent: string, readonly kind: string },
  now: number,
): Promise<Reacted> => {
  await tx.tables<Tables>().insertInto('reactions').values({ stream: streamId, seq, sign: by.kind, agent: by.agent, at: now }).execute()
  const { sums } = await reactedAt(tx, { streamId, seq }) ?? { sums: [] }
  const isNew = sums.every(({ kind }) => kind !== by.kind)
  return await keepSums(tx, { streamId, seq, msgId }, now,
    isNew ? [...sums, { kind: by.kind, count: 1 }] : sums.map(sum => sum.kind === by.kind ? { ...sum, count: sum.count + 1 } : sum))
}

/** Takes a reaction back, under whichever of its keys the agent made it. undefined: there was none. */
export const removeReaction = async (
  tx: Tx,
  { streamId, seq }: At,
  by: { readonly agent: string, readonly kind: string },
  now: number,
): Promise<Reacted | undefined> => {
  const { numDeletedRows } = await tx.tables<Tables>().deleteFrom('reactions').where('stream', '=', streamId).where('seq', '=', seq)
    .where('sign', '=', by.kind).where('agent', 'in', keysOf(by.agent)).executeTakeFirst()
  return numDeletedRows === 0n ? undefined : await lessen(tx, { streamId, seq }, by.kind, Number(numDeletedRows), now)
}

/** Takes some of all reactions of these agents back; gives how many. */
export const removeSomeReactions = async (tx: Tx, agents: readonly string[], limit: number, now: number): Promise<number> => {
  const tables = tx.tables<Tables>()
  const rows = await tables.selectFrom('reactions').selectAll().where(tx.dialect.isAmong('agent', agents)).limit(limit).execute()
  for (const { stream, seq, sign: kind, agent } of rows) {
    await tables.deleteFrom('reactions').where('stream', '=', stream).where('seq', '=', seq).where('sign', '=', kind)
      .where('agent', '=', agent).execute()
    await lessen(tx, { streamId: stream, seq }, kind, 1, now)
  }
  return rows.length
}

const lessen = async (tx: Tx, at: At, kind: string, by: number, now: number): Promise<Reacted | undefined> => {
  const reacted = await reactedAt(tx, at)
  if (reacted === undefined) return undefined
  const sums = reacted.sums.map(sum => sum.kind === kind ? { ...sum, count: sum.count - by } : sum).filter(({ count }) => count > 0)
  return await keepSums(tx, { ...at, msgId: reacted.msg_id }, now, sums)
}

/** A row stays where nothing is left, so that whoever was away learns it. */
const keepSums = async (
  tx: Tx,
  { streamId, seq, msgId }: At & { readonly msgId: string },
  now: number,
  sums: readonly Sum[],
): Promise<Reacted> => {
  const tables = tx.tables<Tables>()
  const { last } = await tables.selectFrom('reacted').select(({ fn }) => fn.max<number | null>('changed').as('last'))
    .where('stream', '=', streamId).executeTakeFirstOrThrow()
  const changed = Math.max(now, (last ?? 0) + 1)
  const news = { changed, sums: JSON.stringify(sums) }
  await tables.insertInto('reacted').values({ stream: streamId, seq, msg_id: msgId, ...news })
    .onConflict(conflict => conflict.columns(['stream', 'seq']).doUpdateSet(news)).execute()
  return { msg_id: msgId, seq, changed, sums }
}
