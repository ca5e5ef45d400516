// Brings a PostgreSQL database to the tables this version wants: all that is missing in one transaction, which holds everybody else off.
import type { Client } from './client.ts'
import { newer } from '../migrate.ts'
import { serverNow } from './divided.ts'
import { StorageError, type Migration, type Step } from '../store.ts'

/** Held by whoever changes tables. */
const migrating = 6_667_016

/** A step that stands in the database. */
interface Done {
  readonly feature: string
  readonly step: number
  /** Processes that do not know it go on beside it. */
  readonly expand: boolean
}

interface Missing {
  readonly feature: string
  readonly number: number
  readonly step: Step
}

/** @param isShared processes of other versions may run on the database, too @throws StorageError */
export const migratePostgres = async (client: Client, migrations: readonly Migration[], isShared = false): Promise<void> => {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrating])
    await client.query('CREATE TABLE IF NOT EXISTS migrations (feature TEXT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (feature, step))')
    // Who starts a relay need not own its tables, where nothing is to be changed.
    const { rows: [marked] } = await client.query<{ is: boolean }>(
      "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'migrations'::regclass AND attname = 'expand') AS is",
    )
    if (!marked!.is) await client.query('ALTER TABLE migrations ADD COLUMN expand BOOLEAN NOT NULL DEFAULT false')
    const { rows: done } = await client.query<Done>('SELECT feature, step::int, expand FROM migrations')
    const missing = migrations.flatMap(migration => missingOf(migration, done, isShared))
    // In a new database nobody runs.
    if (done.length > 0 && missing.some(({ step }) => typeof step === 'string')) await refuseBesideOlder(client)
    for (const { feature, number, step } of missing) {
      const isExpand = typeof step !== 'string'
      await client.query(isExpand ? step.expand : step)
      await client.query('INSERT INTO migrations (feature, step, expand) VALUES ($1, $2, $3)', [feature, number, isExpand])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** @throws StorageError when a newer version changed what this one would break by, or broke */
const missingOf = ({ feature, postgres }: Migration, all: readonly Done[], isShared: boolean): readonly Missing[] => {
  const done = all.filter(each => each.feature === feature)
  const unknown = done.filter(({ step }) => step >= postgres.length)
  // While one process after the other gets a new version, those that still have the old one may be started again.
  if (unknown.some(({ expand }) => !isShared || !expand)) throw newer(feature)
  return postgres.map((step, number) => ({ feature, number, step })).slice(done.length)
}

/** Before a step that breaks them: no process of an older version may run. Whoever starts one waits for the lock, and is refused then. */
const refuseBesideOlder = async (client: Client): Promise<void> => {
  const { rows: [table] } = await client.query<{ there: boolean }>("SELECT to_regclass('nodes') IS NOT NULL AS there")
  if (!table!.there) return
  const { rows } = await client.query<{ name: string, version: string }>(
    `SELECT name, version FROM nodes WHERE until >= ${serverNow} ORDER BY name`,
  )
  if (rows.length === 0) return
  throw new StorageError(
    `This version changes tables in a way that older processes cannot go on beside, and some run: ${
      rows.map(({ name, version }) => `${name} (${version})`).join(', ')
    }`,
    'Stop them all, then start one of this version, then the others: agentchat nodes lists those that run. One that was killed is listed for '
      + 'ten seconds more.',
  )
}
