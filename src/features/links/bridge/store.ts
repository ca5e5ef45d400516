// Links to other relays, and how far each channel of them is mirrored here: the number and the tree are written with the events themselves.
import type { ChannelInfo } from '../../../store/channels.ts'
import type { Migration, TableReader, TableWriter } from '../../../store/store.ts'

/** read: its channels are mirrored. both: and what agents say is handed on, there and here. off: nothing is asked of it. */
export type LinkTrust = 'read' | 'both' | 'off'

export interface LinkRow {
  /** As it stands behind names: "b.example". */
  readonly host: string
  readonly url: string
  readonly server_id: string
  readonly trust: LinkTrust
  /** ms */
  readonly created: number
  /** What the relay says of itself, signed, as JSON; null: it was not read yet. */
  readonly document: string | null
  /** What it brought that nobody signed, since when (ms) that is counted, and until when (ms) nothing is taken from it; null: it is. */
  readonly strikes: number
  readonly strikes_since: number
  readonly closed_until: number | null
  /** How it stands (`Standing`), as JSON, said by the process that has the links; null: none had them yet. */
  readonly standing: string | null
}

export interface MirrorRow {
  /** "#general@b.example": the stream here */
  readonly channel: string
  readonly host: string
  /** Of the home's log; null: nothing came yet. */
  readonly epoch: string | null
  /** How many events of the home are here, and the tree over them as text. */
  readonly upto: number
  readonly tree: string
  /** How many of the home's erasures were followed. */
  readonly blanked: number
  /** The home's signed head that these were checked by last, and when (ms). */
  readonly checkpoint: string | null
  readonly checked_at: number | null
  /** Why it does not go on. */
  readonly problem: string | null
  /** Since when (ms) its home was not heard, or what that says not taken; null: it is heard. */
  readonly stale_since: number | null
}

/** waiting: nothing came yet. following: as far as its relay was heard. stopped: what came does not fit what its relay signed. */
export type MirrorState = 'waiting' | 'following' | 'stopped'

export const stateOf = ({ problem, epoch }: MirrorRow): MirrorState =>
  problem !== null ? 'stopped' : epoch === null ? 'waiting' : 'following'

interface Tables {
  relay_links: LinkRow
  mirrors: MirrorRow
}

const schema = (number: string, end: string) =>
  `CREATE TABLE relay_links (host TEXT PRIMARY KEY, url TEXT NOT NULL, server_id TEXT NOT NULL, trust TEXT NOT NULL, created ${number} NOT NULL)${end};
  CREATE TABLE mirrors (channel TEXT PRIMARY KEY, host TEXT NOT NULL, epoch TEXT, upto ${number} NOT NULL, tree TEXT NOT NULL, checkpoint TEXT,
    checked_at ${number}, problem TEXT)${end};`

const followed = 'ALTER TABLE mirrors ADD COLUMN blanked'
const documents = 'ALTER TABLE relay_links ADD COLUMN document TEXT;'

const struck = (number: string) =>
  `ALTER TABLE relay_links ADD COLUMN strikes ${number} NOT NULL DEFAULT 0;
  ALTER TABLE relay_links ADD COLUMN strikes_since ${number} NOT NULL DEFAULT 0;
  ALTER TABLE relay_links ADD COLUMN closed_until ${number};`

const standings = 'ALTER TABLE relay_links ADD COLUMN standing TEXT;'

const stale = (number: string) => `ALTER TABLE mirrors ADD COLUMN stale_since ${number};`

const stepsFor = (number: string) => [`${followed} ${number} NOT NULL DEFAULT 0`, documents, struck(number), standings, stale(number)]

export const linkMigrations: Migration = {
  feature: 'relay-links',
  steps: [schema('INTEGER', ' WITHOUT ROWID'), ...stepsFor('INTEGER')],
  postgres: [schema('BIGINT', ''), ...stepsFor('BIGINT').map(expand => ({ expand }))],
}

export const allLinks = (db: TableReader): Promise<readonly LinkRow[]> =>
  db.tables<Tables>().selectFrom('relay_links').selectAll().orderBy('host').execute()

export const linkOfRelay = (db: TableReader, serverId: string): Promise<LinkRow | undefined> =>
  db.tables<Tables>().selectFrom('relay_links').selectAll().where('server_id', '=', serverId).where('trust', '=', 'both').executeTakeFirst()

export const linkTo = (db: TableReader, host: string): Promise<LinkRow | undefined> =>
  db.tables<Tables>().selectFrom('relay_links').selectAll().where('host', '=', host).executeTakeFirst()

export const allMirrors = (db: TableReader): Promise<readonly MirrorRow[]> =>
  db.tables<Tables>().selectFrom('mirrors').selectAll().orderBy('channel').execute()

export const mirrorOf = (db: TableReader, channel: string): Promise<MirrorRow | undefined> =>
  db.tables<Tables>().selectFrom('mirrors').selectAll().where('channel', '=', channel).executeTakeFirst()

const open = { strikes: 0, strikes_since: 0, closed_until: null }

/** What was read of the relay, and what it was counted against, stays where it is the same one. */
export const setLink = async (
  tx: TableWriter,
  link: Pick<LinkRow, 'host' | 'url' | 'server_id' | 'trust' | 'created'>,
): Promise<void> => {
  const { host, url, server_id, trust } = link
  const tables = tx.tables<Tables>()
  await tables.updateTable('relay_links').set({ document: null, ...open }).where('host', '=', host).where('server_id', '!=', server_id)
    .execute()
  await tables.insertInto('relay_links').values({ ...link, document: null, standing: null, ...open })
    .onConflict(conflict => conflict.column('host').doUpdateSet({ url, server_id, trust })).execute()
}

/** It is trusted anew: what was counted against it is over. */
export const openLink = async (tx: TableWriter, host: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('relay_links').set(open).where('host', '=', host).execute()
}

const maxStrikes = 100
const hourMs = 3_600_000
const closedMs = 24 * hourMs

/** For how many ms nothing is taken from it yet; 0: it is. */
export const closedForMs = ({ closed_until: until }: LinkRow, now: number): number => Math.max(0, (until ?? 0) - now)

/** Counts what nobody signed, in each process alike. True: that was once too often within an hour. */
export const strike = async (tx: TableWriter, host: string, now: number): Promise<boolean> => {
  const row = () => tx.tables<Tables>().updateTable('relay_links').where('host', '=', host)
  await row().set({ strikes: 0, strikes_since: now }).where('strikes_since', '<', now - hourMs).execute()
  const { strikes } = await row().set(eb => ({ strikes: eb('strikes', '+', 1) })).returning('strikes').executeTakeFirstOrThrow()
  if (strikes < maxStrikes) return false
  await row().set({ ...open, closed_until: now + closedMs }).execute()
  return true
}

/** What the relay says of itself now; it may have handed over to another key. */
export const setDocument = async (tx: TableWriter, host: string, said: Pick<LinkRow, 'server_id' | 'document'>): Promise<void> => {
  await tx.tables<Tables>().updateTable('relay_links').set(said).where('host', '=', host).execute()
}

export const setStanding = async (tx: TableWriter, host: string, standing: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('relay_links').set({ standing }).where('host', '=', host).execute()
}

export const removeLink = async (tx: TableWriter, host: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('mirrors').where('host', '=', host).execute()
  await tx.tables<Tables>().deleteFrom('relay_links').where('host', '=', host).execute()
}

export const addMirror = async (tx: TableWriter, channel: string, host: string): Promise<void> => {
  const row: MirrorRow = {
    ...{ channel, host, epoch: null, upto: 0, tree: '', blanked: 0 },
    ...{ checkpoint: null, checked_at: null, problem: null, stale_since: null },
  }
  await tx.tables<Tables>().insertInto('mirrors').values(row).onConflict(conflict => conflict.doNothing()).execute()
}

export const setMirror = async (tx: TableWriter, channel: string, changed: Partial<Omit<MirrorRow, 'channel' | 'host'>>): Promise<void> => {
  await tx.tables<Tables>().updateTable('mirrors').set(changed).where('channel', '=', channel).execute()
}

/** A mirrored channel, as the roster knows it: nobody's here, and open to everyone. */
export const mirrorInfo = (name: string, version: number): ChannelInfo => ({
  ...{ name, version, private: false, verifiedOnly: false, topic: '', description: '', owner: null },
  topicBy: 'owner',
  ...{ editWindowMs: null, settings: null, groups: null },
})
