// Tokens of agents: what of each is kept. The secret is not; its hash is. What was said and shown by one is in the same row: by-token.ts.
import { byTokenColumns } from './by-token.ts'
import { preparedRead, preparedWrite } from './prepared.ts'
import type { Db, Migration, ReadTables, Tx, WriteTables } from './store.ts'

export interface TokenRow {
  readonly id: string
  readonly agent: string
  /** SHA-256 of the secret, in hex. */
  readonly hash: string
  readonly name: string | null
  /** Separated by spaces. */
  readonly scopes: string
  readonly created: number
  readonly expires: number
  /** By the minute. */
  readonly used: number | null
}

interface Tables {
  door_tokens: TokenRow
  agents: { id: string, rotated_to: string | null, revoked_at: number | null }
}

export const tokenMigrations: Migration = {
  feature: 'tokens',
  steps: [
    `
    CREATE TABLE door_tokens (id TEXT PRIMARY KEY, agent TEXT NOT NULL, hash TEXT NOT NULL, name TEXT, scopes TEXT NOT NULL,
      created INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER) WITHOUT ROWID;
    CREATE INDEX door_tokens_agent ON door_tokens (agent, created);
    CREATE INDEX door_tokens_expires ON door_tokens (expires);
  `,
    byTokenColumns('INTEGER'),
  ],
  postgres: [
    `
    CREATE TABLE door_tokens (id TEXT PRIMARY KEY, agent TEXT NOT NULL, hash TEXT NOT NULL, name TEXT, scopes TEXT NOT NULL,
      created BIGINT NOT NULL, expires BIGINT NOT NULL, used BIGINT);
    CREATE INDEX door_tokens_agent ON door_tokens (agent, created);
    CREATE INDEX door_tokens_expires ON door_tokens (expires);
  `,
    { expand: byTokenColumns('BIGINT') },
  ],
}

const columns = [
  'door_tokens.id',
  'door_tokens.agent',
  'door_tokens.hash',
  'door_tokens.name',
  'door_tokens.scopes',
  'door_tokens.created',
  'door_tokens.expires',
  'door_tokens.used',
] as const

export const addToken = async (tx: Tx, row: TokenRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('door_tokens').values(row).execute()
}

/** Those that have not ended, the oldest first. */
export const tokensOf = (db: Db, agent: string, now: number): Promise<readonly TokenRow[]> =>
  db.tables<Tables>().selectFrom('door_tokens').select(columns).where('agent', '=', agent).where('expires', '>', now)
    .orderBy('created').orderBy('id').execute()

export const removeToken = async (tx: Tx, agent: string, id: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('door_tokens').where('agent', '=', agent).where('id', '=', id).execute()
}

export const forgetTokens = async (tx: Tx, before: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('door_tokens').where('expires', '<=', before).execute()
}

const findById = preparedRead((tables: ReadTables<Tables>, id: string) =>
  tables.selectFrom('door_tokens').innerJoin('agents', 'agents.id', 'door_tokens.agent').select(columns)
    .where('door_tokens.id', '=', id).where('rotated_to', 'is', null).where('revoked_at', 'is', null)
)

/** A token whose agent still has the key that made it. */
export const findToken = async (db: Db, id: string): Promise<TokenRow | undefined> => (await findById(db, id))[0]

/** Those of some tokens whose agents still have the keys that made them. */
export const tokensAmong = async (db: Db, ids: readonly string[]): Promise<readonly string[]> =>
  (await db.tables<Tables>().selectFrom('door_tokens').innerJoin('agents', 'agents.id', 'door_tokens.agent').select('door_tokens.id')
    .where('door_tokens.id', 'in', ids).where('rotated_to', 'is', null).where('revoked_at', 'is', null).execute()).map(({ id }) => id)

/** Notes that it was used. */
export const noteUsed: (tx: Tx, at: number, id: string) => Promise<number> = preparedWrite((
  tables: WriteTables<Tables>,
  at: number,
  id: string,
) => tables.updateTable('door_tokens').set({ used: at }).where('id', '=', id))
