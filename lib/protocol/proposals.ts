// Proposals: agents hire each other. Every step is signed by who takes it, stored, and told to both parties.
import * as z from 'zod/mini'
import { event, signal } from './define.ts'
import { AgentId, Minor, MsgId, Time } from './fields.ts'
import { fieldLimits } from './field-limits.ts'
import { StoredEvent } from './messages.ts'
import { maybeSigned } from './signed.ts'

export const ProposalId = z.string().check(z.minLength(1), z.maxLength(64))
export const Text = z.string().check(z.maxLength(fieldLimits.maxTradeTextChars))
export const Stake = z.int().check(z.gte(0), z.lte(100_000))
export const Amount = z.number().check(z.gte(0), z.lte(1e15))
export const Sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex'))
export const ProposalState = z.literal([
  'pending',
  'accepted',
  'funded',
  'submitted',
  'disputed',
  'completed',
  'rejected',
  'countered',
  'cancelled',
  'expired',
  'ruled',
])
const Milestone = z.object({ title: z.string().check(z.minLength(1), z.maxLength(200)), amount: Amount })
export const Milestones = z.array(Milestone).check(z.minLength(1), z.maxLength(fieldLimits.maxMilestones))
export const Rail = z.literal(['ledger', 'webhook'])
export const DealRole = z.literal(['client', 'provider'])

const deliveredFile = {
  name: z.string().check(z.minLength(1), z.maxLength(255)),
  bytes: z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER)),
  sha256: Sha256,
}
const FileEntry = z.object({ ...deliveredFile, content: z.optional(z.string().check(z.maxLength(fieldLimits.maxInlineFileChars))) })
export const deliverable = {
  text: z.optional(Text),
  files: z.optional(z.array(FileEntry).check(z.maxLength(fieldLimits.maxDeliverableFiles))),
}
export const id = { proposal_id: ProposalId }

const Deliverable = z.object({ text: z.optional(z.string()), files: z.optional(z.array(z.object(deliveredFile))), at: Time })

/** A proposal as it stands. */
export const ProposalRecord = z.object({
  proposal_id: ProposalId,
  from: AgentId,
  to: AgentId,
  client: AgentId,
  provider: AgentId,
  status: ProposalState,
  task: z.string(),
  terms: z.nullable(z.string()),
  capability: z.nullable(z.string()),
  amount: z.nullable(z.number()),
  currency: z.nullable(z.string()),
  amount_minor: z.nullable(Minor),
  milestones: z.nullable(Milestones),
  released: z.int(),
  deliver_s: z.nullable(z.number()),
  review_s: z.nullable(z.number()),
  rail: z.nullable(Rail),
  public: z.optional(z.literal(true)),
  held_minor: Minor,
  captured_minor: Minor,
  returned_minor: Minor,
  funding: z.optional(z.literal('pending')),
  elo_stakes: z.object({ proposer: Stake, acceptor: Stake }),
  supersedes: z.nullable(ProposalId),
  superseded_by: z.nullable(ProposalId),
  deliverable: z.nullable(Deliverable),
  created_at: Time,
  updated_at: Time,
  due: z.nullable(Time),
})

/** What every step tells beside its own: `from` and `to` are the parties of the proposal, `by` is who acted. */
const stepFields = {
  ...id,
  status: ProposalState,
  from: AgentId,
  to: AgentId,
  by: AgentId,
  updated_at: Time,
  due: z.nullable(Time),
  msg_id: z.optional(MsgId),
  ...maybeSigned,
}
const Stakes = z.object({ proposer: Stake, acceptor: Stake })
/** Ratings by agent id, and what became of the stakes; null: none changed. */
const RatingChanges = z.nullable(z.looseObject({}))

const told = <S extends z.core.$ZodLooseShape>(body: S) => event({ body: { ...stepFields, ...body } })

export const frames = {
  PROPOSAL: told({
    id: ProposalId,
    task: z.string(),
    amount: z.nullable(z.number()),
    currency: z.nullable(z.string()),
    payment_code: z.nullable(z.string()),
    payment_kind: z.optional(z.string()),
    terms: z.nullable(z.string()),
    capability: z.nullable(z.string()),
    expires: z.nullable(Time),
    expires_s: z.nullable(z.number()),
    elo_stake: z.nullable(Stake),
    created_at: Time,
    role: z.optional(DealRole),
    milestones: z.optional(Milestones),
    deliver_s: z.optional(z.number()),
    review_s: z.optional(z.number()),
    rail: z.optional(Rail),
    public: z.optional(z.literal(true)),
    supersedes: z.optional(ProposalId),
  }),
  COUNTER: told({
    superseded_by: ProposalId,
  }),
  ACCEPT: told({
    payment_code: z.nullable(z.string()),
    payment_kind: z.optional(z.string()),
    proposer_stake: z.nullable(Stake),
    acceptor_stake: z.nullable(Stake),
    public: z.optional(z.literal(true)),
  }),
  REJECT: told({ reason: z.nullable(z.string()) }),
  CANCEL: told({
    reason: z.nullable(z.string()),
    returned_minor: z.optional(Minor),
  }),
  FUND: told({ amount_minor: Minor, currency: z.string(), rail: Rail }),
  FUND_REFUSED: told({ reason: z.string() }),
  SUBMIT: told({ ...deliverable, milestone: z.int() }),
  REVISE: told({ reason: z.string() }),
  RELEASE: told({ milestone: z.int(), captured_minor: Minor }),
  COMPLETE: told({
    completed_by: AgentId,
    completed_at: Time,
    proof: z.nullable(z.string()),
    captured_minor: z.optional(Minor),
    elo_stakes: Stakes,
    rating_changes: RatingChanges,
  }),
  DISPUTE: told({
    dispute_id: z.optional(z.string()),
    disputed_by: AgentId,
    disputed_at: Time,
    reason: z.string(),
    elo_stakes: Stakes,
    rating_changes: RatingChanges,
  }),
  RULING: told({
    dispute_id: z.optional(z.string()),
    captured_minor: Minor,
    returned_minor: Minor,
    winner: z.nullable(AgentId),
    reason: z.nullable(z.string()),
    elo_stakes: Stakes,
    rating_changes: RatingChanges,
  }),
  LAPSED: told({
    deadline: z.literal(['offer', 'agreement', 'delivery', 'review', 'ruling']),
    captured_minor: z.optional(Minor),
    returned_minor: z.optional(Minor),
    elo_stakes: Stakes,
    rating_changes: RatingChanges,
  }),
  PROPOSAL_STATE: signal({
    body: { proposal: ProposalRecord, duplicate: z.optional(z.literal(true)) },
  }),
  PROPOSALS: signal({
    body: { proposals: z.array(ProposalRecord), next: z.optional(z.string()) },
  }),
  PROPOSAL_EVENTS: signal({
    body: { proposal: ProposalRecord, events: z.array(StoredEvent), more: z.boolean() },
  }),
}
