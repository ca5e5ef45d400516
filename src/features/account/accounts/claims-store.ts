// Which agents are whose: claims that wait for the other half, and those that have both.
import { keysOf } from '../../../store/agents.ts'
import type { Db, Migration, TableReader, Tx } from '../../../store/store.ts'

/** What an agent signed: "I belong to this account". */
export interface ClaimRow {
  readonly agent: string
  readonly account: string
  /** The exact text, and the signature of the agent's key under it. */
  readonly text: string
  readonly sig: string
  readonly at: number
  readonly expires: number
  /** From where it came. */
  readonly address: string
}

/** Both halves are there. */
export interface OwnedRow extends Omit<ClaimRow, 'expires' | 'address'> {
  /** The browser whose passkey took it. */
  readonly sign_in: string
}

interface Tables {
  agent_claims: ClaimRow
  owned_agents: OwnedRow
  /** Of keys that were rotated: the newest of a lineage has the largest `n`. */
  lineages: { agent: string, lineage: string, n: number }
}

export const claimMigrations: Migration = {
  feature: 'claims',
  steps: [
    `
    CREATE TABLE agent_claims (agent TEXT PRIMARY KEY, account TEXT NOT NULL, text TEXT NOT NULL, sig TEXT NOT NULL, at INTEGER NOT NULL,
      expires INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX agent_claims_account ON agent_claims (account, at);
    CREATE INDEX agent_claims_expires ON agent_claims (expires);
    CREATE TABLE owned_agents (agent TEXT PRIMARY KEY, account TEXT NOT NULL, text TEXT NOT NULL, sig TEXT NOT NULL, at INTEGER NOT NULL,
      sign_in TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX owned_agents_account ON owned_agents (account, at);
  `,
    "ALTER TABLE agent_claims ADD COLUMN address TEXT NOT NULL DEFAULT ''",
  ],
  postgres: [
    `
    CREATE TABLE agent_claims (agent TEXT PRIMARY KEY, account TEXT NOT NULL, text TEXT NOT NULL, sig TEXT NOT NULL, at BIGINT NOT NULL,
      expires BIGINT NOT NULL);
    CREATE INDEX agent_claims_account ON agent_claims (account, at);
    CREATE INDEX agent_claims_expires ON agent_claims (expires);
    CREATE TABLE owned_agents (agent TEXT PRIMARY KEY, account TEXT NOT NULL, text TEXT NOT NULL, sig TEXT NOT NULL, at BIGINT NOT NULL,
      sign_in TEXT NOT NULL);
    CREATE INDEX owned_agents_account ON owned_agents (account, at);
  `,
    { expand: "ALTER TABLE agent_claims ADD COLUMN address TEXT NOT NULL DEFAULT ''" },
  ],
}

/** The newest of an agent counts. */
export const putClaim = async (tx: Tx, row: ClaimRow): Promise<void> => {
  await removeClaim(tx, row.agent)
  await tx.tables<Tables>().insertInto('agent_claims').values(row).execute()
}

export const removeClaim = async (tx: Tx, agent: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('agent_claims').where('agent', '=', agent).execute()
}

/** The oldest first. */
export const claimsOn = (db: Db, account: string, now: number): Promise<readonly ClaimRow[]> =>
  db.tables<Tables>().selectFrom('agent_claims').selectAll().where('account', '=', account).where('expires', '>', now).orderBy('at')
    .orderBy('agent').execute()

export const forgetClaims = async (tx: Tx, now: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('agent_claims').where('expires', '<=', now).execute()
}

export const addOwned = async (tx: Tx, row: OwnedRow): Promise<void> => {
  await tx.tables<Tables>().insertInto('owned_agents').values(row).execute()
}

/** By any of the keys that the agent has had. */
export const removeOwned = async (tx: Tx, agent: string, account: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('owned_agents').where('account', '=', account).where('agent', 'in', keysOf(agent)).execute()
}

/** The oldest first. */
export const ownedBy = (db: TableReader, account: string): Promise<readonly OwnedRow[]> =>
  db.tables<Tables>().selectFrom('owned_agents').selectAll().where('account', '=', account).orderBy('at').orderBy('agent').execute()

/** What each key brought along: two of different accounts may have become one agent's, and the newer one says whose that is. */
const byKey = (db: Db) =>
  db.tables<Tables>().selectFrom('owned_agents as owned').leftJoin('lineages as key', 'key.agent', 'owned.agent')
    .select(['owned.agent', 'owned.account'])

/**
 * The account that an agent belongs to, by the newest of its keys that has one; undefined: it is its own.
 * @param agent as it is called now
 */
export const ownerOf = async (db: Db, agent: string): Promise<string | undefined> =>
  (await byKey(db).where('owned.agent', 'in', keysOf(agent)).orderBy('key.n', 'desc').limit(1).executeTakeFirst())?.account

/** Of some agents, as they are called now, those that belong to an account. */
export const ownersOf = async (db: Db, agents: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const own = await byKey(db).where(db.dialect.isAmong('owned.agent', agents)).execute()
  const former = await byKey(db).clearSelect().innerJoin('lineages as head', 'head.lineage', 'key.lineage')
    .select(['head.agent', 'owned.account']).where(db.dialect.isAmong('head.agent', agents)).orderBy('key.n').execute()
  return new Map([...own, ...former].map(({ agent, account }) => [agent, account]))
}

/** Of every key that has one; of an agent's the newest one last. */
export const allOwners = async (db: Db): Promise<ReadonlyMap<string, string>> =>
  new Map((await byKey(db).orderBy('key.n').execute()).map(({ agent, account }) => [agent, account]))
