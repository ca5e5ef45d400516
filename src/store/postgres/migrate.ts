// Brings a PostgreSQL database to the tables this version wants: all that is missing in one transaction, which holds everybody else off.
import type { Client } from './client.ts'
import { newer } from '../migrate.ts'
import type { Migration } from '../store.ts'

/** Held by whoever changes tables. */
const migrating = 6_667_016

export const migratePostgres = async (client: Client, migrations: readonly Migration[]): Promise<void> => {
  await client.query('BEGIN')
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrating])
    await client.query('CREATE TABLE IF NOT EXISTS migrations (feature TEXT NOT NULL, step BIGINT NOT NULL, PRIMARY KEY (feature, step))')
    const { rows } = await client.query<{ feature: string, steps: number }>(
      'SELECT feature, count(*)::int AS steps FROM migrations GROUP BY feature',
    )
    const have = new Map(rows.map(({ feature, steps }) => [feature, steps]))
    for (const { feature, postgres } of migrations) {
      const done = have.get(feature) ?? 0
      if (done > postgres.length) throw newer(feature)
      for (let step = done; step < postgres.length; step++) {
        await client.query(postgres[step]!)
        await client.query('INSERT INTO migrations (feature, step) VALUES ($1, $2)', [feature, step])
      }
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}
