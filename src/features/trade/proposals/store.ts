// Proposals as they stand; what led there is in the log, one stream per proposal.
import type { Deal, Stakes, State } from '../../../domain/negotiation/index.ts'
import type { FrameBody } from '../../../../lib/protocol/index.ts'
import { releaseShare } from '../../../store/shares.ts'
import { keysOf } from '../../../store/agents.ts'
import type { Db, Migration, Tx } from '../../../store/store.ts'

export type ProposalRecord = FrameBody<'PROPOSAL_STATE'>['proposal']

/** What was offered, as it was offered. */
export interface Offer {
  readonly task: string
  readonly terms: string | null
  readonly capability: string | null
  readonly amount: number | null
  readonly currency: string | null
  readonly amountMinor: number | null
  readonly milestones: readonly { readonly title: string, readonly amount: number }[] | null
  readonly rail: 'ledger' | 'webhook' | null
  /** ms, null: the relay's default */
  readonly deliverMs: number | null
  readonly reviewMs: number | null
  /** Its proposer agrees that it is told in public. */
  readonly isPublic?: true
}

/** What an event says of the signature it carries. */
export interface Signature {
  readonly relay: string
  readonly sig: string
  readonly sig_v: 1 | 2 | 3
  readonly sig_ts?: number
  readonly sig_nonce?: string
  readonly sig_origin?: string
  readonly sig_relay_nonce?: string
}

export interface Proposal {
  readonly id: string
  readonly offer: Offer
  readonly deal: Deal
  readonly createdAt: number
  readonly updatedAt: number
  readonly supersedes: string | null
  readonly supersededBy: string | null
  readonly deliverable: ProposalRecord['deliverable']
  /** How often money was asked to be held; and the signature under which a processor is being asked now. */
  readonly funding: { readonly attempts: number, readonly pending: Signature | null }
}

type Facts = Pick<Proposal, 'offer' | 'supersedes' | 'supersededBy' | 'deliverable' | 'funding'> & {
  readonly deal: Omit<Deal, 'state' | 'proposer' | 'recipient' | 'client' | 'provider' | 'dueAt'>
}

interface Row {
  readonly id: string
  readonly proposer: string
  readonly recipient: string
  readonly client: string
  readonly provider: string
  readonly state: State
  readonly due_at: number | null
  readonly created_at: number
  readonly updated_at: number
  readonly request_id: string | null
  readonly facts: string
}

interface Tables {
  proposals: Row
  proposal_counts: { readonly state: State, readonly count: number }
  proposal_agents: { readonly agent: string, readonly number: number }
}

export const proposalMigrations: Migration = {
  feature: 'proposals',
  steps: [
    `
    CREATE TABLE proposals (id TEXT PRIMARY KEY, proposer TEXT NOT NULL, recipient TEXT NOT NULL, client TEXT NOT NULL,
      provider TEXT NOT NULL, state TEXT NOT NULL, due_at INTEGER,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, request_id TEXT, facts TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX proposals_proposer ON proposals (proposer, updated_at, id);
    CREATE INDEX proposals_recipient ON proposals (recipient, updated_at, id);
    CREATE INDEX proposals_due ON proposals (due_at) WHERE due_at IS NOT NULL;
    CREATE UNIQUE INDEX proposals_request ON proposals (proposer, request_id) WHERE request_id IS NOT NULL;
  `,
    `
    CREATE TABLE proposal_counts (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE proposal_agents (agent TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX proposal_agents_number ON proposal_agents (number);
    CREATE TRIGGER proposals_added AFTER INSERT ON proposals BEGIN
      INSERT INTO proposal_counts (state, count) VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET count = count + 1;
      INSERT INTO proposal_agents (agent, number) SELECT new.proposer, coalesce(max(number), 0) + 1 FROM proposal_agents
        WHERE true ON CONFLICT (agent) DO NOTHING;
      INSERT INTO proposal_agents (agent, number) SELECT new.recipient, coalesce(max(number), 0) + 1 FROM proposal_agents
        WHERE true ON CONFLICT (agent) DO NOTHING;
    END;
    CREATE TRIGGER proposals_moved AFTER UPDATE OF state ON proposals WHEN new.state <> old.state BEGIN
      UPDATE proposal_counts SET count = count - 1 WHERE state = old.state;
      INSERT INTO proposal_counts (state, count) VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET count = count + 1;
    END;
    INSERT INTO proposal_counts (state, count) SELECT state, count(*) FROM proposals GROUP BY state;
    INSERT INTO proposal_agents (agent, number) SELECT agent, row_number() OVER () FROM (SELECT proposer AS agent
      FROM proposals UNION SELECT recipient FROM proposals);
  `,
    "INSERT INTO shares SELECT 'openProposals', id, proposer, '' FROM proposals WHERE due_at IS NOT NULL",
  ],
  postgres: [`
    CREATE TABLE proposals (id TEXT PRIMARY KEY, proposer TEXT NOT NULL, recipient TEXT NOT NULL, client TEXT NOT NULL,
      provider TEXT NOT NULL, state TEXT NOT NULL, due_at BIGINT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, request_id TEXT,
      facts TEXT NOT NULL);
    CREATE INDEX proposals_proposer ON proposals (proposer, updated_at, id);
    CREATE INDEX proposals_recipient ON proposals (recipient, updated_at, id);
    CREATE INDEX proposals_due ON proposals (due_at) WHERE due_at IS NOT NULL;
    CREATE UNIQUE INDEX proposals_request ON proposals (proposer, request_id) WHERE request_id IS NOT NULL;
    CREATE TABLE proposal_counts (state TEXT PRIMARY KEY, count BIGINT NOT NULL);
    CREATE TABLE proposal_agents (agent TEXT PRIMARY KEY, number BIGINT NOT NULL);
    CREATE INDEX proposal_agents_number ON proposal_agents (number);
    CREATE FUNCTION proposals_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP = 'UPDATE' THEN UPDATE proposal_counts SET count = count - 1 WHERE state = old.state; END IF;
      INSERT INTO proposal_counts AS c (state, count) VALUES (new.state, 1) ON CONFLICT (state) DO UPDATE SET count = c.count + 1;
      IF TG_OP = 'INSERT' THEN
        INSERT INTO proposal_agents (agent, number) SELECT new.proposer, coalesce(max(number), 0) + 1 FROM proposal_agents
          ON CONFLICT (agent) DO NOTHING;
        INSERT INTO proposal_agents (agent, number) SELECT new.recipient, coalesce(max(number), 0) + 1 FROM proposal_agents
          ON CONFLICT (agent) DO NOTHING;
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER proposals_added AFTER INSERT ON proposals FOR EACH ROW EXECUTE FUNCTION proposals_counted();
    CREATE TRIGGER proposals_moved AFTER UPDATE OF state ON proposals FOR EACH ROW WHEN (new.state <> old.state)
      EXECUTE FUNCTION proposals_counted();
  `],
}

const proposalOf = ({ id, proposer, recipient, client, provider, state, due_at, created_at, updated_at, facts }: Row): Proposal => {
  const { deal, ...rest } = JSON.parse(facts) as Facts
  return {
    id,
    createdAt: created_at,
    updatedAt: updated_at,
    ...rest,
    deal: { ...deal, state, proposer, recipient, client, provider, dueAt: due_at },
  }
}

const rowOf = (
  {
    id,
    createdAt,
    updatedAt,
    deal: { state, proposer, recipient, client, provider, dueAt, ...deal },
    offer,
    supersedes,
    supersededBy,
    deliverable,
    funding,
  }: Proposal,
): Omit<Row, 'request_id'> => ({
  id,
  proposer,
  recipient,
  client,
  provider,
  state,
  due_at: dueAt,
  created_at: createdAt,
  updated_at: updatedAt,
  facts: JSON.stringify({ offer, deal, supersedes, supersededBy, deliverable, funding } satisfies Facts),
})

export const addProposal = async (tx: Tx, proposal: Proposal, requestId: string | undefined): Promise<void> => {
  // A request id may come again once the relay has forgotten it as a key.
  if (requestId !== undefined)
    await tx.tables<Tables>().updateTable('proposals').set({ request_id: null }).where('proposer', '=', proposal.deal.proposer).where(
      'request_id',
      '=',
      requestId,
    ).execute()
  await tx.tables<Tables>().insertInto('proposals').values({ ...rowOf(proposal), request_id: requestId ?? null }).execute()
}

export const saveProposal = async (tx: Tx, proposal: Proposal): Promise<void> => {
  await tx.tables<Tables>().updateTable('proposals').set(rowOf(proposal)).where('id', '=', proposal.id).execute()
  if (proposal.deal.dueAt === null) await releaseShare(tx, 'openProposals', proposal.id)
}

export const findProposal = async (db: Db, id: string): Promise<Proposal | undefined> => {
  const row = await db.tables<Tables>().selectFrom('proposals').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? undefined : proposalOf(row)
}

export const findByRequest = async (db: Db, proposer: string, requestId: string): Promise<Proposal | undefined> => {
  const row = await db.tables<Tables>().selectFrom('proposals').selectAll().where('proposer', '=', proposer).where('request_id', '=',
    requestId).executeTakeFirst()
  return row === undefined ? undefined : proposalOf(row)
}

/** Those whose deadline is over, the oldest first. */
export const dueProposals = async (db: Db, now: number, limit: number): Promise<readonly Proposal[]> =>
  (await db.tables<Tables>().selectFrom('proposals').selectAll().where('due_at', '<=', now).orderBy('due_at').limit(limit).execute()).map(
    proposalOf,
  )

export interface Query {
  /** Under all its keys. */
  readonly agent: string
  readonly state?: State | undefined
  readonly with?: string | undefined
  readonly role?: 'client' | 'provider' | undefined
  readonly before?: { readonly updatedAt: number, readonly id: string } | undefined
  readonly limit: number
}

/** An agent's proposals, the one that changed last first. Each side is read along its own index, so that a page costs a page. */
export const listProposals = async (db: Db, { agent, state, with: other, role, before, limit }: Query): Promise<readonly Proposal[]> => {
  const side = (mine: 'proposer' | 'recipient', theirs: 'proposer' | 'recipient') => {
    let query = db.tables<Tables>().selectFrom('proposals').selectAll().where(mine, 'in', keysOf(agent))
    if (state !== undefined) query = query.where('state', '=', state)
    if (other !== undefined) query = query.where(theirs, '=', other)
    if (role !== undefined) query = query.where(role, 'in', keysOf(agent))
    if (before !== undefined)
      query = query.where('updated_at', '<=', before.updatedAt).where(({ or, eb }) =>
        or([eb('updated_at', '<', before.updatedAt), eb('id', '<', before.id)])
      )
    return query.orderBy('updated_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
  }
  const rows = new Map([...await side('proposer', 'recipient'), ...await side('recipient', 'proposer')].map(row => [row.id, row]))
  return [...rows.values()].sort((a, b) => b.updated_at - a.updated_at || (a.id < b.id ? 1 : -1)).slice(0, limit).map(proposalOf)
}

/** Who agreed to a deal with one of the agents that changed after a time. An offer alone makes nobody a partner. */
export const partnersOf = async (db: Db, agents: readonly string[], since: number): Promise<readonly string[]> => {
  const agreed: readonly State[] = ['accepted', 'funded', 'submitted', 'disputed', 'completed', 'ruled']
  const side = (own: 'proposer' | 'recipient', other: 'proposer' | 'recipient') =>
    db.tables<Tables>().selectFrom('proposals').select(`${other} as agent`).where(db.dialect.isAmong(own, agents))
      .where('updated_at', '>=', since).where('state', 'in', agreed)
  return (await side('proposer', 'recipient').union(side('recipient', 'proposer')).execute()).map(row => row.agent)
}

/** How many proposals are in each state, and how many agents ever were a party: kept by triggers, so that asking costs nothing. */
export const proposalCounts = async (db: Db): Promise<{ readonly byStatus: Readonly<Record<string, number>>, readonly agents: number }> => {
  const tables = db.tables<Tables>()
  const states = await tables.selectFrom('proposal_counts').selectAll().where('count', '>', 0).execute()
  const { agents } = await tables.selectFrom('proposal_agents').select(({ fn }) => fn.max('number').as('agents')).executeTakeFirstOrThrow()
  return { byStatus: Object.fromEntries(states.map(({ state, count }) => [state, count])), agents: agents ?? 0 }
}

/** The stream of a proposal's events. */
export const streamOf = (id: string): string => `!${id}`

const stakesOf = ({ proposer, recipient }: Stakes) => ({ proposer, acceptor: recipient })

export const recordOf = (
  { id, offer, deal, createdAt, updatedAt, supersedes, supersededBy, deliverable, funding }: Proposal,
): ProposalRecord => ({
  proposal_id: id,
  from: deal.proposer,
  to: deal.recipient,
  client: deal.client,
  provider: deal.provider,
  status: deal.state,
  task: offer.task,
  terms: offer.terms,
  capability: offer.capability,
  amount: offer.amount,
  currency: offer.currency,
  amount_minor: offer.amountMinor,
  milestones: offer.milestones === null ? null : [...offer.milestones],
  released: deal.released,
  deliver_s: offer.deliverMs === null ? null : offer.deliverMs / 1_000,
  review_s: offer.reviewMs === null ? null : offer.reviewMs / 1_000,
  rail: offer.rail,
  ...(offer.isPublic === true && { public: true as const }),
  held_minor: deal.held,
  captured_minor: deal.captured,
  returned_minor: deal.returned,
  ...(funding.pending !== null && { funding: 'pending' as const }),
  elo_stakes: stakesOf(deal.stakes),
  supersedes,
  superseded_by: supersededBy,
  deliverable,
  created_at: createdAt,
  updated_at: updatedAt,
  due: deal.dueAt,
})
