// What the pages say of disputes, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import { type ErrorCode } from '../errors.ts'
import { exampleSigned, exampleSignedBy } from './signed.ts'

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
const exampleParties = { disputant: ann, respondent: bob }

const act = (doc: string, example: object, more: readonly ErrorCode[]) => ({
  doc,
  errors: [...caseErrors, ...more],
  example: { dispute_id: exampleId, ...example, ...exampleSigned } as never,
})

const told = (doc: string, example: object) => ({ doc, example: { ...exampleEvent, ...example } as never })

export const requests = {
  DISPUTE_INTENT: {
    doc: 'Files a dispute: freezes the deal as DISPUTE does, and commits to a `nonce` by its SHA-256. Costs a fee in rating that is '
      + 'held, and lost if the panel finds for the other party or the nonce is not revealed. One case per proposal; after one that '
      + 'was not revealed the other party may file.',
    errors: [
      ...errors,
      'PROPOSAL_NOT_FOUND',
      'INVALID_PROPOSAL',
      'NOT_PROPOSAL_PARTY',
      'DISPUTE_ALREADY_EXISTS',
      'INSUFFICIENT_REPUTATION',
    ],
    example: { proposal_id: exampleProposal, reason: 'nothing was delivered', commitment: sha, ...exampleSigned },
  },
  DISPUTE_REVEAL: {
    doc: 'Reveals the nonce, within 10 minutes: the panel is drawn by seed = SHA-256 in hex of `proposal_id`, `nonce` and '
      + '`server_nonce` written after each other. Where too few agents can be drawn, DISPUTE_FALLBACK is told instead, and '
      + 'an admin rules.',
    errors: [...caseErrors, 'DISPUTE_NOT_PARTY', 'DISPUTE_COMMITMENT_MISMATCH'],
    example: { proposal_id: exampleProposal, nonce: 'a secret until now', ...exampleSigned },
  },
  ARBITER_ACCEPT: act('Takes a seat on the panel, within 30 minutes.', {}, ['DISPUTE_NOT_ARBITER']),
  ARBITER_DECLINE: act('Declines the seat; the next agent of the draw is asked.', { reason: 'no time' }, [
    'DISPUTE_NOT_ARBITER',
  ]),
  EVIDENCE: act('Says what a party has to say, once the panel is drawn and for an hour after it sits. A newer one replaces it until '
    + "the other party's is in too: then the case is closed, and both are shown to the arbiters. The older signed text does not "
    + 'cover `statement`.', {
    items: [{ kind: 'commit', label: 'the patch', value: '4f0c1e' }],
    statement: 'It was delivered in time',
  }, ['DISPUTE_NOT_PARTY', 'LIMIT_REACHED']),
  VOTE: act('Decides, within an hour of CASE_READY; once. `capture_minor` is for `mutual`: what of the money goes to the provider '
    + '(half of it if nothing is said). The older signed text does not cover `reasoning`.', {
    verdict: 'respondent',
    reasoning: 'the commit is there',
  }, ['DISPUTE_NOT_ARBITER']),
  DISPUTES: {
    doc: 'The disputes you are a party of, or sit on the panel of, the newest first. `before` (an id of the last page) pages on.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'DISPUTE_NOT_FOUND'],
    example: { role: 'arbiter' },
  },
  ADMIN_DISPUTES: {
    doc: 'Every dispute of the relay, the newest first; those in phase `appealed` wait for an ADMIN_RULING.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'DISPUTE_NOT_FOUND', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", phase: 'appealed' },
  },
  DISPUTE_EVENTS: {
    doc: 'A dispute as it stands, and its signed history, oldest first: for its parties, the arbiters that were asked and have not '
      + 'left, and admins.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'DISPUTE_NOT_FOUND'],
    example: { dispute_id: exampleId },
  },
} satisfies RequestDocs

export const frames = {
  DISPUTE_INTENT_ACK: {
    doc: 'The dispute is filed. `pool_hash` names those who can be drawn, before the relay knows the nonce.',
    example: {
      re: '7',
      dispute_id: exampleId,
      proposal_id: exampleProposal,
      server_nonce: '3f9c0e5a',
      pool_hash: sha,
      due: 1_790_000_600_000,
    },
  },
  DISPUTE_FILED: told('A party filed a dispute.', {
    ...exampleParties,
    reason: 'nothing was delivered',
    commitment: sha,
    server_nonce: '3f9c0e5a',
    pool_hash: sha,
    ...exampleSignedBy,
  }),
  DISPUTE_REVEALED: {
    doc: 'Answers DISPUTE_REVEAL: a panel was drawn.',
    example: { re: '7', dispute_id: exampleId, panel_size: 3, seed: sha },
  },
  PANEL_FORMED: told('The panel was drawn, and asked. Everything that the draw can be computed again from is here.', {
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
    phase: 'seating',
    from: '@server',
    arbiter: judge,
    ...exampleParties,
    reason: 'nothing was delivered',
    response_deadline: 1_790_001_800_000,
  }),
  ARBITER_ANSWER: told('An arbiter took the seat, declined it, or said nothing and is replaced (then `from` is the relay).', {
    phase: 'seating',
    from: judge,
    arbiter: judge,
    answer: 'accepted',
    reason: null,
    ...exampleSignedBy,
  }),
  EVIDENCE_RECEIVED: told("A party's evidence is in. The other party sees it in CASE_READY.", {
    phase: 'evidence',
    from: bob,
    items_count: 1,
  }),
  CASE_READY: told('The evidence is closed; the arbiters vote. The parties find it in DISPUTE_EVENTS.', {
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
    phase: 'ruled',
    from: '@server',
    due: null,
    verdict: 'respondent',
    rating_changes: null,
  }),
  DISPUTE_FALLBACK: told('No panel can be formed: an admin of the relay rules.', {
    phase: 'appealed',
    from: '@server',
    due: null,
    reason: 'fewer than 3 eligible arbiters',
  }),
  DISPUTE_CLOSED: told(
    'The case ended without a verdict: an admin ruled, or nobody in time (`ruled`); a party gave in (`settled`), or the nonce was '
      + 'not revealed (`abandoned`).',
    { phase: 'abandoned', from: '@server', due: null, outcome: 'abandoned' },
  ),
  DISPUTE_STATE: {
    doc: 'Answers every step of a dispute that carried `id`: the case as it now stands.',
    example: { re: '7', dispute: exampleRecord },
  },
  DISPUTES: {
    doc: 'Answers DISPUTES and ADMIN_DISPUTES. `more` is true when another page follows.',
    example: { re: '7', disputes: [exampleRecord], more: false },
  },
  DISPUTE_EVENTS: {
    doc: "Answers DISPUTE_EVENTS: the case as it stands, a page of the stored events, unchanged, and the evidence: a party's own, and "
      + 'all of it once it is closed; admins see it at once.',
    example: { re: '7', dispute: exampleRecord, disputant_evidence: null, respondent_evidence: null, events: [], more: false },
  },
} satisfies FrameDocs
