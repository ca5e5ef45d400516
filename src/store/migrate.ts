// Brings a database to the tables this version wants. Each feature owns its own steps; each step runs once, in its own transaction.
import type { Database } from 'better-sqlite3'
import { StorageError, type Migration } from './store.ts'

export const migrate = (db: Database, migrations: readonly Migration[]): void => {
  db.exec('CREATE TABLE IF NOT EXISTS migrations (feature TEXT NOT NULL, step INTEGER NOT NULL, PRIMARY KEY (feature, step)) WITHOUT ROWID')
  const done = db.prepare<[string], { steps: number }>('SELECT count(*) AS steps FROM migrations WHERE feature = ?')
  const record = db.prepare('INSERT INTO migrations (feature, step) VALUES (?, ?)')
  for (const { feature, steps } of migrations) {
    const { steps: have } = done.get(feature)!
    if (have > steps.length) throw newer(feature)
    for (let step = have; step < steps.length; step++) {
      db.transaction(() => {
        db.exec(steps[step]!)
        record.run(feature, step)
      })()
    }
  }
}

/** A database knows steps that this version does not. */
export const newer = (feature: string): StorageError =>
  new StorageError(`The database was written by a newer AgentChat (feature "${feature}")`,
    'Run the newer version, or give another --data directory or --store.')
