// Nonces of signed requests: each is good once, for as long as its signature is.
import { preparedRead, preparedWrite } from './prepared.ts'
import type { Db, Migration, ReadTables, Tx, WriteTables } from './store.ts'

interface Tables {
  nonces: { agent: string, nonce: string, at: number }
}

export const nonceMigrations: Migration = {
  feature: 'nonces',
  steps: [
    'CREATE TABLE nonces (agent TEXT NOT NULL, nonce TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (agent, nonce)) WITHOUT '
    + 'ROWID; CREATE INDEX nonces_at ON nonces (at);',
  ],
  postgres: [`
    CREATE TABLE nonces (agent TEXT NOT NULL, nonce TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (agent, nonce));
    CREATE INDEX nonces_at ON nonces (at);
  `],
}

const findNonce = preparedRead((tables: ReadTables<Tables>, agent: string, nonce: string) =>
  tables.selectFrom('nonces').select('at').where('agent', '=', agent).where('nonce', '=', nonce)
)

export const isNonceUsed = async (db: Db, agent: string, nonce: string): Promise<boolean> => (await findNonce(db, agent, nonce)).length > 0

const addNonce = preparedWrite((tables: WriteTables<Tables>, agent: string, nonce: string, at: number) =>
  tables.insertInto('nonces').values({ agent, nonce, at }).onConflict(conflict => conflict.doNothing())
)

/** Notes the nonce of a request that is carried out. False: it was used before. */
export const useNonce = async (tx: Tx, agent: string, nonce: string, now: number): Promise<boolean> =>
  await addNonce(tx, agent, nonce, now) > 0

/** Forgets the oldest that were used before then (ms): `limit`, and what came in one ms with the last of them. Whether there may be more. */
export const forgetNonces = async (tx: Tx, before: number, limit: number): Promise<boolean> => {
  const tables = tx.tables<Tables>()
  const due = await tables.selectFrom('nonces').select('at').where('at', '<', before).orderBy('at').limit(limit).execute()
  const last = due.at(-1)
  if (last === undefined) return false
  await tables.deleteFrom('nonces').where('at', '<=', last.at).execute()
  return due.length === limit
}
