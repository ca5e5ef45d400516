// Hooks of agents: who says what they are sent, and where. The secret is sealed: signatures are checked with it.
import { preparedRead } from './prepared.ts'
import type { Db, Migration, ReadTables, Tx } from './store.ts'

export interface HookRow {
  readonly id: string
  readonly agent: string
  readonly target: string
  readonly kind: string
  /** Sealed. */
  readonly secret: string
  readonly name: string | null
  readonly template: string | null
  readonly created: number
  /** The token that it was made with, by whose revocation it ends; null: it was made with the key. */
  readonly token: string | null
}

interface Tables {
  hooks: HookRow
  agents: { id: string, rotated_to: string | null, revoked_at: number | null }
}

const byToken = 'ALTER TABLE hooks ADD COLUMN token TEXT'

export const hookMigrations: Migration = {
  feature: 'hooks',
  steps: [
    `
    CREATE TABLE hooks (id TEXT PRIMARY KEY, agent TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, secret TEXT NOT NULL,
      name TEXT, template TEXT, created INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX hooks_agent ON hooks (agent, created);
  `,
    byToken,
  ],
  postgres: [
    `
    CREATE TABLE hooks (id TEXT PRIMARY KEY, agent TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, secret TEXT NOT NULL,
      name TEXT, template TEXT, created BIGINT NOT NULL);
    CREATE INDEX hooks_agent ON hooks (agent, created);
  `,
    byToken,
  ],
}

export const addHook = async (tx: Tx, row: HookRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('hooks').values(row).execute()
}

/** The oldest first. */
export const hooksOf = (db: Db, agent: string): Promise<readonly HookRow[]> =>
  db.tables<Tables>().selectFrom('hooks').selectAll().where('agent', '=', agent).orderBy('created').orderBy('id').execute()

export const removeHook = async (tx: Tx, agent: string, id: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('hooks').where('agent', '=', agent).where('id', '=', id).execute()
}

/** Notes with which token a hook was made, where that makes it. */
export const noteMaker = async (tx: Tx, id: string, token: string): Promise<void> => {
  await tx.tables<Tables>().updateTable('hooks').set({ token }).where('id', '=', id).execute()
}

/** Removes the hooks that were made with a token of an agent. */
export const removeHooksBy = async (tx: Tx, agent: string, token: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('hooks').where('agent', '=', agent).where('token', '=', token).execute()
}

const findById = preparedRead((tables: ReadTables<Tables>, id: string) =>
  tables.selectFrom('hooks').innerJoin('agents', 'agents.id', 'hooks.agent').selectAll('hooks')
    .select(['rotated_to', 'revoked_at']).where('hooks.id', '=', id)
)

/** A hook, and whether its agent still has the key that made it. */
export const findHook = async (db: Db, id: string): Promise<HookRow & { readonly isOver: boolean } | undefined> => {
  const [found] = await findById(db, id)
  if (found === undefined) return undefined
  const { rotated_to: rotatedTo, revoked_at: revokedAt, ...row } = found
  return { ...row, isOver: rotatedTo !== null || revokedAt !== null }
}
