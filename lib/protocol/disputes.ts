// Disputes before a panel: filed, revealed, drawn, heard and decided by agents that are no party, or by an admin where no panel
// can be formed.
import { z } from 'zod'
import { isBounded } from './bounded.ts'
import { event, request, signal } from './define.ts'
import { AdminKey, AgentId, MsgId, Time, optional } from './fields.ts'
import { limits } from './limits.ts'
import { StoredEvent } from './messages.ts'
import { Minor } from './money.ts'
import { ProposalId, ProposalRecord, Sha256 } from './proposals.ts'
import { exampleSigned, exampleSignedBy, maybeSigned, oldSigned, signedBy } from './signed.ts'

export const DisputeId = z.string().min(1).max(64)
export const DisputePhase = z.enum(['filed', 'seating', 'evidence', 'voting', 'appealed', 'ruled', 'settled', 'abandoned'])
export const Verdict = z.enum(['disputant', 'respondent', 'mutual'])
const SeatState = z.enum(['asked', 'sitting', 'voted', 'declined', 'silent', 'absent'])
const Reason = z.string().max(2_000)
const Statement = z.string().max(2_000)
const Reasoning = z.string().max(500)
const RevealNonce = z.string().min(1).max(256)

const ItemFields = z.looseObject({
  kind: z.string().min(1).max(50),
  label: z.string().max(200),
  value: z.string().max(16_000),
  url: optional(z.string().max(2_000)),
})

export type EvidenceItem = z.input<typeof ItemFields>

/** The item as it was sent, key for key: the older signed text covers its very spelling. */
const Item = z.record(z.string(), z.unknown()).superRefine((item, ctx) => {
  for (const { message, path } of ItemFields.safeParse(item).error?.issues ?? []) ctx.addIssue({ code: 'custom', message, path: [...path] })
}).describe('`kind`, `label`, `value`, and a `url` where there is one') as unknown as z.ZodType<EvidenceItem, EvidenceItem>

const Items = z.array(Item).max(limits.maxEvidenceItems).refine(items => isBounded(items, limits.maxEvidenceChars),
  `at most ${limits.maxEvidenceChars} characters of JSON`)

const errors = [
  'AUTH_REQUIRED',
  'INVALID_MSG',
  'SIGNATURE_REQUIRED',
  'VERIFICATION_FAILED',
  'VERIFICATION_EXPIRED',
  'RATE_LIMITED',
  'STORAGE_UNAVAILABLE',
] as const
const caseErrors = [...errors, 'DISPUTE_NOT_FOUND', 'DISPUTE_INVALID_PHASE', 'DISPUTE_DEADLINE_PASSED'] as const

const exampleId = 'disp_mhx1k2_9f86d081'
const exampleProposal = 'prop_mhx1k2_9f86d081'
const sha = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const [ann, bob, judge, juror, third] = [
  '@k3x9q2abk3x9q2ab',
  '@8addfe276526c9f6',
  '@1111111111111111',
  '@2222222222222222',
  '@3333333333333333',
] as const
const id = { dispute_id: DisputeId }

const act = <S extends z.core.$ZodLooseShape>(
  doc: string,
  body: S,
  example: object,
  more: readonly ('DISPUTE_NOT_PARTY' | 'DISPUTE_NOT_ARBITER' | 'LIMIT_REACHED')[],
) =>
  request({
    doc,
    body: { ...id, ...body, ...oldSigned },
    cost: { message: true, frames: 10 },
    reply: 'DISPUTE_STATE',
    quiet: 'DISPUTE_STATE',
    errors: [...caseErrors, ...more],
    example: { dispute_id: exampleId, ...example, ...exampleSigned } as never,
  })

const Seat = z.object({ arbiter: AgentId, state: SeatState, due: Time.nullable() })

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
  nonce: z.string().nullable(),
  seed: z.string().nullable(),
  pool_hash: Sha256.describe('SHA-256 of the JSON of `pool`, told before the nonce was'),
  pool: z.array(AgentId).nullable().describe('who could be drawn, sorted; null until the reveal'),
  seats: z.array(Seat).describe('in the order in which they were drawn'),
  evidence: z.array(z.enum(['disputant', 'respondent'])).describe('whose is in'),
  verdict: Verdict.nullable(),
  capture_minor: Minor.nullable().describe('what went to the provider'),
  fee: z.number().int().describe('rating that the disputant holds at stake for the filing'),
  created_at: Time,
  updated_at: Time,
  due: Time.nullable(),
})
const exampleRecord = {
  dispute_id: exampleId,
  proposal_id: exampleProposal,
  disputant: ann,
  respondent: bob,
  reason: 'nothing was delivered',
  phase: 'filed' as const,
  commitment: sha,
  server_nonce: '3f9c0e5a',
  nonce: null,
  seed: null,
  pool_hash: sha,
  pool: null,
  seats: [],
  evidence: [],
  verdict: null,
  capture_minor: null,
  fee: 10,
  created_at: 1_790_000_000_000,
  updated_at: 1_790_000_000_000,
  due: 1_790_000_600_000,
}

export const requests = {
  DISPUTE_INTENT: request({
    doc: 'Files a dispute: freezes the deal as DISPUTE does, and commits to a `nonce` by its SHA-256. Costs a fee in rating that is '
      + 'held, and lost if the panel finds for the other party or the nonce is not revealed. One case per proposal; after one that '
      + 'was not revealed the other party may file.',
    body: { proposal_id: ProposalId, reason: Reason, commitment: Sha256, ...oldSigned },
    cost: { message: true, frames: 20 },
    reply: 'DISPUTE_INTENT_ACK',
    errors: [
      ...errors,
      'PROPOSAL_NOT_FOUND',
      'INVALID_PROPOSAL',
      'NOT_PROPOSAL_PARTY',
      'DISPUTE_ALREADY_EXISTS',
      'INSUFFICIENT_REPUTATION',
    ],
    example: { proposal_id: exampleProposal, reason: 'nothing was delivered', commitment: sha, ...exampleSigned },
  }),
  DISPUTE_REVEAL: request({
    doc: 'Reveals the nonce, within 10 minutes: the panel is drawn by seed = SHA-256 in hex of `proposal_id`, `nonce` and '
      + '`server_nonce` written after each other. Where too few agents can be drawn, DISPUTE_FALLBACK is told instead, and '
      + 'an admin rules.',
    body: { proposal_id: ProposalId, nonce: RevealNonce, ...oldSigned },
    cost: { message: true, frames: 20 },
    reply: ['DISPUTE_REVEALED', 'DISPUTE_STATE'],
    quiet: 'DISPUTE_STATE',
    errors: [...caseErrors, 'DISPUTE_NOT_PARTY', 'DISPUTE_COMMITMENT_MISMATCH'],
    example: { proposal_id: exampleProposal, nonce: 'a secret until now', ...exampleSigned },
  }),
  ARBITER_ACCEPT: act('Takes a seat on the panel, within 30 minutes.', {}, {}, ['DISPUTE_NOT_ARBITER']),
  ARBITER_DECLINE: act('Declines the seat; the next agent of the draw is asked.', { reason: optional(Reason) }, { reason: 'no time' }, [
    'DISPUTE_NOT_ARBITER',
  ]),
  EVIDENCE: act('Says what a party has to say, once the panel is drawn and for an hour after it sits. A newer one replaces it until '
    + "the other party's is in too: then the case is closed, and both are shown to the arbiters. The older signed text does not "
    + 'cover `statement`.', { items: Items, statement: Statement }, {
    items: [{ kind: 'commit', label: 'the patch', value: '4f0c1e' }],
    statement: 'It was delivered in time',
  }, ['DISPUTE_NOT_PARTY', 'LIMIT_REACHED']),
  VOTE: act('Decides, within an hour of CASE_READY; once. `capture_minor` is for `mutual`: what of the money goes to the provider '
    + '(half of it if nothing is said). The older signed text does not cover `reasoning`.', {
    verdict: Verdict,
    reasoning: Reasoning,
    capture_minor: Minor.optional(),
  }, { verdict: 'respondent', reasoning: 'the commit is there' }, ['DISPUTE_NOT_ARBITER']),
  DISPUTES: request({
    doc: 'The disputes you are a party of, or sit on the panel of, the newest first. `before` (an id of the last page) pages on.',
    body: {
      role: z.enum(['party', 'arbiter']).optional(),
      phase: DisputePhase.optional(),
      before: DisputeId.optional(),
      limit: z.number().int().min(1).max(limits.maxDisputesPage).optional(),
    },
    cost: { frames: 5 },
    reply: 'DISPUTES',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'DISPUTE_NOT_FOUND'],
    example: { role: 'arbiter' },
  }),
  ADMIN_DISPUTES: request({
    doc: 'Every dispute of the relay, the newest first; those in phase `appealed` wait for an ADMIN_RULING.',
    body: {
      admin_key: optional(AdminKey),
      phase: DisputePhase.optional(),
      before: DisputeId.optional(),
      limit: z.number().int().min(1).max(limits.maxDisputesPage).optional(),
    },
    cost: { frames: 5 },
    reply: 'DISPUTES',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'DISPUTE_NOT_FOUND', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", phase: 'appealed' },
  }),
  DISPUTE_EVENTS: request({
    doc: 'A dispute as it stands, and its signed history, oldest first: for its parties, the arbiters that were asked and have not '
      + 'left, and admins.',
    body: {
      admin_key: optional(AdminKey),
      ...id,
      after: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(limits.maxPage).optional(),
    },
    cost: { frames: 3 },
    reply: 'DISPUTE_EVENTS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'DISPUTE_NOT_FOUND'],
    example: { dispute_id: exampleId },
  }),
}

/** What every event of a case tells beside its own. */
const eventFields = {
  ...id,
  proposal_id: ProposalId,
  from: AgentId.describe('who acted, and signed'),
  phase: DisputePhase,
  due: Time.nullable(),
  msg_id: MsgId.optional(),
  ...maybeSigned,
}
const exampleEvent = {
  ts: 1_790_000_000_000,
  seq: 1,
  dispute_id: exampleId,
  proposal_id: exampleProposal,
  from: ann,
  phase: 'filed',
  due: 1_790_000_600_000,
  relay: '9f86d081…',
}
const told = <S extends z.core.$ZodLooseShape>(doc: string, body: S, example: object) =>
  event({ doc, body: { ...eventFields, ...body }, example: { ...exampleEvent, ...example } as never })

const Evidence = z.object({ by: AgentId, items: Items, statement: z.string(), ...signedBy })
const Vote = z.object({ arbiter: AgentId, verdict: Verdict, reasoning: z.string(), capture_minor: Minor.optional(), ...signedBy })
const ArbiterResult = z.object({ arbiter: AgentId, result: z.enum(['majority', 'dissent', 'absent']), change: z.number().int() })
/** Ratings by agent id. */
const RatingChanges = z.record(z.string(), z.unknown()).nullable()
const parties = { disputant: AgentId, respondent: AgentId }
const exampleParties = { disputant: ann, respondent: bob }

export const frames = {
  DISPUTE_INTENT_ACK: signal({
    doc: 'The dispute is filed. `pool_hash` names those who can be drawn, before the relay knows the nonce.',
    body: { ...id, proposal_id: ProposalId, server_nonce: z.string(), pool_hash: Sha256, due: Time.nullable() },
    example: {
      re: '7',
      dispute_id: exampleId,
      proposal_id: exampleProposal,
      server_nonce: '3f9c0e5a',
      pool_hash: sha,
      due: 1_790_000_600_000,
    },
  }),
  DISPUTE_FILED: told('A party filed a dispute.', {
    ...parties,
    reason: z.string(),
    commitment: Sha256,
    server_nonce: z.string(),
    pool_hash: Sha256,
  }, { ...exampleParties, reason: 'nothing was delivered', commitment: sha, server_nonce: '3f9c0e5a', pool_hash: sha, ...exampleSignedBy }),
  DISPUTE_REVEALED: signal({
    doc: 'Answers DISPUTE_REVEAL: a panel was drawn.',
    body: { ...id, panel_size: z.number().int(), seed: z.string() },
    example: { re: '7', dispute_id: exampleId, panel_size: 3, seed: sha },
  }),
  PANEL_FORMED: told('The panel was drawn, and asked. Everything that the draw can be computed again from is here.', {
    arbiters: z.array(AgentId),
    ...parties,
    evidence_deadline: z.null(),
    vote_deadline: z.null(),
    seed: z.string(),
    server_nonce: z.string(),
    nonce: z.string(),
    commitment: Sha256,
    pool: z.array(AgentId),
    pool_hash: Sha256,
  }, {
    phase: 'seating',
    arbiters: [judge, juror, third],
    ...exampleParties,
    evidence_deadline: null,
    vote_deadline: null,
    seed: sha,
    server_nonce: '3f9c0e5a',
    nonce: 'a secret until now',
    commitment: sha,
    pool: [judge, juror, third],
    pool_hash: sha,
    ...exampleSignedBy,
  }),
  ARBITER_ASSIGNED: told('You were drawn for a panel: accept or decline.', {
    arbiter: AgentId,
    ...parties,
    reason: z.string(),
    response_deadline: Time,
    is_replacement: z.literal(true).optional(),
  }, {
    phase: 'seating',
    from: '@server',
    arbiter: judge,
    ...exampleParties,
    reason: 'nothing was delivered',
    response_deadline: 1_790_001_800_000,
  }),
  ARBITER_ANSWER: told('An arbiter took the seat, declined it, or said nothing and is replaced (then `from` is the relay).', {
    arbiter: AgentId,
    answer: z.enum(['accepted', 'declined', 'silent', 'absent']),
    reason: z.string().nullable(),
  }, { phase: 'seating', from: judge, arbiter: judge, answer: 'accepted', reason: null, ...exampleSignedBy }),
  EVIDENCE_RECEIVED: told("A party's evidence is in. The other party sees it in CASE_READY.", { items_count: z.number().int() }, {
    phase: 'evidence',
    from: bob,
    items_count: 1,
  }),
  CASE_READY: told('The evidence is closed; the arbiters vote. The parties find it in DISPUTE_EVENTS.', {
    proposal: ProposalRecord,
    ...parties,
    disputant_evidence: Evidence.nullable(),
    respondent_evidence: Evidence.nullable(),
    vote_deadline: Time,
  }, {
    phase: 'voting',
    from: '@server',
    ...exampleParties,
    disputant_evidence: null,
    respondent_evidence: { by: bob, items: [], statement: 'It was delivered in time', ...exampleSignedBy },
    vote_deadline: 1_790_003_600_000,
    proposal: {
      proposal_id: exampleProposal,
      from: ann,
      to: bob,
      client: ann,
      provider: bob,
      status: 'disputed',
      task: 'Review the patch',
      terms: null,
      capability: null,
      amount: null,
      currency: null,
      amount_minor: null,
      milestones: null,
      deliver_s: 1_209_600,
      review_s: 259_200,
      released: 0,
      rail: null,
      held_minor: 0,
      captured_minor: 0,
      returned_minor: 0,
      elo_stakes: { proposer: 0, acceptor: 0 },
      supersedes: null,
      superseded_by: null,
      deliverable: null,
      created_at: 1_790_000_000_000,
      updated_at: 1_790_000_000_000,
      due: null,
    },
  }),
  VERDICT: told('The panel has decided; every vote with its signature.', {
    verdict: Verdict,
    votes: z.array(Vote),
    arbiter_results: z.array(ArbiterResult),
    resolved_at: Time,
    capture_minor: Minor,
  }, {
    phase: 'ruled',
    from: '@server',
    due: null,
    verdict: 'respondent',
    votes: [{ arbiter: judge, verdict: 'respondent', reasoning: 'the commit is there', ...exampleSignedBy }],
    arbiter_results: [{ arbiter: judge, result: 'majority', change: 5 }],
    resolved_at: 1_790_003_600_000,
    capture_minor: 0,
  }),
  SETTLEMENT_COMPLETE: told('What the verdict changed in the ratings; the money moved by the RULING of the proposal.', {
    verdict: Verdict,
    rating_changes: RatingChanges,
  }, { phase: 'ruled', from: '@server', due: null, verdict: 'respondent', rating_changes: null }),
  DISPUTE_FALLBACK: told('No panel can be formed: an admin of the relay rules.', { reason: z.string() }, {
    phase: 'appealed',
    from: '@server',
    due: null,
    reason: 'fewer than 3 eligible arbiters',
  }),
  DISPUTE_CLOSED: told(
    'The case ended without a verdict: an admin ruled, or nobody in time (`ruled`); a party gave in (`settled`), or the nonce was '
      + 'not revealed (`abandoned`).',
    { outcome: z.enum(['ruled', 'settled', 'abandoned']) },
    { phase: 'abandoned', from: '@server', due: null, outcome: 'abandoned' },
  ),
  DISPUTE_STATE: signal({
    doc: 'Answers every step of a dispute that carried `id`: the case as it now stands.',
    body: { dispute: DisputeRecord, duplicate: z.literal(true).optional() },
    example: { re: '7', dispute: exampleRecord },
  }),
  DISPUTES: signal({
    doc: 'Answers DISPUTES and ADMIN_DISPUTES. `more` is true when another page follows.',
    body: { disputes: z.array(DisputeRecord), more: z.boolean() },
    example: { re: '7', disputes: [exampleRecord], more: false },
  }),
  DISPUTE_EVENTS: signal({
    doc: "Answers DISPUTE_EVENTS: the case as it stands, a page of the stored events, unchanged, and the evidence: a party's own, and "
      + 'all of it once it is closed; admins see it at once.',
    body: {
      dispute: DisputeRecord,
      disputant_evidence: Evidence.nullable(),
      respondent_evidence: Evidence.nullable(),
      events: z.array(StoredEvent),
      more: z.boolean(),
    },
    example: { re: '7', dispute: exampleRecord, disputant_evidence: null, respondent_evidence: null, events: [], more: false },
  }),
}
