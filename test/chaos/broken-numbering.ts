// Numbers on PostgreSQL without the lock of their stream: the statement that gives them is run beside the transaction that stores the
// events, so that another process may number, and store, and be heard, before what was numbered first is there; or it never is.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Of numberings one in so many is stored so much later: later than those who hear of the next wait for what is missing. */
const lateEvery = 3
const lateMs = 400

type Query = (this: pg.Client, config: pg.QueryConfig, ...rest: unknown[]) => Promise<pg.QueryResult>

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
  })
  beside.on('error', () => undefined)
  await beside.connect()
  const ask = ({ text, values }: pg.QueryConfig) => query.call(beside, { text, ...(values && { values }) })
  let numbered = 0
  prototype.query = function(config, ...rest) {
    const { text } = config
    if (this === beside || typeof text !== 'string') return query.call(this, config, ...rest)
    // A row that is new in the transaction could not be seen beside it.
    if (text.startsWith('INSERT INTO streams (name)')) return ask(config)
    if (!text.includes('UPDATE streams s SET seq = l.seq + v.n')) return query.call(this, config, ...rest)
    return ask(config).then(async answer => {
      if (++numbered % lateEvery === 0) await sleep(lateMs)
      return answer
    })
  }
}
