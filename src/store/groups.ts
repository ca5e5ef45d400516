// Groups of channels: names there that stand for several agents. Whoever is in one need not be in the channel: who of them is mentioned is
// asked when that happens.
import type { Db, Migration, Tx } from './store.ts'

/** A group as a channel knows it in memory. */
export interface GroupSize {
  readonly name: string
  readonly members: number
}

export interface Group {
  readonly group: string
  /** in order of their ids */
  readonly members: readonly string[]
}

interface Tables {
  channel_groups: { channel: string, name: string, agent: string }
}

const schema = (end: string) => `
    CREATE TABLE channel_groups (channel TEXT NOT NULL, name TEXT NOT NULL, agent TEXT NOT NULL, PRIMARY KEY (channel, name, agent))${end};
    CREATE INDEX channel_groups_agent ON channel_groups (agent);
  `

export const groupMigrations: Migration = { feature: 'groups', steps: [schema(' WITHOUT ROWID')], postgres: [schema('')] }

/** Of every channel that has groups, or of one, by its name; each in order. */
export const groupSizes = async (db: Db, of?: string): Promise<ReadonlyMap<string, readonly GroupSize[]>> => {
  const all = db.tables<Tables>().selectFrom('channel_groups').select(['channel', 'name', ({ fn }) => fn.countAll().as('members')])
    .groupBy(['channel', 'name']).orderBy('channel').orderBy('name')
  const rows = await (of === undefined ? all : all.where('channel', '=', of)).execute()
  const sizes = new Map<string, GroupSize[]>()
  for (const { channel, name, members } of rows) {
    const size = { name, members: Number(members) }
    const known = sizes.get(channel)
    if (known === undefined) sizes.set(channel, [size])
    else known.push(size)
  }
  return sizes
}

/** The groups of a channel, by name; no more than it may have. */
export const groupsIn = async (db: Db, channel: string): Promise<readonly Group[]> => {
  const rows = await db.tables<Tables>().selectFrom('channel_groups').select(['name', 'agent']).where('channel', '=', channel)
    .orderBy('name').orderBy('agent').execute()
  const groups: { readonly group: string, readonly members: string[] }[] = []
  for (const { name, agent } of rows) {
    if (groups.at(-1)?.group === name) groups.at(-1)!.members.push(agent)
    else groups.push({ group: name, members: [agent] })
  }
  return groups
}

/** Who is in a group from now on; nobody: it is no more. */
export const setGroup = async (tx: Tx, channel: string, name: string, members: readonly string[]): Promise<void> => {
  const tables = tx.tables<Tables>()
  await tables.deleteFrom('channel_groups').where('channel', '=', channel).where('name', '=', name).execute()
  if (members.length > 0) await tables.insertInto('channel_groups').values(members.map(agent => ({ channel, name, agent }))).execute()
}

/** Whoever is in groups is in them under its next key. */
export const moveGroups = async (tx: Tx, from: string, to: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  for (const row of await tables.selectFrom('channel_groups').selectAll().where('agent', '=', from).execute())
    await tables.insertInto('channel_groups').values({ ...row, agent: to }).onConflict(conflict => conflict.doNothing()).execute()
  await tables.deleteFrom('channel_groups').where('agent', '=', from).execute()
}
