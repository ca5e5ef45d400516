// Channels, as they outlive the relay's process: what they are, whose they are, who belongs to them.
import { sql, type Selectable } from 'kysely'
import { groupSizes, type GroupSize } from './groups.ts'
import type { Db, Migration, Tx } from './store.ts'

export interface ChannelInfo {
  readonly name: string
  readonly private: boolean
  readonly verifiedOnly: boolean
  readonly topic: string
  readonly description: string
  /** Who may delete it and put members out, beside admins; null: only they. */
  readonly owner: string | null
  /** Who may set the topic. */
  readonly topicBy: Who
  /** ms for which its messages may be edited after they were said; 0: not at all, null: without an end */
  readonly editWindowMs: number | null
  /** null: as every channel is at first. */
  readonly settings: ChannelSettings | null
  /** The names of its groups and how many are in each; null: it has none. */
  readonly groups: readonly GroupSize[] | null
  /** Higher with every change of it: which of two that are told is the newer one. */
  readonly version: number
}

/** What may be changed of a channel; what is not named stays as it is, whoever changes it meanwhile. */
export type ChannelChange =
  & Partial<Pick<ChannelInfo, 'topic' | 'owner' | 'topicBy' | 'editWindowMs'>>
  & { readonly settings?: Partial<ChannelSettings> }

/** owner: and admins. */
export type Who = 'members' | 'owner'

/** What an owner may set of a channel beside whose it is. */
export interface ChannelSettings {
  /** Time between two messages of one agent; 0: none. */
  readonly slowModeMs: number
  readonly postBy: Who
  readonly inviteBy: Who
  readonly pinBy: Who
  readonly groupBy: Who
  /** It is there to be read. */
  readonly archived: boolean
  readonly category: string
  readonly welcome: string
}

export const plainSettings: ChannelSettings = {
  slowModeMs: 0,
  postBy: 'members',
  inviteBy: 'members',
  pinBy: 'members',
  groupBy: 'owner',
  archived: false,
  category: '',
  welcome: '',
}

/** The columns of the settings, by their names. */
interface SettingsColumns {
  slow_mode_ms: number
  post_by: Who
  invite_by: Who
  pin_by: Who
  group_by: Who
  archived: 0 | 1
  category: string
  welcome: string
}

/** Of those that are given. */
const columnsOf = (given: Partial<ChannelSettings>): Partial<SettingsColumns> => {
  const { slowModeMs, postBy, inviteBy, pinBy, groupBy, archived, category, welcome } = given
  return {
    ...(slowModeMs !== undefined && { slow_mode_ms: slowModeMs }),
    ...(postBy !== undefined && { post_by: postBy }),
    ...(inviteBy !== undefined && { invite_by: inviteBy }),
    ...(pinBy !== undefined && { pin_by: pinBy }),
    ...(groupBy !== undefined && { group_by: groupBy }),
    ...(archived !== undefined && { archived: archived ? 1 : 0 }),
    ...(category !== undefined && { category }),
    ...(welcome !== undefined && { welcome }),
  }
}

const settingsIn = (row: SettingsColumns): ChannelSettings | null =>
  setOrNull({
    slowModeMs: row.slow_mode_ms,
    postBy: row.post_by,
    inviteBy: row.invite_by,
    pinBy: row.pin_by,
    groupBy: row.group_by,
    archived: row.archived === 1,
    category: row.category,
    welcome: row.welcome,
  })

/** null where nothing differs from what every channel has: then nobody pays for looking. */
export const setOrNull = (settings: ChannelSettings): ChannelSettings | null =>
  (Object.keys(plainSettings) as (keyof ChannelSettings)[]).every(key => settings[key] === plainSettings[key]) ? null : settings

interface Tables {
  channels: SettingsColumns & {
    name: string
    private: 0 | 1
    verified_only: 0 | 1
    topic: string
    description: string
    /** null: made by the configuration */
    created_by: string | null
    created_at: number
    owner: string | null
    topic_by: 'members' | 'owner'
    edit_window_ms: number | null
    /** ms; somebody was in it then, as far as that was noted */
    used_at: number
    version: number
  }
  memberships: { agent: string, channel: string }
}

const settingsSchema = (number: string) =>
  ['slow_mode_ms', 'archived'].map(column => `ALTER TABLE channels ADD COLUMN ${column} ${number} NOT NULL DEFAULT 0;`)
    .concat(['post_by', 'invite_by', 'pin_by'].map(column => `ALTER TABLE channels ADD COLUMN ${column} TEXT NOT NULL DEFAULT 'members';`))
    .concat(['category', 'welcome'].map(column => `ALTER TABLE channels ADD COLUMN ${column} TEXT NOT NULL DEFAULT '';`)).join('\n')

const groupByColumn = "ALTER TABLE channels ADD COLUMN group_by TEXT NOT NULL DEFAULT 'owner'"

const versionColumn = (number: string) => `ALTER TABLE channels ADD COLUMN version ${number} NOT NULL DEFAULT 0`

export const channelMigrations: Migration = {
  feature: 'channels',
  steps: [
    `CREATE TABLE channels (name TEXT PRIMARY KEY, private INTEGER NOT NULL, verified_only INTEGER NOT NULL,
    topic TEXT NOT NULL, description TEXT NOT NULL, created_by TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID`,
    "INSERT INTO shares SELECT 'channels', name, created_by, '' FROM channels WHERE created_by IS NOT NULL",
    `
    ALTER TABLE channels ADD COLUMN owner TEXT;
    ALTER TABLE channels ADD COLUMN topic_by TEXT NOT NULL DEFAULT 'members';
    ALTER TABLE channels ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;
    UPDATE channels SET used_at = 1000 * CAST(strftime('%s', 'now') AS INTEGER);
    CREATE INDEX channels_used ON channels (used_at) WHERE created_by IS NOT NULL;
    CREATE INDEX channels_owner ON channels (owner) WHERE owner IS NOT NULL;
    CREATE TABLE endings (channel TEXT PRIMARY KEY) WITHOUT ROWID;
  `,
    'ALTER TABLE channels ADD COLUMN edit_window_ms INTEGER',
    settingsSchema('INTEGER'),
    groupByColumn,
    versionColumn('INTEGER'),
  ],
  postgres: [
    `
    CREATE TABLE channels (name TEXT PRIMARY KEY, private BIGINT NOT NULL, verified_only BIGINT NOT NULL, topic TEXT NOT NULL,
      description TEXT NOT NULL, created_by TEXT, created_at BIGINT NOT NULL, owner TEXT, topic_by TEXT NOT NULL DEFAULT 'members',
      used_at BIGINT NOT NULL DEFAULT 0);
    CREATE INDEX channels_used ON channels (used_at) WHERE created_by IS NOT NULL;
    CREATE INDEX channels_owner ON channels (owner) WHERE owner IS NOT NULL;
    CREATE TABLE endings (channel TEXT PRIMARY KEY);
  `,
    'ALTER TABLE channels ADD COLUMN edit_window_ms BIGINT',
    settingsSchema('BIGINT'),
    groupByColumn,
    versionColumn('BIGINT'),
  ],
}

const infoIn = (row: Selectable<Tables['channels']>, groups: readonly GroupSize[] | undefined): ChannelInfo => ({
  name: row.name,
  private: row.private === 1,
  verifiedOnly: row.verified_only === 1,
  topic: row.topic,
  description: row.description,
  owner: row.owner,
  topicBy: row.topic_by,
  editWindowMs: row.edit_window_ms,
  settings: settingsIn(row),
  groups: groups ?? null,
  version: row.version,
})

export const loadChannels = async (db: Db): Promise<readonly ChannelInfo[]> => {
  const rows = await db.tables<Tables>().selectFrom('channels').selectAll().orderBy('created_at').orderBy('name').execute()
  const groups = await groupSizes(db)
  return rows.map(row => infoIn(row, groups.get(row.name)))
}

/** One, as it is in the table. */
export const loadChannel = async (db: Db, name: string): Promise<ChannelInfo | undefined> => {
  const row = await db.tables<Tables>().selectFrom('channels').selectAll().where('name', '=', name).executeTakeFirst()
  return row && infoIn(row, (await groupSizes(db, name)).get(name))
}

/** Adds a channel. False: there is one of that name. */
export const addChannel = async (tx: Tx, info: ChannelInfo, by: string | null, now: number): Promise<boolean> =>
  await tx.tables<Tables>().insertInto('channels').values({
    name: info.name,
    private: info.private ? 1 : 0,
    verified_only: info.verifiedOnly ? 1 : 0,
    topic: info.topic,
    description: info.description,
    created_by: by,
    created_at: now,
    owner: info.owner,
    topic_by: info.topicBy,
    edit_window_ms: info.editWindowMs,
    used_at: now,
    version: info.version,
    ...columnsOf(info.settings ?? plainSettings) as SettingsColumns,
  }).onConflict(conflict => conflict.doNothing()).returning('name').executeTakeFirst() !== undefined

/** Changes a channel, and what is not named of it stays; gives what it is then. Undefined: there is none any more. */
export const changeChannel = async (tx: Tx, name: string, change: ChannelChange): Promise<ChannelInfo | undefined> => {
  const { topic, owner, topicBy, editWindowMs, settings = {} } = change
  await tx.changing(name)
  // Whoever changes it too waits here, and finds what this one wrote.
  const row = await tx.tables<Tables>().updateTable('channels').set({
    ...(topic !== undefined && { topic }),
    ...(owner !== undefined && { owner }),
    ...(topicBy !== undefined && { topic_by: topicBy }),
    ...(editWindowMs !== undefined && { edit_window_ms: editWindowMs }),
    ...columnsOf(settings),
    version: sql<number>`version + 1`,
  }).where('name', '=', name).returningAll().executeTakeFirst()
  return row && infoIn(row, (await groupSizes(tx, name)).get(name))
}

/** What an agent owned belongs to another; gives what it is then. */
export const moveChannels = async (tx: Tx, from: string, to: string): Promise<readonly ChannelInfo[]> => {
  const owned = await tx.tables<Tables>().selectFrom('channels').select('name').where('owner', '=', from).orderBy('name').execute()
  const moved: ChannelInfo[] = []
  for (const { name } of owned) {
    const info = await changeChannel(tx, name, { owner: to })
    if (info !== undefined) moved.push(info)
  }
  return moved
}

/** Notes that channels are in use, where that was not noted since `before`. */
export const noteUsed = async (tx: Tx, names: readonly string[], before: number, now: number): Promise<void> => {
  const due = await tx.tables<Tables>().selectFrom('channels').select('name').where('name', 'in', names).where('used_at', '<', before)
    .execute()
  if (due.length === 0) return
  await tx.tables<Tables>().updateTable('channels').set({ used_at: now }).where('name', 'in', due.map(({ name }) => name)).execute()
}

/** Moves the time when channels were in use forward, by a time in which nobody could use them. */
export const postponeUnused = async (tx: Tx, ms: number): Promise<void> => {
  await tx.tables<Tables>().updateTable('channels').set({ used_at: sql<number>`used_at + ${ms}` }).execute()
}

/** Channels that agents made and that nobody was in since `before`, as far as that was noted. */
export const unusedChannels = async (db: Db, before: number, limit: number): Promise<readonly string[]> =>
  (await db.tables<Tables>().selectFrom('channels').select('name').where('created_by', 'is not', null).where('used_at', '<', before)
    .orderBy('used_at').limit(limit).execute()).map(({ name }) => name)

/** Who belongs to a channel for good, in order of their ids, connected or not. A name is null where the agent has no key. */
export const membersAfter = (
  db: Db,
  channel: string,
  after: string,
  limit: number,
): Promise<readonly { readonly agent: string, readonly name: string | null }[]> =>
  db.tables<Tables & { agents: { id: string, name: string } }>().selectFrom('memberships').leftJoin('agents', 'agents.id', 'agent')
    .select(['agent', sql<string | null>`agents.name`.as('name')]).where('channel', '=', channel).where('agent', '>', after)
    .orderBy('agent').limit(limit).execute()
