// What SQLite says differently of a log that lets go.
import { sql } from 'kysely'
import type { LogWords } from '../log-keeper.ts'
import type { WriteTables } from '../tables.ts'

interface Tables {
  events: { id: number }
  places: { stream: number, seq: number, event: number }
}

export const sqliteLogWords: LogWords = {
  placed: sql`(SELECT p.stream, p.seq, e.id, e.ts, e.author, e.text FROM places p JOIN events e ON e.id = p.event)`,
  textBytes: sql`length(text)`,
  stored: column => sql`CAST(${sql.ref(column)} AS BLOB)`,
  async drop(all, stream, last) {
    const tables = all as unknown as WriteTables<Tables>
    const gone = tables.selectFrom('places').select('event').where('stream', '=', stream).where('seq', '<=', last)
    await tables.deleteFrom('events').where('id', 'in', gone).execute()
    await tables.deleteFrom('places').where('stream', '=', stream).where('seq', '<=', last).execute()
  },
}
