// What the relay itself keeps beside its tables: one value per key.
import type { Db, Tx } from './store.ts'

interface Tables {
  meta: { key: string, value: string }
}

export const readMeta = async (db: Db, key: string): Promise<string | undefined> =>
  (await db.tables<Tables>().selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value

export const writeMeta = async (tx: Tx, key: string, value: string | null): Promise<void> => {
  const tables = tx.tables<Tables>()
  if (value === null) await tables.deleteFrom('meta').where('key', '=', key).execute()
  else await tables.insertInto('meta').values({ key, value }).onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
      .execute()
}
