// Threads that agents do not want to be told of: what mentions them there stays out of their inbox.
import type { Db, Migration, Tx } from './store.ts'

interface Tables {
  /** `root`: the number of the message that the thread begins with. */
  muted_threads: { agent: string, stream: string, root: number, at: number }
}

/** A thread: the stream, and the number of its first message. */
export interface Thread {
  readonly stream: string
  readonly root: number
}

/** Threads that one agent keeps muted: beyond, the one muted longest ago is heard again. */
export const maxMutedThreads = 200

export const threadMigrations: Migration = {
  feature: 'threads',
  steps: [`
    CREATE TABLE muted_threads (agent TEXT NOT NULL, stream TEXT NOT NULL, root INTEGER NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (agent, stream, root)) WITHOUT ROWID;
  `],
  postgres: [`
    CREATE TABLE muted_threads (agent TEXT NOT NULL, stream TEXT NOT NULL, root BIGINT NOT NULL, at BIGINT NOT NULL,
      PRIMARY KEY (agent, stream, root));
  `],
}

export const muteThread = async (tx: Tx, agent: string, { stream, root }: Thread, now: number): Promise<void> => {
  const tables = tx.tables<Tables>()
  await tables.insertInto('muted_threads').values({ agent, stream, root, at: now }).onConflict(conflict =>
    conflict.columns(['agent', 'stream', 'root']).doUpdateSet({ at: now })
  ).execute()
  const tooMany = await tables.selectFrom('muted_threads').select(['stream', 'root']).where('agent', '=', agent).orderBy('at', 'desc')
    .orderBy('stream').orderBy('root').offset(maxMutedThreads).limit(maxMutedThreads).execute()
  for (const thread of tooMany) await unmuteThread(tx, agent, thread)
}

export const unmuteThread = async (tx: Tx, agent: string, { stream, root }: Thread): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('muted_threads').where('agent', '=', agent).where('stream', '=', stream).where('root', '=', root)
    .execute()
}

/** Those of the agents who have muted a thread. */
export const mutersAmong = async (db: Db, agents: readonly string[], { stream, root }: Thread): Promise<ReadonlySet<string>> => {
  if (agents.length === 0) return new Set()
  const rows = await db.tables<Tables>().selectFrom('muted_threads').select('agent').where(db.dialect.isAmong('agent', agents))
    .where('stream', '=', stream).where('root', '=', root).execute()
  return new Set(rows.map(({ agent }) => agent))
}

/** What an agent wants belongs to its next key. */
export const moveMutedThreads = async (tx: Tx, from: string, to: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  for (const { stream, root, at } of await tables.selectFrom('muted_threads').selectAll().where('agent', '=', from).execute())
    await muteThread(tx, to, { stream, root }, at)
  await tables.deleteFrom('muted_threads').where('agent', '=', from).execute()
}
