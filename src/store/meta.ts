// What the relay itself keeps beside its tables: one value per key.
import type { Store, TableReader, TableWriter } from './store.ts'

interface Tables {
  meta: { key: string, value: string }
}

export const readMeta = async (db: TableReader, key: string): Promise<string | undefined> =>
  (await db.tables<Tables>().selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value

export const writeMeta = async (tx: TableWriter, key: string, value: string | null): Promise<void> => {
  const tables = tx.tables<Tables>()
  if (value === null) await tables.deleteFrom('meta').where('key', '=', key).execute()
  else await tables.insertInto('meta').values({ key, value }).onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
      .execute()
}

/** A value that is made once: of several who make it at the same time, the first one's is everybody's. */
export const makeOnce = async (store: Pick<Store, 'read' | 'write'>, key: string, make: () => string): Promise<string> =>
  await readMeta(store.read, key) ?? store.write(async tx => {
    await tx.tables<Tables>().insertInto('meta').values({ key, value: make() }).onConflict(conflict => conflict.doNothing()).execute()
    return (await readMeta(tx, key))!
  })
