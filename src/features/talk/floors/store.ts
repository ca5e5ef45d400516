// Who has the floor of a message, who waits for it, and who answered. Rows stand where their message stands and go with it: see `hanging`
// in log.ts.
import type { Db, Migration, Tx } from '../../../store/store.ts'

/** Where a message stands. */
export interface Place {
  readonly stream: number
  readonly seq: number
}

export interface FloorRow extends Place {
  readonly agent: string
  readonly channel: string
  readonly msg_id: string
  readonly state: 'held' | 'waiting' | 'answered'
  /** ms: since when it is so */
  readonly since: number
  /** ms: when a floor that is held is over */
  readonly until: number
  /** ms: how long it is held at a time */
  readonly hold_ms: number
  /** ms: since when its holder has no session */
  readonly gone_at: number | null
  /** Where it was claimed from, while it counts. */
  readonly address: string
}

interface Tables {
  floors: FloorRow
}

const schema = (number: string, end: string) => `
  CREATE TABLE floors (stream ${number} NOT NULL, seq ${number} NOT NULL, agent TEXT NOT NULL, channel TEXT NOT NULL, msg_id TEXT NOT NULL,
    state TEXT NOT NULL, since ${number} NOT NULL, until ${number} NOT NULL, hold_ms ${number} NOT NULL, gone_at ${number}, address TEXT NOT NULL,
    PRIMARY KEY (stream, seq, agent))${end};
  CREATE INDEX floors_until ON floors (state, until);
  CREATE INDEX floors_stream ON floors (stream, state);
  CREATE INDEX floors_agent ON floors (agent, state);
  CREATE INDEX floors_address ON floors (address, state);
`

export const floorMigrations: Migration = {
  feature: 'floors',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [schema('BIGINT', '')],
}

const open = ['held', 'waiting'] as const

/** What is known of the floor of a message: who holds it or answered, and who waits, the first in line first. */
export const floorAt = (db: Db, { stream, seq }: Place): Promise<readonly FloorRow[]> =>
  db.tables<Tables>().selectFrom('floors').selectAll().where('stream', '=', stream).where('seq', '=', seq).orderBy('since').orderBy('agent')
    .execute()

/** How many are held or waited for: by an agent, from an address, and in all; and in a stream. */
export const openFloors = async (db: Db, { agent, address, stream }: Pick<FloorRow, 'agent' | 'address' | 'stream'>) => {
  const rows = db.tables<Tables>().selectFrom('floors').select(({ fn }) => fn.countAll().as('n')).where('state', 'in', open)
  const counted = async (of: typeof rows): Promise<number> => Number((await of.executeTakeFirstOrThrow()).n)
  const all = await counted(rows)
  if (all === 0) return { held: { agent: 0, address: 0, all }, here: 0 }
  return {
    held: { agent: await counted(rows.where('agent', '=', agent)), address: await counted(rows.where('address', '=', address)), all },
    here: await counted(rows.where('stream', '=', stream)),
  }
}

export const putFloor = async (tx: Tx, row: FloorRow): Promise<void> => {
  const { stream: _stream, seq: _seq, agent: _agent, ...rest } = row
  await tx.tables<Tables>().insertInto('floors').values(row)
    .onConflict(conflict => conflict.columns(['stream', 'seq', 'agent']).doUpdateSet(rest)).execute()
}

export const removeFloor = async (tx: Tx, { stream, seq, agent }: Place & Pick<FloorRow, 'agent'>): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('floors').where('stream', '=', stream).where('seq', '=', seq).where('agent', '=', agent).execute()
}

/** It is answered: nobody waits any more. */
export const endFloor = async (tx: Tx, { stream, seq }: Place): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('floors').where('stream', '=', stream).where('seq', '=', seq).where('state', 'in', open).execute()
}

/** Floors that are held: those that are over first, or soon. */
export const heldFloors = (db: Db, limit: number): Promise<readonly FloorRow[]> =>
  db.tables<Tables>().selectFrom('floors').selectAll().where('state', '=', 'held').orderBy('until').orderBy('stream').orderBy('seq')
    .limit(limit).execute()
