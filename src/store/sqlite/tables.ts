// The tables of an open database, for those who read it beside a relay.
import type { Kysely } from 'kysely'
import type { Database } from './driver.ts'
import type { Db } from '../store.ts'
import { kyselyOn } from './store.ts'

export const tablesOn = (db: Database): Pick<Db, 'tables'> => {
  const tables = kyselyOn(db)
  return { tables: <T>() => tables as unknown as Kysely<T> }
}
