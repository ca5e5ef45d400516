// Which connection has a session, where several processes serve agents: whoever takes a session over, wherever, has it alone from then on.
// What the former connection had brought is not stored behind that, however long its process stood still with it.
import { sql } from 'kysely'
import { idsOf } from './credentials.ts'
import type { Db, Migration, Seat, TableWriter, Tx } from './store.ts'

const step = `
  CREATE TABLE seats (id TEXT PRIMARY KEY, agent TEXT NOT NULL, session TEXT NOT NULL, process TEXT NOT NULL);
  CREATE UNIQUE INDEX seats_of ON seats (agent, session);
`

export const seatMigrations: Migration = { feature: 'seats', steps: [step], postgres: [{ expand: step }] }

interface Tables {
  seats: { id: string, agent: string, session: string, process: string }
  nodes: { incarnation: string }
}

/** Looked for at once. */
const maxGone = 1_000

export const seatOf = (id: string): Seat => `seat ${id}`

/** Whatever an agent's connections bring from now on is refused, at whichever process they are. False: it has none any more. */
export const endSeats = async (tx: Tx, agent: string): Promise<boolean> => {
  // Where there is one process, it knows its connections.
  if (tx.seat === undefined) return true
  await tx.lockOut(agent)
  const { numDeletedRows } = await tx.tables<Tables>().deleteFrom('seats').where('agent', '=', agent).executeTakeFirst()
  return numDeletedRows > 0
}

/** Those of them that are nobody else's, and not ended. */
export const keptSeats = async (db: Db, seats: readonly Seat[]): Promise<ReadonlySet<Seat>> => {
  const rows = await db.tables<Tables>().selectFrom('seats').select('id').where('id', 'in', idsOf(seats, 'seat')).execute()
  return new Set(rows.map(({ id }) => seatOf(id)))
}

/** Their connections are gone. */
export const leaveSeats = async (tx: TableWriter, seats: readonly Seat[]): Promise<void> => {
  if (seats.length > 0) await tx.tables<Tables>().deleteFrom('seats').where('id', 'in', idsOf(seats, 'seat')).execute()
}

/** Processes that have sessions and are not known any more, by their incarnations; none of them is ever known again. */
export const goneWithSeats = async (tx: TableWriter): Promise<readonly string[]> => {
  const rows = await tx.tables<Tables>().selectFrom('seats').select('process').distinct()
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('nodes').select(sql`1`.as('one')).whereRef('nodes.incarnation', '=', 'seats.process')))
    ).limit(maxGone).execute()
  return rows.map(({ process }) => process)
}

/** Whoever is connected to those still, because they stood still, could not store anything any more. */
export const forgetSeats = async (tx: TableWriter, processes: readonly string[]): Promise<void> => {
  if (processes.length > 0) await tx.tables<Tables>().deleteFrom('seats').where('process', 'in', processes).execute()
}
