// Channels, as they outlive the relay's process.
import type { ChannelInfo } from '../../../relay/feature.ts'
import type { Db, Migration, Tx } from '../../../store/store.ts'

interface Tables {
  channels: {
    name: string
    private: 0 | 1
    verified_only: 0 | 1
    topic: string
    description: string
    created_by: string | null
    created_at: number
  }
}

export const channelMigrations: Migration = {
  feature: 'channels',
  steps: [
    `CREATE TABLE channels (name TEXT PRIMARY KEY, private INTEGER NOT NULL, verified_only INTEGER NOT NULL,
    topic TEXT NOT NULL, description TEXT NOT NULL, created_by TEXT, created_at INTEGER NOT NULL) WITHOUT ROWID`,
    "INSERT INTO shares SELECT 'channels', name, created_by, '' FROM channels WHERE created_by IS NOT NULL",
  ],
}

export const loadChannels = async (db: Db): Promise<readonly ChannelInfo[]> => {
  const rows = await db.tables<Tables>().selectFrom('channels').selectAll().orderBy('created_at').orderBy('name').execute()
  return rows.map(row => ({
    name: row.name,
    private: row.private === 1,
    verifiedOnly: row.verified_only === 1,
    topic: row.topic,
    description: row.description,
  }))
}

/** Adds a channel unless it is there. */
export const addChannel = async (tx: Tx, info: ChannelInfo, by: string | null, now: number): Promise<void> => {
  await tx.tables<Tables>().insertInto('channels').values({
    name: info.name,
    private: info.private ? 1 : 0,
    verified_only: info.verifiedOnly ? 1 : 0,
    topic: info.topic,
    description: info.description,
    created_by: by,
    created_at: now,
  }).onConflict(conflict => conflict.doNothing()).execute()
}

export const setTopic = async (tx: Tx, name: string, topic: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('channels').set({ topic }).where('name', '=', name).execute()
}
