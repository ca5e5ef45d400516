// How long what was said is kept: the limits of channels, and what is asked of the log in the words of agents and their keys.
import { predecessors } from './agents.ts'
import type { ErasureStep } from './log.ts'
import { removeSomeReactions } from './reactions.ts'
import type { Migration, Tx } from './store.ts'

/** A limit that is null is the relay's default; 0 is none. */
export interface RetentionRow {
  readonly channel: string
  readonly age_ms: number | null
  readonly count: number | null
  readonly bytes: number | null
}

interface Tables {
  retention: RetentionRow
}

/** The other tables are of the log, where it is SQLite's. */
export const keepingMigrations: Migration = {
  feature: 'keeping',
  steps: [`
    CREATE TABLE retention (channel TEXT PRIMARY KEY, age_ms INTEGER, count INTEGER, bytes INTEGER) WITHOUT ROWID;
    CREATE TABLE stream_sizes (stream INTEGER PRIMARY KEY, upto INTEGER NOT NULL, bytes INTEGER NOT NULL);
    CREATE TABLE erasures (agent TEXT PRIMARY KEY, after INTEGER NOT NULL, upto INTEGER NOT NULL, events INTEGER NOT NULL) WITHOUT ROWID;
  `],
  postgres: [`
    CREATE TABLE retention (channel TEXT PRIMARY KEY, age_ms BIGINT, count BIGINT, bytes BIGINT);
    CREATE TABLE stream_sizes (stream BIGINT PRIMARY KEY, upto BIGINT NOT NULL, bytes BIGINT NOT NULL);
    CREATE TABLE erasures (agent TEXT PRIMARY KEY, after BIGINT NOT NULL, upto BIGINT NOT NULL, events BIGINT NOT NULL);
  `],
}

/** Each is some statements, while whoever else reacts or edits waits. */
const reactionsAtOnce = 50

const noLimits = { age_ms: null, count: null, bytes: null } as const

export const setRetention = async (tx: Tx, row: RetentionRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('retention').values(row).onConflict(conflict => conflict.column('channel').doUpdateSet(row))
    .execute()
}

/** The next streams of talk after a name, each with the limits that are its own; only those that have some, if `onlyOwn`. */
export const keptAfter = async (tx: Tx, after: string, limit: number, onlyOwn: boolean): Promise<readonly RetentionRow[]> => {
  const rows = tx.tables<Tables>().selectFrom('retention').selectAll()
  if (onlyOwn) return rows.where('channel', '>', after).orderBy('channel').limit(limit).execute()
  const names = await tx.keep.talksAfter(after, limit)
  if (names.length === 0) return []
  const own = new Map((await rows.where(tx.dialect.isAmong('channel', names)).execute()).map(row => [row.channel, row]))
  return names.map(channel => own.get(channel) ?? { channel, ...noLimits })
}

/** Erases the next piece of what an agent said under any of its keys. */
export const eraseSome = async (tx: Tx, agent: string, now: number): Promise<ErasureStep> => {
  const keys = [agent, ...await predecessors(tx, agent)]
  // First, as long as it is noted that something is to be erased.
  const reactions = await removeSomeReactions(tx, keys, reactionsAtOnce, now)
  return reactions > 0 ? { done: false, events: 0, fates: [] } : tx.keep.eraseSome(agent, keys, now)
}

export { SilentRound } from './spoken.ts'
