// The line to a PostgreSQL server, for whoever wants to know whether it is one: a pooler may stand between, and its clock may be another.
import { configOf, loadDriver, type Client } from './client.ts'
import { problemOf } from './problems.ts'

export interface LineLook {
  /** A pooler lends connections of the server by the transaction: what is prepared or locked on one is not there in the next. */
  readonly isLent: boolean
  /** The machine's clock is so far ahead of the server's. */
  readonly offMs: number
}

/** A pooler may have none to lend. */
const timeoutMs = 5_000

/** @throws StorageError */
export const lookAtLine = async (url: string, now: () => number): Promise<LineLook> => {
  const driver = await loadDriver()
  const config = { ...configOf(driver, url, 'agentchat doctor'), query_timeout: timeoutMs }
  const [one, two] = [new driver.Client(config), new driver.Client(config)]
  for (const client of [one, two]) client.on('error', () => undefined)
  try {
    await Promise.all([one.connect(), two.connect()])
    const askedAt = now()
    const at = await ask<number>(one, 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8')
    const offMs = Math.round((askedAt + now()) / 2 - at)
    const before = await backendOf(one)
    await two.query('BEGIN')
    const held = await backendOf(two)
    // Of the two each has its own, and keeps it.
    return { offMs, isLent: before === held || before !== await backendOf(one) }
  } catch (error) {
    throw problemOf(error) ?? error
  } finally {
    await Promise.all([one, two].map(client => client.end().catch(() => undefined)))
  }
}

const backendOf = (client: Client): Promise<number> => ask(client, 'SELECT pg_backend_pid()')

const ask = async <T>(client: Client, text: string): Promise<T> => (await client.query<[T]>({ text, rowMode: 'array' })).rows[0]![0]
