// Numbers on PostgreSQL without the lock of their stream, or inbox: the statement that gives them is run beside the transaction that stores the
// events, so that a line that breaks between leaves numbers at which nothing is, and another process may number, store and be heard before
// what was numbered first is there.
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Behind one in so many numberings the line breaks, and the transaction is run again. */
const cutEvery = 6
/** Of so many one is stored in the worst moment: when what another process numbered behind it was heard. */
const lateEvery = 16
/** So long another process has for that, and so long those who hear it wait for what is missing and look for it. */
const maxOthersMs = 1_500
const heardMs = 600
const pollMs = 20

type Query = (this: pg.Client, config: pg.QueryConfig, ...rest: unknown[]) => Promise<pg.QueryResult>

const lineOf = (client: pg.Client) => (client as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream

/** The relay of this process numbers so from now on. */
export const numberWithoutLock = async (store: string): Promise<void> => {
  const prototype = pg.Client.prototype as unknown as { query: Query }
  const { query } = prototype
  const beside = new pg.Client({
    connectionString: store,
    types: {
      getTypeParser:
        ((oid: number, format: 'text') => oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as never,
    },
    lock_timeout: 1_000,
    pipeline: true,
  })
  beside.on('error', () => undefined)
  await beside.connect()
  const ask = ({ text, values }: pg.QueryConfig) => query.call(beside, { text, ...(values && { values }) })
  /** Somebody else stored what was numbered later. */
  const isOvertaken = async (rows: readonly { readonly id: number, readonly seq: number }[]): Promise<boolean> =>
    (await ask({
      text: 'SELECT 1 FROM events e JOIN unnest($1::bigint[], $2::bigint[]) AS v (id, seq) ON e.stream = v.id AND e.seq > v.seq LIMIT 1',
      values: [rows.map(({ id }) => id), rows.map(({ seq }) => seq)],
    })).rows.length > 0
  const overtaken = async (rows: Parameters<typeof isOvertaken>[0]): Promise<void> => {
    for (const until = performance.now() + maxOthersMs; !await isOvertaken(rows);) {
      if (performance.now() >= until) return
      await sleep(pollMs)
    }
    await sleep(heardMs)
  }
  let numbered = 0
  prototype.query = function(config, ...rest) {
    const { text } = config
    if (this === beside || typeof text !== 'string') return query.call(this, config, ...rest)
    // A row that is new in the transaction could not be seen beside it.
    if (text.startsWith('INSERT INTO streams (name)') || text.startsWith('INSERT INTO inbox_heads AS h (agent, seq) SELECT * FROM unnest'))
      return ask(config)
    if (!text.includes('UPDATE streams s SET seq = l.seq + v.n')) return query.call(this, config, ...rest)
    return ask(config).then(async answer => {
      numbered++
      if (numbered % cutEvery === cutEvery / 2) lineOf(this).destroy()
      else if (numbered % lateEvery === 0) await overtaken(answer.rows as never)
      return answer
    })
  }
}
