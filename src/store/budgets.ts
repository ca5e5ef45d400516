// Budgets: what an agent, or a channel, may take in an hour, and what it has taken of the hour that runs. Only those that have a budget are
// counted: their row is written with what counts, in one transaction, so that the count stands over a restart.
import { sql } from 'kysely'
import type { Db, Migration, Tx } from './store.ts'

/** null: as much as it likes. */
export interface LimitColumns {
  readonly messages: number | null
  readonly bytes: number | null
  readonly tokens: number | null
  readonly wakes: number | null
}

/** relay: set by an admin. It holds beside the one of the agent itself, or of the channel's owner. */
export type SetBy = 'own' | 'relay'

export interface BudgetRow extends LimitColumns {
  /** An agent or a channel. */
  readonly subject: string
  readonly kind: SetBy
  readonly set_by: string
  /** ms */
  readonly set_at: number
}

/** What was taken since (ms) the hour began. */
export interface HourRow {
  readonly subject: string
  readonly since: number
  readonly messages: number
  readonly bytes: number
  readonly wakes: number
}

interface Tables {
  budgets: BudgetRow
  budget_hours: HourRow
}

const schema = (number: string, end: string) => `
  CREATE TABLE budgets (subject TEXT NOT NULL, kind TEXT NOT NULL, messages ${number}, bytes ${number}, tokens ${number}, wakes ${number},
    set_by TEXT NOT NULL, set_at ${number} NOT NULL, PRIMARY KEY (subject, kind))${end};
  CREATE TABLE budget_hours (subject TEXT NOT NULL, since ${number} NOT NULL, messages ${number} NOT NULL, bytes ${number} NOT NULL,
    wakes ${number} NOT NULL, PRIMARY KEY (subject))${end};
  CREATE INDEX budget_hours_since ON budget_hours (since);
`

export const budgetMigrations: Migration = {
  feature: 'budgets',
  steps: [schema('INTEGER', ' WITHOUT ROWID')],
  postgres: [schema('BIGINT', '')],
}

/** Whether anybody has a budget. */
export const isAnyBudget = async (db: Db): Promise<boolean> =>
  await db.tables<Tables>().selectFrom('budgets').select('subject').limit(1).executeTakeFirst() !== undefined

export const budgetsOf = (db: Db, subjects: readonly string[]): Promise<readonly BudgetRow[]> =>
  db.tables<Tables>().selectFrom('budgets').selectAll().where('subject', 'in', subjects).execute()

export const hoursOf = (db: Db, subjects: readonly string[]): Promise<readonly HourRow[]> =>
  db.tables<Tables>().selectFrom('budget_hours').selectAll().where('subject', 'in', subjects).execute()

export const putBudget = async (tx: Tx, row: BudgetRow): Promise<void> => {
  const { subject: _subject, kind: _kind, ...rest } = row
  await tx.tables<Tables>().insertInto('budgets').values(row)
    .onConflict(conflict => conflict.columns(['subject', 'kind']).doUpdateSet(rest)).execute()
}

export const removeBudget = async (tx: Tx, { subject, kind }: Pick<BudgetRow, 'subject' | 'kind'>): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('budgets').where('subject', '=', subject).where('kind', '=', kind).execute()
}

/**
 * So much more was taken: of the hour that runs, or of a new one that begins now, where it began at `over` or before, or is yet to come.
 * Gives the hour with it, whoever else took of it meanwhile.
 */
export const addToHour = async (tx: Tx, taken: HourRow, over: number): Promise<HourRow> => {
  const more = (column: 'messages' | 'bytes' | 'wakes') =>
    sql<number>`CASE WHEN ${isRunning} THEN budget_hours.${sql.ref(column)} ELSE 0 END + ${sql.ref(`excluded.${column}`)}`
  // A channel's is counted by everybody.
  await tx.take?.([{ kind: 'rows', name: taken.subject }])
  const isRunning = sql`budget_hours.since > ${over} AND budget_hours.since <= excluded.since`
  return tx.tables<Tables>().insertInto('budget_hours').values(taken)
    .onConflict(conflict =>
      conflict.column('subject').doUpdateSet({
        messages: more('messages'),
        bytes: more('bytes'),
        wakes: more('wakes'),
        since: sql<number>`CASE WHEN ${isRunning} THEN budget_hours.since ELSE excluded.since END`,
      })
    ).returningAll().executeTakeFirstOrThrow()
}

/** Hours that began at a time or before are over. */
export const forgetHours = async (tx: Tx, since: number): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('budget_hours').where('since', '<=', since).execute()
}

/** The agent of the next key has the budgets of the one before, and what was taken of them; what it has itself stays. */
export const moveBudgets = async (tx: Tx, from: string, to: string): Promise<void> => {
  const tables = tx.tables<Tables>()
  for (const row of await budgetsOf(tx, [from]))
    await tables.insertInto('budgets').values({ ...row, subject: to }).onConflict(conflict => conflict.doNothing()).execute()
  for (const row of await hoursOf(tx, [from]))
    await tables.insertInto('budget_hours').values({ ...row, subject: to }).onConflict(conflict => conflict.doNothing()).execute()
  await endBudgets(tx, from)
}

/** Nobody of that name is there any more. */
export const endBudgets = async (tx: Tx, subject: string): Promise<void> => {
  await tx.tables<Tables>().deleteFrom('budgets').where('subject', '=', subject).execute()
  await tx.tables<Tables>().deleteFrom('budget_hours').where('subject', '=', subject).execute()
}
