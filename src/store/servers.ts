// The directory's tables: relays and how they stand, their signed descriptions, and looks at them by the hour.
import { sql } from 'kysely'
import type { Db, Migration, Tx } from './store.ts'

export interface ServerRow {
  readonly server_id: string
  readonly state: 'pending' | 'listed' | 'refused'
  readonly url: string
  readonly host: string
  readonly region: string | null
  /** words of name, description, features and region, lower case */
  readonly words: string
  /** ` channels proposals ` */
  readonly features: string
  readonly issued_at: number
  readonly expires_at: number
  /** who announced it */
  readonly announcer: string
  readonly first_seen: number
  readonly online: 0 | 1
  readonly checked_at: number | null
  readonly next_check: number
  readonly latency_ms: number | null
  readonly agents: number | null
  /** looks in a row without an answer */
  readonly failures: number
  readonly problem: string | null
  readonly uptime_day: number | null
  readonly uptime_week: number | null
}

interface Tables {
  servers: ServerRow
  server_documents: { server_id: string, document: string }
  server_hours: { server_id: string, hour: number, ok: number, total: number }
}

/** The descriptions lie apart: a search reads all rows of `servers`, and few of those. */
export const directoryMigrations: Migration = {
  feature: 'directory',
  steps: [`
    CREATE TABLE servers (server_id TEXT PRIMARY KEY, state TEXT NOT NULL, url TEXT NOT NULL, host TEXT NOT NULL, region TEXT,
      words TEXT NOT NULL, features TEXT NOT NULL,
      issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, announcer TEXT NOT NULL, first_seen INTEGER NOT NULL,
        online INTEGER NOT NULL, checked_at INTEGER,
      next_check INTEGER NOT NULL, latency_ms INTEGER, agents INTEGER, failures INTEGER NOT NULL, problem TEXT, uptime_day REAL,
        uptime_week REAL);
    CREATE INDEX servers_listed ON servers (first_seen, server_id, expires_at, online, region) WHERE state = 'listed';
    CREATE INDEX servers_due ON servers (next_check);
    CREATE INDEX servers_host ON servers (host);
    CREATE INDEX servers_url ON servers (url);
    CREATE INDEX servers_pending ON servers (announcer) WHERE state = 'pending';
    CREATE TABLE server_documents (server_id TEXT PRIMARY KEY, document TEXT NOT NULL);
    CREATE TABLE server_hours (server_id TEXT NOT NULL, hour INTEGER NOT NULL, ok INTEGER NOT NULL, total INTEGER NOT NULL,
      PRIMARY KEY (server_id, hour)) WITHOUT ROWID;
    CREATE INDEX server_hours_age ON server_hours (hour);
  `],
  postgres: [`
    CREATE TABLE servers (server_id TEXT PRIMARY KEY, state TEXT NOT NULL, url TEXT NOT NULL, host TEXT NOT NULL, region TEXT,
      words TEXT NOT NULL, features TEXT NOT NULL, issued_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, announcer TEXT NOT NULL,
      first_seen BIGINT NOT NULL, online BIGINT NOT NULL, checked_at BIGINT, next_check BIGINT NOT NULL, latency_ms BIGINT, agents BIGINT,
      failures BIGINT NOT NULL, problem TEXT, uptime_day DOUBLE PRECISION, uptime_week DOUBLE PRECISION);
    CREATE INDEX servers_listed ON servers (first_seen, server_id, expires_at, online, region) WHERE state = 'listed';
    CREATE INDEX servers_due ON servers (next_check);
    CREATE INDEX servers_host ON servers (host);
    CREATE INDEX servers_url ON servers (url);
    CREATE INDEX servers_pending ON servers (announcer) WHERE state = 'pending';
    CREATE TABLE server_documents (server_id TEXT PRIMARY KEY, document TEXT NOT NULL);
    CREATE TABLE server_hours (server_id TEXT NOT NULL, hour BIGINT NOT NULL, ok BIGINT NOT NULL, total BIGINT NOT NULL,
      PRIMARY KEY (server_id, hour));
    CREATE INDEX server_hours_age ON server_hours (hour);
  `],
}

export const findServer = async (db: Db, id: string): Promise<ListedServer | undefined> =>
  await db.tables<Tables>().selectFrom('servers').innerJoin('server_documents', 'server_documents.server_id', 'servers.server_id')
    .selectAll('servers').select('document').where('servers.server_id', '=', id).executeTakeFirst()

/** How many relays there are, how many of them wait (in all, and announced by one), and how many others say that they are at one host. */
export const countServers = async (
  db: Db,
  { announcer, host, id }: { readonly announcer: string, readonly host: string, readonly id: string },
): Promise<{ readonly servers: number, readonly pending: number, readonly pendingHere: number, readonly atHost: number }> => {
  const count = (where: ReturnType<typeof sql<boolean>>) =>
    db.tables<Tables>().selectFrom('servers').select(eb => eb.fn.countAll<number>().as('n')).where(where).executeTakeFirstOrThrow().then((
      { n },
    ) => n)
  return {
    servers: await count(sql`TRUE`),
    pending: await count(sql`state = 'pending'`),
    pendingHere: await count(sql`state = 'pending' AND announcer = ${announcer}`),
    atHost: await count(sql`host = ${host} AND server_id <> ${id} AND state <> 'refused'`),
  }
}

/** What a description says of its relay, as it is searched. */
export type SaidOfServer = Pick<ServerRow, 'state' | 'url' | 'host' | 'region' | 'words' | 'features' | 'issued_at' | 'expires_at'>

/** Least time between two looks that announcements bring about: nobody's address is hammered through a directory. */
const askAgainMs = 10_000

/** Keeps a description in place of the relay's former one. What was found out about the relay stays; one that waits is asked soon. */
export const putServer = async (
  tx: Tx,
  id: string,
  document: string,
  said: SaidOfServer,
  { announcer, now }: { readonly announcer: string, readonly now: number },
): Promise<void> => {
  const asked = said.state === 'pending'
    ? { next_check: tx.dialect.greatest(now, sql`coalesce(servers.checked_at, 0) + ${askAgainMs}`), failures: 0, announcer }
    : {}
  const tables = tx.tables<Tables>()
  await tables.insertInto('servers').values({
    server_id: id,
    announcer,
    first_seen: now,
    online: 0,
    checked_at: null,
    latency_ms: null,
    agents: null,
    failures: 0,
    problem: null,
    uptime_day: null,
    uptime_week: null,
    next_check: now,
    ...said,
  }).onConflict(conflict => conflict.column('server_id').doUpdateSet({ ...said, ...asked })).execute()
  await tables.insertInto('server_documents').values({ server_id: id, document }).onConflict(conflict =>
    conflict.column('server_id').doUpdateSet({ document })
  ).execute()
}

/** Relays to look at now; they are not due again before `claimedUntil`. */
export const takeDue = async (
  tx: Tx,
  now: number,
  count: number,
  claimedUntil: number,
): Promise<readonly Pick<ServerRow, 'server_id' | 'url'>[]> => {
  const due = await tx.tables<Tables>().selectFrom('servers').select(['server_id', 'url']).where('next_check', '<=', now).where('state',
    '<>', 'refused').orderBy('next_check').limit(count).execute()
  if (due.length > 0)
    await tx.tables<Tables>().updateTable('servers').set({ next_check: claimedUntil }).where('server_id', 'in',
      due.map(({ server_id }) => server_id)).execute()
  return due
}

export type LookedAt =
  & Pick<ServerRow, 'state' | 'online' | 'checked_at' | 'next_check' | 'latency_ms' | 'agents' | 'failures' | 'problem'>
  & Partial<Pick<ServerRow, 'uptime_day' | 'uptime_week'>>

/** Notes what came of a look. */
export const noteLook = async (tx: Tx, id: string, looked: LookedAt): Promise<void> => {
  await tx.tables<Tables>().updateTable('servers').set(looked).where('server_id', '=', id).execute()
}

/** Counts a look in its hour (hours since 1970), and gives the hours since `since`, this one too. */
export const countLook = async (
  tx: Tx,
  id: string,
  hour: number,
  ok: 0 | 1,
  since: number,
): Promise<readonly Omit<Tables['server_hours'], 'server_id'>[]> => {
  const tables = tx.tables<Tables>()
  await tables.insertInto('server_hours').values({ server_id: id, hour, ok, total: 1 })
    .onConflict(conflict =>
      conflict.columns(['server_id', 'hour']).doUpdateSet({ ok: sql`server_hours.ok + excluded.ok`, total: sql`server_hours.total + 1` })
    )
    .execute()
  return tables.selectFrom('server_hours').select(['hour', 'ok', 'total']).where('server_id', '=', id).where('hour', '>', since).execute()
}

/** Other relays that said they were at this address: it answers with another key now. */
export const supersede = async (tx: Tx, url: string, id: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('servers').set({ state: 'refused', online: 0, problem: 'another relay answers at its address' })
    .where('url', '=', url).where('server_id', '<>', id).where('state', '=', 'listed').execute()
}

/**
 * Forgets relays that wait or were refused since before `unlistedBefore`, those whose description ended before `endedBefore`,
 * and looks before an hour.
 */
export const forgetServers = async (
  tx: Tx,
  { unlistedBefore, endedBefore, hoursBefore }: {
    readonly unlistedBefore: number
    readonly endedBefore: number
    readonly hoursBefore: number
  },
): Promise<void> => {
  const tables = tx.tables<Tables>()
  const gone = sql<
    boolean
  >`(state <> 'listed' AND first_seen < ${unlistedBefore} AND coalesce(checked_at, 0) < ${unlistedBefore}) OR expires_at < ${endedBefore}`
  const old = await tables.selectFrom('servers').select('server_id').where(gone).limit(500).execute()
  if (old.length > 0) await drop(tx, old.map(({ server_id }) => server_id))
  await tables.deleteFrom('server_hours').where('hour', '<', hoursBefore).execute()
}

/** The relays that have been silent the longest make room. Gives how many went. */
export const makeRoom = async (tx: Tx, now: number, count: number): Promise<number> => {
  const silent = await tx.tables<Tables>().selectFrom('servers').select('server_id')
    .where(sql<boolean>`expires_at <= ${now} OR state = 'refused'`).orderBy('expires_at').limit(count).execute()
  if (silent.length > 0) await drop(tx, silent.map(({ server_id }) => server_id))
  return silent.length
}

const drop = async (tx: Tx, ids: readonly string[]): Promise<void> => {
  for (const table of ['server_documents', 'server_hours', 'servers'] as const)
    await tx.tables<Tables>().deleteFrom(table).where('server_id', 'in', ids).execute()
}

export interface ServerFilter {
  readonly words: readonly string[]
  readonly features: readonly string[]
  readonly region?: string | undefined
  readonly online?: boolean | undefined
  readonly limit: number
  /** first_seen and id of the last one of the page before */
  readonly after?: { readonly firstSeen: number, readonly id: string } | undefined
}

export type ListedServer = ServerRow & { readonly document: string }

/** One page of the relays that are listed now, the oldest entries first: an order that stays while pages are turned. */
export const listServers = async (
  db: Db,
  { words, features, region, online, limit, after }: ServerFilter,
  now: number,
): Promise<{ readonly total: number, readonly page: readonly ListedServer[] }> => {
  // As a literal: a parameter would not find the index of those that are listed.
  const listed = db.tables<Tables>().selectFrom('servers').where(sql<boolean>`state = 'listed'`).where('expires_at', '>', now)
    .$if(region !== undefined, query => query.where('region', '=', region!.toLowerCase()))
    .$if(online !== undefined, query => query.where('online', '=', online ? 1 : 0))
    .$if(words.length > 0, query => query.where(eb => eb.and(words.map(word => db.dialect.contains('words', word)))))
    .$if(features.length > 0, query => query.where(eb => eb.and(features.map(feature => db.dialect.contains('features', ` ${feature} `)))))
  const page = await listed.innerJoin('server_documents', 'server_documents.server_id', 'servers.server_id').selectAll('servers').select(
    'document',
  )
    .$if(after !== undefined,
      query => query.where(sql<boolean>`(servers.first_seen, servers.server_id) > (${after!.firstSeen}, ${after!.id})`))
    .orderBy('servers.first_seen').orderBy('servers.server_id').limit(limit).execute()
  // A first page that is not full is all there is: nothing has to be counted.
  if (after === undefined && page.length < limit) return { total: page.length, page }
  const { total } = await listed.select(eb => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return { total, page }
}
