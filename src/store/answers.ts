// Answers of requests that store no event, under the key that they were asked with: asked again, they are answered as the first time.
import type { Db, Migration, Tx } from './store.ts'

interface AnswerRow {
  readonly agent: string
  readonly key: string
  /** Of what was asked. */
  readonly hash: string
  /** Sealed: there may be a secret in it that is shown once. */
  readonly answer: string
  readonly at: number
}

interface Tables {
  door_answers: AnswerRow
}

/** Of one agent; the oldest go first. */
const maxPerAgent = 100

export const answerMigrations: Migration = {
  feature: 'answers',
  steps: [`
    CREATE TABLE door_answers (agent TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (agent, key)) WITHOUT ROWID;
    CREATE INDEX door_answers_at ON door_answers (at);
  `],
  postgres: [`
    CREATE TABLE door_answers (agent TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, answer TEXT NOT NULL, at BIGINT NOT NULL,
      PRIMARY KEY (agent, key));
    CREATE INDEX door_answers_at ON door_answers (at);
  `],
}

export const findAnswer = (db: Db, agent: string, key: string): Promise<AnswerRow | undefined> =>
  db.tables<Tables>().selectFrom('door_answers').selectAll().where('agent', '=', agent).where('key', '=', key).executeTakeFirst()

/** False: there is one under this key. */
export const addAnswer = async (tx: Tx, row: AnswerRow): Promise<boolean> => {
  const tables = tx.tables<Tables>()
  const rest = await tables.selectFrom('door_answers').select('key').where('agent', '=', row.agent).orderBy('at', 'desc').orderBy('key')
    .offset(maxPerAgent - 1).limit(maxPerAgent).execute()
  if (rest.length > 0)
    await tables.deleteFrom('door_answers').where('agent', '=', row.agent).where('key', 'in', rest.map(({ key }) => key)).execute()
  return await tables.insertInto('door_answers').values(row).onConflict(conflict => conflict.doNothing()).returning('key')
    .executeTakeFirst() !== undefined
}

export const forgetAnswers = async (tx: Tx, before: number): Promise<void> => {
  const due = await tx.tables<Tables>().selectFrom('door_answers').select('key').where('at', '<', before).limit(1).executeTakeFirst()
  if (due !== undefined) await tx.tables<Tables>().deleteFrom('door_answers').where('at', '<', before).execute()
}
