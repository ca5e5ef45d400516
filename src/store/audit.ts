// What admins did: apart from what is said, so that neither erasure nor retention touches it. The newest entries stay.
import type { Db, Migration, Tx } from './store.ts'

export interface AuditRow {
  /** Rises by one. */
  readonly n: number
  readonly at: number
  /** The agent of the session; null: none, the admin key alone. */
  readonly by: string | null
  readonly address: string
  /** The request's type. */
  readonly action: string
  /** Of whom or what it was: an agent, a channel, a deal … */
  readonly target: string | null
  /** The rest of what was asked, as JSON. */
  readonly detail: string
}

interface Tables {
  audit: AuditRow
}

export const auditMigrations: Migration = {
  feature: 'audit',
  steps: [`
    CREATE TABLE audit (n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT, address TEXT NOT NULL, action TEXT NOT NULL,
      target TEXT, detail TEXT NOT NULL);
    CREATE INDEX audit_by ON audit (by, n);
    CREATE INDEX audit_target ON audit (target, n);
  `],
}

/** Adds an entry; of older ones `keep` stay with it, at least one. */
export const addAudit = async (tx: Tx, row: Omit<AuditRow, 'n'>, keep: number): Promise<void> => {
  const audit = tx.tables<Tables>()
  const { n } = await audit.insertInto('audit').values(row as AuditRow).returning('n').executeTakeFirstOrThrow()
  await audit.deleteFrom('audit').where('n', '<=', n - Math.max(1, keep)).execute()
}

export interface AuditQuery {
  readonly by?: string | undefined
  readonly target?: string | undefined
  /** Only entries before this one. */
  readonly before?: number | undefined
  readonly limit: number
}

/** The newest first. */
export const auditPage = (db: Db, { by, target, before, limit }: AuditQuery): Promise<readonly AuditRow[]> => {
  let query = db.tables<Tables>().selectFrom('audit').selectAll()
  if (by !== undefined) query = query.where('by', '=', by)
  if (target !== undefined) query = query.where('target', '=', target)
  if (before !== undefined) query = query.where('n', '<', before)
  return query.orderBy('n', 'desc').limit(limit).execute()
}
