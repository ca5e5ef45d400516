// What PostgreSQL says differently of a log that lets go.
import { sql } from 'kysely'
import type { LogWords } from '../log-keeper.ts'
import type { WriteTables } from '../tables.ts'

interface Tables {
  events: { stream: number, seq: number }
}

export const postgresLogWords: LogWords = {
  placed: sql`events`,
  textBytes: sql`octet_length(text)`,
  stored: column => sql`${sql.ref(column)}`,
  async drop(tables, stream, last) {
    await (tables as unknown as WriteTables<Tables>).deleteFrom('events').where('stream', '=', stream).where('seq', '<=', last).execute()
  },
}
