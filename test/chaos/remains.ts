// What an ended relay left in its database, read without any of its own code: that is under test. Both engines answer the same questions.
import type BetterSqlite3 from 'better-sqlite3'
import pg from 'pg'

export interface Event {
  readonly seq: number
  readonly author: string
  readonly text: string
}

export interface Remains extends AsyncDisposable {
  /** Whole numbers are numbers. */
  ask<R extends object>(sql: string): Promise<readonly R[]>
  /** The events of a stream, in their order. */
  events(stream: number): AsyncIterable<Event>
}

/** Many more than in most runs, and no more than fits. */
const eventsAtOnce = 20_000

const newRemains = (ask: Remains['ask'], placed: string, close: () => PromiseLike<void>): Remains => ({
  ask,
  events: async function*(stream) {
    for (let after = 0;;) {
      const page = await ask<{ seq: number, author: string, text: string | Buffer }>(
        `SELECT seq, author, text FROM ${placed} WHERE stream = ${stream} AND seq > ${after} ORDER BY seq LIMIT ${eventsAtOnce}`,
      )
      for (const { seq, author, text } of page) yield { seq, author, text: String(text) }
      if (page.length < eventsAtOnce) return
      after = page.at(-1)!.seq
    }
  },
  [Symbol.asyncDispose]: close,
})

export const sqliteRemains = (db: BetterSqlite3.Database): Remains =>
  newRemains(
    <R extends object>(sql: string) => Promise.resolve(db.prepare<[], R>(sql).all()),
    '(SELECT p.stream, p.seq, e.author, e.text FROM placed p JOIN events e ON e.id = p.event) AS told',
    () => {
      db.close()
      return Promise.resolve()
    },
  )

const int8 = 20

export const postgresRemains = async (url: string): Promise<Remains> => {
  const client = new pg.Client({
    connectionString: url,
    types: {
      getTypeParser: ((oid: number, format: 'text') => oid === int8 ? Number : pg.types.getTypeParser(oid, format)) as never,
    },
  })
  await client.connect()
  return newRemains(async <R extends object>(sql: string) => (await client.query<R>(sql)).rows, 'events', () => client.end())
}
