// Which events of channels were blanked, in the order in which they were: who mirrors a channel follows that, for nothing else tells of it.
import type { Migration, TableReader } from './store.ts'
import type { WriteTables } from './tables.ts'

interface Tables {
  blanked: { stream: number, n: number, seq: number }
}

const schema = (number: string, end: string) =>
  `CREATE TABLE blanked (stream ${number} NOT NULL, n ${number} NOT NULL, seq ${number} NOT NULL, PRIMARY KEY (stream, n))${end};
  CREATE INDEX blanked_at ON blanked (stream, seq);`

/** What a process of the version before erases is not noted: mirrors keep that. */
export const blankedMigrations: Migration = {
  feature: 'blanked',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [{ expand: schema('BIGINT', '') }],
}

const newestOf = async (tables: WriteTables<unknown>, stream: number): Promise<number> => {
  const newest = await (tables as unknown as WriteTables<Tables>).selectFrom('blanked').select('n').where('stream', '=', stream)
    .orderBy('n', 'desc').limit(1).executeTakeFirst()
  return newest?.n ?? 0
}

/** Notes events of a channel that are blanked now. */
export const noteBlanked = async (tables: WriteTables<unknown>, stream: number, seqs: readonly number[]): Promise<void> => {
  const newest = await newestOf(tables, stream)
  const rows = seqs.map((seq, i) => ({ stream, n: newest + 1 + i, seq }))
  await (tables as unknown as WriteTables<Tables>).insertInto('blanked').values(rows).execute()
}

/** Notes of events that went which stay, of a channel: its mirrors may have those yet. */
const maxGone = 1_000

/**
 * Events up to `last` went: of their notes the newest stay. Whoever was away for longer sees from the numbers that some are not there.
 * Where the channel ended, none does but the newest of all, for numbers go on from it.
 */
export const forgetBlanked = async (tables: WriteTables<unknown>, stream: number, last: number, isEnded = false): Promise<void> => {
  const newest = await newestOf(tables, stream)
  const first = isEnded ? newest : newest - maxGone
  if (first <= 0) return
  // Found by their events: notes of events that are there may be many, and stay.
  await (tables as unknown as WriteTables<Tables>).deleteFrom('blanked').where('stream', '=', stream).where('seq', '<=', last)
    .where(({ eb }) => eb(eb('n', '+', 0), '<', first)).execute()
}

/** Those of a channel behind the n-th, in their order. */
export const blankedAfter = (
  db: TableReader,
  stream: number,
  after: number,
  limit: number,
): Promise<readonly { readonly n: number, readonly seq: number }[]> =>
  db.tables<Tables>().selectFrom('blanked').select(['n', 'seq']).where('stream', '=', stream).where('n', '>', after).orderBy('n')
    .limit(limit).execute()
