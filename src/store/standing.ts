// Standing: whether an agent is admitted to this relay, and as what. Bans, the allowlist, and one question that everybody asks.
import { sql, type RawBuilder } from 'kysely'
import { preparedRead } from './prepared.ts'
import type { Db, Migration, ReadTables, Tx } from './store.ts'
import { addressWriter, approvalWriter } from './writers.ts'

interface Tables {
  agents: { id: string, pubkey: string, verified: 0 | 1, rotated_to: string | null, revoked_at: number | null }
  bans: { agent: string, reason: string | null, at: number }
  allowlist: { agent: string, pubkey: string, note: string | null, at: number }
  address_bans: { address: string, reason: string | null, at: number }
}

export const standingMigrations: Migration = {
  feature: 'standing',
  steps: ['CREATE TABLE address_bans (address TEXT PRIMARY KEY, reason TEXT, at INTEGER NOT NULL) WITHOUT ROWID'],
  postgres: ['CREATE TABLE address_bans (address TEXT PRIMARY KEY, reason TEXT, at BIGINT NOT NULL)'],
}

/** Everything that decides whether an agent is admitted, and as what. */
export interface Standing {
  /** Its key has been here. */
  readonly isKnown: boolean
  /** The relay knows the id by another key than the one that is asked about: ids are short enough that two keys can share one. */
  readonly isOtherKey: boolean
  readonly isVerified: boolean
  readonly isApproved: boolean
  readonly isRevoked: boolean
  readonly rotatedTo: string | null
  readonly ban: { readonly reason: string | null } | undefined
}

const selectStanding = (tables: ReadTables<Tables>, ids: RawBuilder<{ id: string }>) =>
  tables.selectFrom(ids.as('who'))
    .leftJoin('agents', 'agents.id', 'who.id').leftJoin('bans', 'bans.agent', 'who.id').leftJoin('allowlist', 'allowlist.agent', 'who.id')
    .select(['agents.id as known', 'verified', 'rotated_to', 'revoked_at', 'bans.at as banned_at', 'reason', 'allowlist.at as approved_at'])
    .select(['agents.pubkey as key', 'allowlist.pubkey as approved_key'])

const findStanding = preparedRead((tables: ReadTables<Tables>, id: string) =>
  selectStanding(tables, sql<{ id: string }>`(SELECT ${id} AS id)`)
)

type Found = Awaited<ReturnType<typeof findStanding>>[number]

/** `pubkey`: the key that somebody shows, as canonical PEM; whoever asks about an id alone means the key that the relay has for it. */
export const standingOf = async (db: Db, id: string, pubkey?: string): Promise<Standing> => {
  const [found] = await findStanding(db, id)
  return standingBy(found!, pubkey)
}

/** The same of many at once, by what the relay has for their ids. */
export const standingsOf = async (db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, Standing>> => {
  const rows = db.dialect.rowsOf<{ id: string }>({ id: 'text' }, ids.map(id => ({ id })))
  const all = await selectStanding(db.tables<Tables>(), rows).select('who.id as of').execute()
  return new Map(all.map(found => [found.of, standingBy(found, undefined)]))
}

const standingBy = (
  { known, verified, rotated_to, revoked_at, banned_at, reason, approved_at, key, approved_key }: Found,
  pubkey: string | undefined,
): Standing => {
  const isOther = (stored: string | null) => pubkey !== undefined && stored !== null && stored !== pubkey
  return {
    isKnown: known !== null,
    isOtherKey: isOther(key) || isOther(approved_key),
    isVerified: verified === 1 || approved_at !== null,
    isApproved: approved_at !== null,
    isRevoked: revoked_at !== null,
    rotatedTo: rotated_to,
    ban: banned_at === null ? undefined : { reason },
  }
}

/** What is said to whoever shows a key whose id is another key's. */
export const otherKey = 'The relay knows the agent of this id by another key: two keys have the same id. Use another key'

/** Why an agent is not admitted: what it is told, and how its sessions end. */
export interface Refusal {
  readonly code: 'BANNED' | 'NOT_ALLOWED'
  readonly message: string
  readonly close: 'BANNED' | 'REVOKED' | 'KICKED'
}

/** Asked when a session opens, and of the open ones whenever the answer may have changed. `isStrict`: only approved keys are admitted. */
export const refusalOf = ({ ban, rotatedTo, isRevoked, isApproved, isOtherKey }: Standing, isStrict: boolean): Refusal | undefined => {
  if (isOtherKey) return { code: 'NOT_ALLOWED', message: otherKey, close: 'REVOKED' }
  if (ban !== undefined) return { code: 'BANNED', message: ban.reason ?? 'Banned', close: 'BANNED' }
  const notAllowed = (message: string, close: Refusal['close']): Refusal => ({ code: 'NOT_ALLOWED', message, close })
  if (rotatedTo !== null) return notAllowed(`This key was rotated; the agent is now ${rotatedTo}`, 'REVOKED')
  if (isRevoked) return notAllowed('This key was revoked', 'REVOKED')
  if (isStrict && !isApproved) return notAllowed('This relay admits approved keys only', 'KICKED')
  return undefined
}

/** Why nobody can deal with an agent or write to it, in words for whoever tries; undefined: one can. */
export const goneReasonOf = (id: string, { isKnown, rotatedTo, isRevoked, ban }: Standing): string | undefined => {
  if (!isKnown) return `No agent ${id} is known here`
  if (rotatedTo !== null) return `${id} rotated its key and is now ${rotatedTo}`
  if (isRevoked) return `The key of ${id} was revoked`
  return ban === undefined ? undefined : `${id} is banned from this relay`
}

export const ban = async (tx: Tx, agent: string, reason: string | null, now: number): Promise<void> => {
  await tx.lockOut(agent)
  await tx.tables<Tables>().insertInto('bans').values({ agent, reason, at: now })
    .onConflict(conflict => conflict.column('agent').doUpdateSet({ reason, at: now })).execute()
}

/** Whether there was a ban to lift. */
export const unban = async (tx: Tx, agent: string): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('bans').where('agent', '=', agent).executeTakeFirst()).numDeletedRows > 0n

export const banAddress = async (tx: Tx, address: string, reason: string | null, now: number): Promise<void> => {
  await tx.lockOut(addressWriter(address))
  await tx.tables<Tables>().insertInto('address_bans').values({ address, reason, at: now })
    .onConflict(conflict => conflict.column('address').doUpdateSet({ reason, at: now })).execute()
}

/** Whether there was a ban to lift. */
export const unbanAddress = async (tx: Tx, address: string): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('address_bans').where('address', '=', address).executeTakeFirst()).numDeletedRows > 0n

export interface Ban {
  /** An agent's id, or an address. */
  readonly of: string
  readonly reason: string | null
  readonly at: number
}

/** `addressOf`: an address as bans are counted now; what was banned may have been written down with other bits of it. */
export const addressBans = async (db: Db, addressOf: (text: string) => string): Promise<readonly Ban[]> => {
  const rows = await db.tables<Tables>().selectFrom('address_bans').select(['address as of', 'reason', 'at']).orderBy('address').execute()
  return rows.map(ban => ({ ...ban, of: addressOf(ban.of.replace(/\/\d+$/, '')) }))
}

/** Addresses and agents, each in order; those after one. */
export const bansAfter = (db: Db, after: string, limit: number): Promise<readonly Ban[]> => {
  const tables = db.tables<Tables>()
  const agents = tables.selectFrom('bans').select(['agent as of', 'reason', 'at']).where('agent', '>', after)
  return agents.unionAll(tables.selectFrom('address_bans').select(['address as of', 'reason', 'at']).where('address', '>', after))
    .orderBy('of').limit(limit).execute()
}

export const approve = async (
  tx: Tx,
  entry: { readonly agent: string, readonly pubkey: string, readonly note: string | null },
  now: number,
): Promise<void> => {
  await tx.tables<Tables>().insertInto('allowlist').values({ ...entry, at: now })
    .onConflict(conflict => conflict.column('agent').doUpdateSet({ note: entry.note })).execute()
}

/** Whether there was an approval to take back. */
export const disapprove = async (tx: Tx, agent: string): Promise<boolean> => {
  await tx.lockOut(approvalWriter(agent))
  return (await tx.tables<Tables>().deleteFrom('allowlist').where('agent', '=', agent).executeTakeFirst()).numDeletedRows > 0n
}

/** In order of their ids. */
export const approvalsAfter = (db: Db, after: string, limit: number) =>
  db.tables<Tables>().selectFrom('allowlist').selectAll().where('agent', '>', after).orderBy('agent').limit(limit).execute()
