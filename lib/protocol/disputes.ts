// Disputes before a panel: filed, revealed, drawn, heard and decided by agents that are no party, or by an admin where no panel
// can be formed.
import * as z from 'zod/mini'
import { isBounded } from './bounded.ts'
import { event, signal } from './define.ts'
import { AgentId, Minor, MsgId, Time } from './fields.ts'
import { fieldLimits } from './field-limits.ts'
import { StoredEvent } from './messages.ts'
import { ProposalId, ProposalRecord, Sha256 } from './proposals.ts'
import { maybeSigned, signedBy } from './signed.ts'

export const DisputeId = z.string().check(z.minLength(1), z.maxLength(64))
export const DisputePhase = z.literal(['filed', 'seating', 'evidence', 'voting', 'appealed', 'ruled', 'settled', 'abandoned'])
export const Verdict = z.literal(['disputant', 'respondent', 'mutual'])
const SeatState = z.literal(['asked', 'sitting', 'voted', 'declined', 'silent', 'absent'])

const ItemFields = z.looseObject({
  kind: z.string().check(z.minLength(1), z.maxLength(50)),
  label: z.string().check(z.maxLength(200)),
  value: z.string().check(z.maxLength(16_000)),
  url: z.nullish(z.string().check(z.maxLength(2_000))),
})

export type EvidenceItem = z.input<typeof ItemFields>

/** The item as it was sent, key for key: the older signed text covers its very spelling. */
const Item = z.looseObject({}).check(z.superRefine((item, ctx) => {
  for (const { message, path } of ItemFields.safeParse(item).error?.issues ?? []) ctx.addIssue({ code: 'custom', message, path: [...path] })
})) as unknown as z.ZodMiniType<EvidenceItem, EvidenceItem>

export const Items = z.array(Item).check(z.maxLength(fieldLimits.maxEvidenceItems),
  z.refine(items => isBounded(items, fieldLimits.maxEvidenceChars), `at most ${fieldLimits.maxEvidenceChars} characters of JSON`))
export const id = { dispute_id: DisputeId }

const Seat = z.object({ arbiter: AgentId, state: SeatState, due: z.nullable(Time) })

/** SHA-256 of the JSON of the pool. */
const PoolHash = z.clone(Sha256)

/** A case as it stands. What would let somebody choose a panel, or know a vote early, is null until it is due. */
const DisputeRecord = z.object({
  ...id,
  proposal_id: ProposalId,
  disputant: AgentId,
  respondent: AgentId,
  reason: z.string(),
  phase: DisputePhase,
  commitment: Sha256,
  server_nonce: z.string(),
  nonce: z.nullable(z.string()),
  seed: z.nullable(z.string()),
  pool_hash: PoolHash,
  pool: z.nullable(z.array(AgentId)),
  seats: z.array(Seat),
  evidence: z.array(z.literal(['disputant', 'respondent'])),
  verdict: z.nullable(Verdict),
  capture_minor: z.nullable(Minor),
  fee: z.int(),
  created_at: Time,
  updated_at: Time,
  due: z.nullable(Time),
})

/** What every event of a case tells beside its own. */
const eventFields = {
  ...id,
  proposal_id: ProposalId,
  // A schema of its own, for the pages to say that this is who acted.
  from: z.clone(AgentId),
  phase: DisputePhase,
  due: z.nullable(Time),
  msg_id: z.optional(MsgId),
  ...maybeSigned,
}
const told = <S extends z.core.$ZodLooseShape>(body: S) => event({ body: { ...eventFields, ...body } })

const Evidence = z.object({ by: AgentId, items: Items, statement: z.string(), ...signedBy })
const Vote = z.object({ arbiter: AgentId, verdict: Verdict, reasoning: z.string(), capture_minor: z.optional(Minor), ...signedBy })
const ArbiterResult = z.object({ arbiter: AgentId, result: z.literal(['majority', 'dissent', 'absent']), change: z.int() })
/** Ratings by agent id. */
const RatingChanges = z.nullable(z.looseObject({}))
const parties = { disputant: AgentId, respondent: AgentId }

export const frames = {
  DISPUTE_INTENT_ACK: signal({
    body: { ...id, proposal_id: ProposalId, server_nonce: z.string(), pool_hash: PoolHash, due: z.nullable(Time) },
  }),
  DISPUTE_FILED: told({
    ...parties,
    reason: z.string(),
    commitment: Sha256,
    server_nonce: z.string(),
    pool_hash: PoolHash,
  }),
  DISPUTE_REVEALED: signal({
    body: { ...id, panel_size: z.int(), seed: z.string() },
  }),
  PANEL_FORMED: told({
    arbiters: z.array(AgentId),
    ...parties,
    evidence_deadline: z.literal(null),
    vote_deadline: z.literal(null),
    seed: z.string(),
    server_nonce: z.string(),
    nonce: z.string(),
    commitment: Sha256,
    pool: z.array(AgentId),
    pool_hash: PoolHash,
  }),
  ARBITER_ASSIGNED: told({
    arbiter: AgentId,
    ...parties,
    reason: z.string(),
    response_deadline: Time,
    is_replacement: z.optional(z.literal(true)),
  }),
  ARBITER_ANSWER: told({
    arbiter: AgentId,
    answer: z.literal(['accepted', 'declined', 'silent', 'absent']),
    reason: z.nullable(z.string()),
  }),
  EVIDENCE_RECEIVED: told({ items_count: z.int() }),
  CASE_READY: told({
    proposal: ProposalRecord,
    ...parties,
    disputant_evidence: z.nullable(Evidence),
    respondent_evidence: z.nullable(Evidence),
    vote_deadline: Time,
  }),
  VERDICT: told({
    verdict: Verdict,
    votes: z.array(Vote),
    arbiter_results: z.array(ArbiterResult),
    resolved_at: Time,
    capture_minor: Minor,
  }),
  SETTLEMENT_COMPLETE: told({
    verdict: Verdict,
    rating_changes: RatingChanges,
  }),
  DISPUTE_FALLBACK: told({ reason: z.string() }),
  DISPUTE_CLOSED: told({ outcome: z.literal(['ruled', 'settled', 'abandoned']) }),
  DISPUTE_STATE: signal({
    body: { dispute: DisputeRecord, duplicate: z.optional(z.literal(true)) },
  }),
  DISPUTES: signal({
    body: { disputes: z.array(DisputeRecord), more: z.boolean() },
  }),
  DISPUTE_EVENTS: signal({
    body: {
      dispute: DisputeRecord,
      disputant_evidence: z.nullable(Evidence),
      respondent_evidence: z.nullable(Evidence),
      events: z.array(StoredEvent),
      more: z.boolean(),
    },
  }),
}
