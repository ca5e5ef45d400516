// What this relay cosigned as a witness, of whatever log: kept by the name of the tree, before anybody has it, so that it never cosigns two histories of
// one.
import type { Migration, TableReader, TableWriter } from './store.ts'

export interface CosignedRow {
  /** The first line of the head: for a relay's channel its relay, life of its log, channel. */
  readonly origin: string
  readonly size: number
  /** base64 */
  readonly root: string
  /** With the line of this relay. */
  readonly checkpoint: string
  /** ms */
  readonly at: number
  /** 0: the mirror began anew, or left something out; what comes has to be proved to go on behind it. */
  readonly is_followed: 0 | 1
}

interface Tables {
  cosigned: CosignedRow
}

const schema = (number: string, end: string) =>
  `CREATE TABLE cosigned (origin TEXT NOT NULL, size ${number} NOT NULL, root TEXT NOT NULL, checkpoint TEXT NOT NULL, at ${number} NOT NULL,
    is_followed ${number} NOT NULL, PRIMARY KEY (origin, size))${end}`

export const witnessMigrations: Migration = {
  feature: 'witness',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [{ expand: schema('BIGINT', '') }],
}

/** Of each tree so many are kept, to be compared with what others were shown. */
const keptHeads = 16

export const originOf = (checkpoint: string): string => checkpoint.slice(0, checkpoint.indexOf('\n'))

export const newestCosigned = (db: TableReader, origin: string): Promise<CosignedRow | undefined> =>
  db.tables<Tables>().selectFrom('cosigned').selectAll().where('origin', '=', origin).orderBy('size', 'desc').limit(1).executeTakeFirst()

/** Heads of a tree that were cosigned here, newest first, none larger than a size. @param checkpoint any head of it */
export const ownCosigned = async (db: TableReader, checkpoint: string, most = Infinity): Promise<readonly string[]> => {
  const rows = await db.tables<Tables>().selectFrom('cosigned').select(['size', 'checkpoint']).where('origin', '=', originOf(checkpoint))
    .orderBy('size', 'desc').limit(keptHeads).execute()
  return rows.filter(({ size }) => size <= most).map(({ checkpoint: text }) => text)
}

/** One that is larger than all of its tree; the oldest of many goes. */
export const keepCosigned = async (tx: TableWriter, row: CosignedRow): Promise<void> => {
  const { origin } = row
  await tx.tables<Tables>().insertInto('cosigned').values(row).execute()
  const old = await tx.tables<Tables>().selectFrom('cosigned').select('size').where('origin', '=', origin).orderBy('size', 'desc')
    .offset(keptHeads).limit(1).executeTakeFirst()
  if (old !== undefined)
    await tx.tables<Tables>().deleteFrom('cosigned').where('origin', '=', origin).where('size', '<=', old.size).execute()
}

/** What comes next of a tree has to be proved to go on behind what was cosigned. */
export const leaveOff = async (tx: TableWriter, origin: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('cosigned').set({ is_followed: 0 }).where('origin', '=', origin).execute()
}
