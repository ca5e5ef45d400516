// Cases as they stand; what led there is in the log, one stream per case.
import type { Case, Phase, Side, Verdict } from '../../../domain/court/index.ts'
import { isOver } from '../../../domain/court/index.ts'
import type { FrameBody } from '../../../../lib/protocol/index.ts'
import { keysOf } from '../../../store/agents.ts'
import type { Db, Migration, Tx } from '../../../store/store.ts'

export type DisputeRecord = FrameBody<'DISPUTE_STATE'>['dispute']
export type Evidence = NonNullable<FrameBody<'CASE_READY'>['disputant_evidence']>
export type SignedVote = FrameBody<'VERDICT'>['votes'][number]

export interface Dispute {
  readonly id: string
  readonly proposalId: string
  readonly reason: string
  readonly commitment: string
  readonly serverNonce: string
  readonly nonce: string | null
  readonly seed: string | null
  readonly pool: readonly string[]
  /** Rating that the disputant holds at stake; 0 once it is settled. */
  readonly fee: number
  readonly case: Case
  readonly statements: Readonly<Partial<Record<Side, Evidence>>>
  readonly votes: readonly SignedVote[]
  readonly verdict: Verdict | null
  readonly captureMinor: number | null
  /** The signatures that were taken of each of its people, so that a repeat is known as one. */
  readonly taken: Readonly<Record<string, readonly string[]>>
  readonly createdAt: number
  readonly updatedAt: number
}

type Facts = Omit<Dispute, 'id' | 'proposalId' | 'createdAt' | 'updatedAt'>

interface Row {
  readonly id: string
  readonly proposal: string
  readonly phase: Phase
  readonly due_at: number | null
  readonly created_at: number
  readonly updated_at: number
  readonly facts: string
}

interface Tables {
  disputes: Row
  /** Who has to do with a case, and as what; `active`: it is not over, and he holds a seat. */
  dispute_people: { dispute: string, agent: string, role: 'party' | 'arbiter', active: 0 | 1 }
}

export const courtMigrations: Migration = {
  feature: 'court',
  steps: [`
    CREATE TABLE disputes (id TEXT PRIMARY KEY, proposal TEXT NOT NULL, phase TEXT NOT NULL, due_at INTEGER,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX disputes_proposal ON disputes (proposal);
    CREATE INDEX disputes_due ON disputes (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX disputes_created ON disputes (created_at, id);
    CREATE TABLE dispute_people (agent TEXT NOT NULL, dispute TEXT NOT NULL, role TEXT NOT NULL, active INTEGER NOT NULL,
      PRIMARY KEY (agent, dispute)) WITHOUT ROWID;
  `],
  postgres: [`
    CREATE TABLE disputes (id TEXT PRIMARY KEY, proposal TEXT NOT NULL, phase TEXT NOT NULL, due_at BIGINT,
      created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, facts TEXT NOT NULL);
    CREATE INDEX disputes_proposal ON disputes (proposal);
    CREATE INDEX disputes_due ON disputes (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX disputes_created ON disputes (created_at, id);
    CREATE TABLE dispute_people (agent TEXT NOT NULL, dispute TEXT NOT NULL, role TEXT NOT NULL, active BIGINT NOT NULL,
      PRIMARY KEY (agent, dispute));
  `],
}

const disputeOf = ({ id, proposal, created_at, updated_at, facts }: Row): Dispute => ({
  id,
  proposalId: proposal,
  createdAt: created_at,
  updatedAt: updated_at,
  ...JSON.parse(facts) as Facts,
})

const holdsSeat: readonly string[] = ['asked', 'sitting', 'voted']

export const saveDispute = async (tx: Tx, dispute: Dispute): Promise<void> => {
  const { id, proposalId, createdAt, updatedAt, ...facts } = dispute
  const { phase, dueAt, disputant, respondent, seats } = facts.case
  const row = { proposal: proposalId, phase, due_at: dueAt, updated_at: updatedAt, facts: JSON.stringify(facts satisfies Facts) }
  const tables = tx.tables<Tables>()
  await tables.insertInto('disputes').values({ id, created_at: createdAt, ...row }).onConflict(conflict =>
    conflict.column('id').doUpdateSet(row)
  ).execute()
  const people = [
    ...[disputant, respondent].map(agent => ({ dispute: id, agent, role: 'party' as const, active: 0 as const })),
    ...seats.map(({ arbiter, state }) => ({
      dispute: id,
      agent: arbiter,
      role: 'arbiter' as const,
      active: !isOver(phase) && phase !== 'appealed' && holdsSeat.includes(state) ? 1 as const : 0 as const,
    })),
  ]
  await tables.insertInto('dispute_people').values(people).onConflict(conflict =>
    conflict.columns(['agent', 'dispute']).doUpdateSet(({ ref }) => ({ active: ref('excluded.active') }))
  ).execute()
}

export const findDispute = async (db: Db, id: string): Promise<Dispute | undefined> => {
  const row = await db.tables<Tables>().selectFrom('disputes').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : disputeOf(row)
}

/** Every case of a proposal, the newest first. */
export const disputesOf = async (db: Db, proposalId: string): Promise<readonly Dispute[]> =>
  (await db.tables<Tables>().selectFrom('disputes').selectAll().where('proposal', '=', proposalId).orderBy('created_at', 'desc').orderBy(
    'id',
    'desc',
  ).execute()).map(disputeOf)

/** Those whose deadline is over, the oldest first. */
export const dueDisputes = async (db: Db, now: number, limit: number): Promise<readonly Dispute[]> =>
  (await db.tables<Tables>().selectFrom('disputes').selectAll().where('due_at', '<=', now).orderBy('due_at').limit(limit).execute()).map(
    disputeOf,
  )

/** On how many panels agents sit, those that sit on one. */
export const seatsOf = async (db: Db): Promise<ReadonlyMap<string, number>> =>
  new Map(
    (await db.tables<Tables>().selectFrom('dispute_people').select(({ fn }) => ['agent', fn.countAll<number>().as('n')]).where('active',
      '=', 1).groupBy('agent').execute()).map(row => [row.agent, row.n]),
  )

export interface DisputeQuery {
  /** Under all its keys; undefined: of everybody. */
  readonly agent?: string | undefined
  readonly role?: 'party' | 'arbiter' | undefined
  readonly phase?: Phase | undefined
  readonly before?: Pick<Dispute, 'id' | 'createdAt'> | undefined
  readonly limit: number
}

/** A case of a list. */
export const listedOf = (row: Row): Omit<Dispute, 'statements'> => disputeOf(row)

/** The newest first, without what was said. */
export const listDisputes = (
  db: Db,
  { agent, role, phase, before, limit }: DisputeQuery,
): Promise<readonly Row[]> => {
  // Which evidence is in stands in the case; what it says is long.
  let query = db.tables<Tables>().selectFrom('disputes').select([
    'id',
    'proposal',
    'phase',
    'due_at',
    'created_at',
    'updated_at',
    db.dialect.withoutField('facts', 'statements').as('facts'),
  ])
  if (agent !== undefined) {
    query = query.where('id', 'in', ({ selectFrom }) => {
      const own = selectFrom('dispute_people').select('dispute').where('agent', 'in', keysOf(agent))
      return role === undefined ? own : own.where('role', '=', role)
    })
  }
  if (phase !== undefined) query = query.where('phase', '=', phase)
  if (before !== undefined)
    query = query.where(({ or, and, eb }) =>
      or([eb('created_at', '<', before.createdAt), and([eb('created_at', '=', before.createdAt), eb('id', '<', before.id)])])
    )
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
}

/** The stream of a case's events. */
export const streamOf = (id: string): string => `!${id}`
