// Agents of other relays whose messages are here, by their keys: what receivers check signatures by. An id is the hash of its key, so it is no
// matter who told it.
import type { Migration, TableReader, TableWriter } from '../../../store/store.ts'
import type { RemoteAgent } from './peer.ts'

export interface RemoteRow {
  readonly agent: string
  /** PEM */
  readonly pubkey: string
  readonly name: string
  /** The link by which it was heard of first. */
  readonly host: string
  /** ms */
  readonly first_seen: number
}

interface Tables {
  remote_agents: RemoteRow
}

const schema = (number: string, end: string) =>
  `CREATE TABLE remote_agents (agent TEXT PRIMARY KEY, pubkey TEXT NOT NULL, name TEXT NOT NULL, host TEXT NOT NULL, first_seen ${number} NOT NULL)${end};
  CREATE INDEX remote_agents_seen ON remote_agents (first_seen);`

export const remoteMigrations: Migration = {
  feature: 'remote-agents',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [{ expand: schema('BIGINT', '') }],
}

/** More are forgotten, those first that were heard of first. */
const maxRemote = 100_000
const forgottenAtOnce = 1_000

export const remoteAgent = (db: TableReader, agent: string): Promise<RemoteRow | undefined> =>
  db.tables<Tables>().selectFrom('remote_agents').selectAll().where('agent', '=', agent).executeTakeFirst()

export const rememberRemote = async (tx: TableWriter, agents: readonly RemoteAgent[], host: string, now: number): Promise<void> => {
  for (const { agent, pubkey, name } of agents) {
    await tx.tables<Tables>().insertInto('remote_agents').values({ agent, pubkey, name, host, first_seen: now })
      .onConflict(conflict => conflict.doNothing()).execute()
  }
}

/** Forgets those beyond the most that are kept, a bounded number at once. Whether there may be more. */
export const forgetRemote = async (tx: TableWriter): Promise<boolean> => {
  const tables = tx.tables<Tables>()
  const newest = await tables.selectFrom('remote_agents').select('first_seen').orderBy('first_seen', 'desc').offset(maxRemote).limit(1)
    .executeTakeFirst()
  if (newest === undefined) return false
  const old = tables.selectFrom('remote_agents').select('agent').where('first_seen', '<=', newest.first_seen).orderBy('first_seen')
    .limit(forgottenAtOnce)
  const { numDeletedRows } = await tables.deleteFrom('remote_agents').where('agent', 'in', old).executeTakeFirstOrThrow()
  return numDeletedRows >= forgottenAtOnce
}
