// Connections to PostgreSQL: the driver, loaded when it is needed, and how its values become ours.
import type { Writable } from 'node:stream'
import type { Client, ClientConfig, CustomTypesConfig, QueryConfig, QueryResult } from 'pg'
import { storableOf } from './text.ts'
import { StorageError } from '../store.ts'

export type { Client, Pool, QueryResult } from 'pg'
type Driver = typeof import('pg')

/** Statements that a connection keeps prepared. */
const maxStatements = 500
const connectTimeoutMs = 5_000
/** Far above what any statement of ours takes; a server that hangs, or a line that is cut, is noticed by it. */
const statementTimeoutMs = 30_000

/** @throws StorageError when it is not installed */
export const loadDriver = async (): Promise<Driver> => {
  try {
    return (await import('pg')).default as unknown as Driver
  } catch (error) {
    throw new StorageError('The driver for PostgreSQL is not installed', 'Install it beside agentchat: npm install pg@8', error)
  }
}

const oids = { int8: 20, numeric: 1700 } as const

/** A number of the database, as long as it is exact here too. */
const exactNumber = (text: string): number => {
  const value = Number(text)
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new StorageError(`The database holds the number ${text}`, 'Numbers beyond 2^53 are not exact here: look where it comes from.')
  return value
}

const typesOf = (driver: Driver): CustomTypesConfig => ({
  getTypeParser:
    ((oid: number, format?: 'text' | 'binary') =>
      oid === oids.int8 || oid === oids.numeric ? exactNumber : driver.types.getTypeParser(oid, format as 'text')) as never,
})

/** `name`: what the server's own views call the connection. */
export const configOf = (driver: Driver, url: string, name: string): ClientConfig => ({
  connectionString: url,
  application_name: name,
  types: typesOf(driver),
  connectionTimeoutMillis: connectTimeoutMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  statement_timeout: statementTimeoutMs,
  query_timeout: statementTimeoutMs + 5_000,
})

/** Names for statements, so that each is parsed and planned once for a connection. */
export class Statements {
  readonly #names = new Map<string, string>()

  query(text: string, values: readonly unknown[]): QueryConfig {
    // BEGIN, COMMIT, ROLLBACK: there is nothing to plan.
    if (/^[A-Z]+$/.test(text)) return { text }
    let name = this.#names.get(text)
    if (name === undefined && this.#names.size < maxStatements) this.#names.set(text, name = `s${this.#names.size}`)
    const storable = values.map(storableOf)
    return name === undefined ? { text, values: storable } : { name, text, values: storable }
  }
}

/**
 * Holds back what is sent until this turn is over: statements that go together are one write here, and wake the server once. The driver
 * does the same for the parts of one statement.
 */
export const gather = (client: Client, over: () => void): void => {
  const { connection: { stream } } = client as unknown as { readonly connection: { readonly stream: Writable } }
  stream.cork()
  process.nextTick(() => {
    stream.uncork()
    over()
  })
}

/** What kysely asks of a pool: a connection, and that it may be given back. */
export const poolOf = (query: (sql: string, values: readonly unknown[]) => Promise<QueryResult>) => ({
  connect: () => Promise.resolve({ query, release: () => undefined }),
  end: () => Promise.resolve(),
})
