// What outlives a session of an agent: its key, where it belongs, and what it is invited to. Several features read and write it.
import { joinLineages, lineageSchema, predecessors } from './lineages.ts'
import { moveBlocks } from './blocks.ts'
import { endLeases } from './leases.ts'
import { moveGroups } from './groups.ts'
import { moveMutedThreads } from './threads.ts'
import { moveChannels, type ChannelInfo } from './channels.ts'
import { invitationName, membershipName, moveShares, renameShare } from './shares.ts'
import { approve } from './standing.ts'
import { preparedRead, preparedWrite } from './prepared.ts'
import { moveBudgets } from './budgets.ts'
import { removeWebhooksOf } from './webhooks.ts'
import type { Db, Migration, ReadTables, Tx, WriteTables } from './store.ts'

export interface AgentRow {
  readonly id: string
  readonly pubkey: string
  readonly name: string
  readonly verified: 0 | 1
  readonly first_seen: number
  readonly last_seen: number
  readonly rotated_to: string | null
  readonly revoked_at: number | null
}

/** Agents that one message can mention, though many may share a name. */
const maxMentioned = 50

interface Tables {
  agents: AgentRow
  bans: { agent: string }
  allowlist: { agent: string, pubkey: string, note: string | null, at: number }
  memberships: { agent: string, channel: string, /** up to which event the agent has read it */ read_to: number }
  invitations: { agent: string, channel: string, by: string, at: number }
  channel_groups: { channel: string, name: string, agent: string }
  channels: { name: string }
}

export const agentMigrations: Migration = {
  feature: 'agents',
  steps: [
    `
    CREATE TABLE agents (id TEXT PRIMARY KEY, pubkey TEXT NOT NULL, name TEXT NOT NULL, verified INTEGER NOT NULL DEFAULT 0,
      first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, rotated_to TEXT, revoked_at INTEGER) WITHOUT ROWID;
    CREATE INDEX agents_rotated ON agents (rotated_to) WHERE rotated_to IS NOT NULL;
    CREATE INDEX agents_name ON agents (name);
    CREATE TABLE bans (agent TEXT PRIMARY KEY, reason TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE allowlist (agent TEXT PRIMARY KEY, pubkey TEXT NOT NULL, note TEXT, at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE memberships (agent TEXT NOT NULL, channel TEXT NOT NULL, PRIMARY KEY (agent, channel)) WITHOUT ROWID;
    CREATE TABLE invitations (channel TEXT NOT NULL, agent TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (channel,
      agent)) WITHOUT ROWID;
  `,
    lineageSchema,
    'CREATE INDEX memberships_channel ON memberships (channel, agent)',
    'ALTER TABLE memberships ADD COLUMN read_to INTEGER NOT NULL DEFAULT 0',
  ],
  postgres: [
    `
    CREATE TABLE agents (id TEXT PRIMARY KEY, pubkey TEXT NOT NULL, name TEXT NOT NULL, verified BIGINT NOT NULL DEFAULT 0,
      first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, rotated_to TEXT, revoked_at BIGINT);
    CREATE INDEX agents_rotated ON agents (rotated_to) WHERE rotated_to IS NOT NULL;
    CREATE INDEX agents_name ON agents (name);
    CREATE TABLE bans (agent TEXT PRIMARY KEY, reason TEXT, at BIGINT NOT NULL);
    CREATE TABLE allowlist (agent TEXT PRIMARY KEY, pubkey TEXT NOT NULL, note TEXT, at BIGINT NOT NULL);
    CREATE TABLE memberships (agent TEXT NOT NULL, channel TEXT NOT NULL, PRIMARY KEY (agent, channel));
    CREATE INDEX memberships_channel ON memberships (channel, agent);
    CREATE TABLE invitations (channel TEXT NOT NULL, agent TEXT NOT NULL, by TEXT NOT NULL, at BIGINT NOT NULL,
      PRIMARY KEY (channel, agent));
    CREATE TABLE lineages (agent TEXT PRIMARY KEY, lineage TEXT NOT NULL, n BIGINT NOT NULL);
    CREATE INDEX lineages_order ON lineages (lineage, n, agent);
  `,
    'ALTER TABLE memberships ADD COLUMN read_to BIGINT NOT NULL DEFAULT 0',
  ],
}

const findById = preparedRead((tables: ReadTables<Tables>, id: string) => tables.selectFrom('agents').selectAll().where('id', '=', id))

export const findAgent = async (db: Pick<Db, 'tables'>, id: string): Promise<AgentRow | undefined> => (await findById(db as Db, id))[0]

export const findAgents = (db: Db, ids: readonly string[]): Promise<readonly AgentRow[]> =>
  db.tables<Tables>().selectFrom('agents').selectAll().where(db.dialect.isAmong('id', ids)).execute()

/** Whether a setting names this key, or one that led to it. */
export const isNamed = async (
  db: Db,
  named: { readonly isNobody: boolean, has(agent: { readonly id: string, readonly pubkey: string }): boolean },
  agent: { readonly id: string, readonly pubkey: string },
): Promise<boolean> => {
  if (named.isNobody || named.has(agent)) return !named.isNobody
  return (await findAgents(db, await predecessors(db, agent.id))).some(former => named.has(former))
}

/** Of whoever leaves, which in a storm of logins is often. */
const updateSeen = preparedWrite((tables: WriteTables<Tables>, id: string, at: number) =>
  tables.updateTable('agents').set({ last_seen: at }).where('id', '=', id).where('last_seen', '<', at)
)

/** Notes when agents were heard last; a time never goes back. */
export const noteSeen = async (tx: Tx, heard: readonly (readonly [agent: string, at: number])[]): Promise<void> => {
  // Whoever else notes some of the same takes them in the same order.
  const [first, ...others] = [...heard].sort(([a], [b]) => a < b ? -1 : 1)
  if (first === undefined) return
  if (others.length === 0) {
    await updateSeen(tx, ...first)
    return
  }
  const rows = tx.dialect.rowsOf<{ id: string, at: number }>({ id: 'text', at: 'number' },
    [first, ...others].map(([id, at]) => ({ id, at })))
  await tx.tables<Tables>().updateTable('agents').from(rows.as('heard')).set(({ ref }) => ({ last_seen: ref('heard.at') }))
    .whereRef('agents.id', '=', 'heard.id').whereRef('agents.last_seen', '<', 'heard.at').execute()
}

const upsertAgent = preparedWrite((
  tables: WriteTables<Tables>,
  id: string,
  pubkey: string,
  name: string,
  now: number,
) =>
  tables.insertInto('agents')
    .values({ id, pubkey, name, verified: 0, first_seen: now, last_seen: now, rotated_to: null, revoked_at: null })
    .onConflict(conflict => conflict.column('id').doUpdateSet({ name, last_seen: now }))
)

export const rememberAgent = async (
  tx: Tx,
  { id, pubkey, name }: { readonly id: string, readonly pubkey: string, readonly name: string },
  now: number,
): Promise<void> => {
  await upsertAgent(tx, id, pubkey, name, now)
}

export const setVerified = async (tx: Tx, id: string, verified: boolean): Promise<void> => {
  await tx.tables<Tables>().updateTable('agents').set({ verified: verified ? 1 : 0 }).where('id', '=', id).execute()
}

export const revokeAgent = async (tx: Tx, agent: { readonly id: string, readonly pubkey: string }, now: number): Promise<void> => {
  await tx.lockOut(agent.id)
  await tx.tables<Tables>().insertInto('agents')
    .values({ ...agent, name: agent.id.slice(1), verified: 0, first_seen: now, last_seen: now, rotated_to: null, revoked_at: now })
    .onConflict(conflict => conflict.column('id').doUpdateSet({ revoked_at: now, verified: 0 }))
    .execute()
  await removeWebhooksOf(tx, agent.id)
}

/** Agents with a key whose standing lets them into a channel. */
const admittedTo = (db: Db, { verifiedOnly }: { readonly verifiedOnly: boolean }) => {
  const good = db.tables<Tables>().selectFrom('agents').select('id').where('revoked_at', 'is', null)
    .where(({ not, eb, selectFrom }) => not(eb('id', 'in', selectFrom('bans').select('agent'))))
  // Whoever lost its standing is a member in name only.
  return verifiedOnly
    ? good.where(({ or, eb, selectFrom }) => or([eb('verified', '=', 1), eb('id', 'in', selectFrom('allowlist').select('agent'))]))
    : good
}

/** The agents with a key that words after an @ mean in a channel: by id where they may read it, by name among its members. */
export const findMentioned = async (
  db: Db,
  words: readonly string[],
  channel: { readonly name: string, readonly private: boolean, readonly verifiedOnly: boolean },
): Promise<readonly string[]> => {
  const members = db.tables<Tables>().selectFrom('memberships').select('agent').where('channel', '=', channel.name)
  const isClosed = channel.private || channel.verifiedOnly
  const rows = await admittedTo(db, channel)
    .where(({ and, or, eb }) =>
      or([
        isClosed
          ? and([eb('id', 'in', words.map(word => `@${word}`)), eb('id', 'in', members)])
          : eb('id', 'in', words.map(word => `@${word}`)),
        and([eb('name', 'in', words), eb('id', 'in', members)]),
      ])
    )
    .orderBy('id').limit(maxMentioned).execute()
  return rows.map(row => row.id)
}

/** Members of a channel with a key that are in one of these groups of it. */
export const findGrouped = async (
  db: Db,
  groups: readonly string[],
  channel: { readonly name: string, readonly verifiedOnly: boolean },
  limit: number,
): Promise<readonly string[]> => {
  const tables = db.tables<Tables>()
  const rows = await admittedTo(db, channel)
    .where('id', 'in', tables.selectFrom('channel_groups').select('agent').where('channel', '=', channel.name).where('name', 'in', groups))
    .where('id', 'in', tables.selectFrom('memberships').select('agent').where('channel', '=', channel.name))
    .orderBy('id').limit(limit).execute()
  return rows.map(({ id }) => id)
}

/** Which of these keys have handed over already, to the agent or to each other. */
export const handedOver = async (
  db: Db,
  olds: readonly { readonly id: string, readonly pubkey: string }[],
  to: string,
): Promise<ReadonlySet<string>> => {
  const ids = olds.map(({ id }) => id)
  const rows = await db.tables<Tables>().selectFrom('agents').select(['id', 'pubkey']).where('id', 'in', ids)
    .where('rotated_to', 'in', [...ids, to]).execute()
  return new Set(rows.filter(({ id, pubkey }) => olds.some(old => old.id === id && old.pubkey === pubkey)).map(({ id }) => id))
}

/** Hands everything an agent is to the agent of its new key. The old key stays known, and shut. Gives the channels that it owned. */
export const rotateAgent = async (
  tx: Tx,
  from: { readonly id: string, readonly pubkey: string },
  to: string,
  now: number,
): Promise<readonly ChannelInfo[]> => {
  const tables = tx.tables<Tables>()
  const old = await findAgent(tx, from.id)
  await rememberAgent(tx, { ...from, name: old?.name ?? from.id.slice(1) }, now)
  await tx.lockOut(from.id)
  await tables.updateTable('agents').set({ rotated_to: to, revoked_at: now }).where('id', '=', from.id).execute()
  await joinLineages(tx, from.id, to)
  if (old?.verified === 1) await setVerified(tx, to, true)
  const approval = await tables.selectFrom('allowlist').selectAll().where('agent', '=', from.id).executeTakeFirst()
  const successor = await findAgent(tx, to)
  if (approval !== undefined && successor !== undefined) {
    await tables.deleteFrom('allowlist').where('agent', '=', from.id).execute()
    await approve(tx, { agent: to, pubkey: successor.pubkey, note: approval.note }, now)
  }
  for (const { channel, read_to } of await readsAfter(tx, from.id, '', Number.MAX_SAFE_INTEGER)) {
    await addMembership(tx, to, channel, read_to)
    await renameShare(tx, 'memberships', membershipName(from.id, channel), membershipName(to, channel))
  }
  await tables.deleteFrom('memberships').where('agent', '=', from.id).execute()
  for (const { channel, by, at } of await tables.selectFrom('invitations').selectAll().where('agent', '=', from.id).execute()) {
    await addInvitation(tx, { channel, agent: to, by, at })
    await renameShare(tx, 'invitations', invitationName(channel, from.id), invitationName(channel, to))
  }
  await tables.deleteFrom('invitations').where('agent', '=', from.id).execute()
  const owned = await moveChannels(tx, from.id, to)
  await moveBlocks(tx, from.id, to)
  await moveMutedThreads(tx, from.id, to)
  await moveGroups(tx, from.id, to)
  await moveShares(tx, from.id, to)
  await endLeases(tx, from.id)
  await moveBudgets(tx, from.id, to)
  await removeWebhooksOf(tx, from.id)
  await tx.log.moveInbox(from.id, to)
  return owned
}

const findMemberships = preparedRead((tables: ReadTables<Tables>, agent: string) =>
  tables.selectFrom('memberships').select('channel').where('agent', '=', agent)
)

export const membershipsOf = async (db: Db, agent: string): Promise<readonly string[]> =>
  (await findMemberships(db, agent)).map(row => row.channel)

/** The same of many at once. */
export const loadMemberships = async (db: Db, agents: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const rows = await db.tables<Tables>().selectFrom('memberships').select(['agent', 'channel']).where(db.dialect.isAmong('agent', agents))
    .execute()
  const all = new Map<string, Set<string>>()
  for (const { agent, channel } of rows) {
    const known = all.get(agent)
    if (known === undefined) all.set(agent, new Set([channel]))
    else known.add(channel)
  }
  return all
}

const insertMembership = preparedWrite((tables: WriteTables<Tables>, agent: string, channel: string, readTo: number) =>
  tables.insertInto('memberships').columns(['agent', 'channel', 'read_to'])
    .expression(eb =>
      eb.selectFrom('channels').select(({ val }) => [val(agent).as('agent'), 'name', val(readTo).as('read_to')]).where('name', '=', channel)
    )
    .onConflict(conflict => conflict.columns(['agent', 'channel']).doUpdateSet({ channel }))
)

/** An agent belongs to a channel; what was said up to `readTo` is nothing new to it. False: there is no such channel. */
export const addMembership = async (tx: Tx, agent: string, channel: string, readTo: number): Promise<boolean> =>
  await insertMembership(tx, agent, channel, readTo) > 0

/** Channels that an agent belongs to, in order of their names, and how far it has read each. */
export const readsAfter = (
  db: Db,
  agent: string,
  after: string,
  limit: number,
): Promise<readonly { readonly channel: string, readonly read_to: number }[]> =>
  db.tables<Tables>().selectFrom('memberships').select(['channel', 'read_to']).where('agent', '=', agent).where('channel', '>', after)
    .orderBy('channel').limit(limit).execute()

/** A member has read a channel up to an event; never back. Whether that is news. */
export const noteRead = async (tx: Tx, agent: string, channel: string, upTo: number): Promise<boolean> =>
  (await tx.tables<Tables>().updateTable('memberships').set({ read_to: upTo }).where('agent', '=', agent).where('channel', '=', channel)
    .where('read_to', '<', upTo).returning('agent').executeTakeFirst()) !== undefined

/** Whether it was one: of two who remove it at once, one did. */
export const removeMembership = async (tx: Tx, agent: string, channel: string): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('memberships').where('agent', '=', agent).where('channel', '=', channel).executeTakeFirst())
    .numDeletedRows > 0n

export const isMember = async (db: Db, agent: string, channel: string): Promise<boolean> =>
  (await db.tables<Tables>().selectFrom('memberships').select('agent').where('agent', '=', agent).where('channel', '=', channel)
    .executeTakeFirst()) !== undefined

/** The open invitations to a channel, of which there are no more than it allows. */
export const invitationsOf = (db: Db, channel: string) =>
  db.tables<Tables>().selectFrom('invitations').select(['agent', 'by', 'at']).where('channel', '=', channel).orderBy('agent').execute()

/** Whether somebody invited it who is still welcome himself. */
export const isInvited = async (db: Db, agent: string, channel: string): Promise<boolean> =>
  (await db.tables<Tables>().selectFrom('invitations').select('agent').where('channel', '=', channel).where('agent', '=', agent)
    .where(({ not, eb, selectFrom }) => not(eb('by', 'in', selectFrom('bans').select('agent')))).executeTakeFirst()) !== undefined

export const countInvitations = async (db: Db, channel: string): Promise<number> =>
  Number(
    (await db.tables<Tables>().selectFrom('invitations').select(eb => eb.fn.countAll().as('n')).where('channel', '=', channel)
      .executeTakeFirstOrThrow()).n,
  )

export const addInvitation = async (
  tx: Tx,
  invitation: { readonly channel: string, readonly agent: string, readonly by: string, readonly at: number },
): Promise<void> => {
  const { by, at } = invitation
  await tx.tables<Tables>().insertInto('invitations').values(invitation).onConflict(conflict =>
    conflict.columns(['channel', 'agent']).doUpdateSet({ by, at })
  ).execute()
}

/** Whether there was one: it is followed, or taken back, once. */
export const removeInvitation = async (tx: Tx, agent: string, channel: string): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('invitations').where('channel', '=', channel).where('agent', '=', agent).executeTakeFirst())
    .numDeletedRows > 0n

export { forgetAgents, forgetMemberships } from './aged.ts'
export type { AgentUse } from './log.ts'
export { countKeys, keysOf, lineagesOf, predecessors, successorOf, successions } from './lineages.ts'
