// Pinned messages of channels. Rows stand where their message stands and go with it: see `hanging` in log.ts.
import type { Db, Migration, Tx } from '../../../store/store.ts'

export interface Pin {
  readonly seq: number
  readonly msg_id: string
  readonly by: string
  /** ms */
  readonly at: number
}

interface Tables {
  pins: Pin & { readonly stream: number }
}

const schema = (number: string, end: string) =>
  `CREATE TABLE pins (stream ${number} NOT NULL, seq ${number} NOT NULL, msg_id TEXT NOT NULL, by TEXT NOT NULL, at ${number} NOT NULL,
    PRIMARY KEY (stream, seq))${end}`

export const pinMigrations: Migration = {
  feature: 'pins',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [schema('BIGINT', '')],
}

/** The pins of a stream, in the order of their messages; no more than a channel may have. */
export const pinsIn = (db: Db, stream: number): Promise<readonly Pin[]> =>
  db.tables<Tables>().selectFrom('pins').select(['seq', 'msg_id', 'by', 'at']).where('stream', '=', stream).orderBy('seq').execute()

export const addPin = async (tx: Tx, stream: number, pin: Pin): Promise<void> => {
  await tx.tables<Tables>().insertInto('pins').values({ stream, ...pin }).onConflict(conflict => conflict.doNothing()).execute()
}

/** Whether there was one. */
export const removePin = async (tx: Tx, stream: number, seq: number): Promise<boolean> =>
  (await tx.tables<Tables>().deleteFrom('pins').where('stream', '=', stream).where('seq', '=', seq).executeTakeFirst()).numDeletedRows > 0n
