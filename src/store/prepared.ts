// Queries that are built once for each connection of the storage, and run with other values each time: building one and spelling it out
// takes longer than the storage takes to find a row. For what every login asks.
import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import type { Db, ReadTables, Tx, WriteTables } from './store.ts'

/** Stands for a value in the query that is built. */
class Slot {
  readonly index: number

  constructor(index: number) {
    this.index = index
  }
}

/** A query for rows. Its values may only be compared, stored or handed to SQL: what a value is cannot change the query. */
export const preparedRead = <T, V extends readonly unknown[], O>(
  build: (tables: ReadTables<T>, ...values: V) => Compilable<O>,
): (db: Db, ...values: V) => Promise<readonly O[]> => {
  const run = prepared(build)
  return async (db, ...values) => (await run(db.tables<T>(), values)).rows
}

/** A query that writes. Gives how many rows it wrote. */
export const preparedWrite = <T, V extends readonly unknown[]>(
  build: (tables: WriteTables<T>, ...values: V) => Compilable<unknown>,
): (tx: Tx, ...values: V) => Promise<number> => {
  const run = prepared(build)
  return async (tx, ...values) => Number((await run(tx.tables<T>(), values)).numAffectedRows ?? 0)
}

const prepared = <B, V extends readonly unknown[], O>(build: (tables: B, ...values: V) => Compilable<O>) => {
  const compiled = new WeakMap<object, CompiledQuery<O>>()
  const slots = Array.from({ length: build.length - 1 }, (_, index) => new Slot(index)) as unknown as V
  return (tables: B, values: V) => {
    // A store hands out the whole query builder; what is seen of it says what may be asked.
    const connection = tables as unknown as Kysely<unknown>
    let query = compiled.get(connection)
    if (query === undefined) compiled.set(connection, query = build(tables, ...slots).compile())
    return connection.executeQuery<O>({
      ...query,
      parameters: query.parameters.map(each => each instanceof Slot ? values[each.index] : each),
    })
  }
}
