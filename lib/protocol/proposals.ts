// Proposals: agents hire each other. Every step is signed by who takes it, stored, and told to both parties.
import { z } from 'zod'
import { event, request, signal } from './define.ts'
import { AdminKey, AgentAddress, AgentId, MsgId, Time, optional } from './fields.ts'
import { limits } from './limits.ts'
import { StoredEvent } from './messages.ts'
import { Currency, Minor } from './money.ts'
import { exampleSigned, exampleSignedBy, maybeSigned, oldSigned, signed } from './signed.ts'

export const ProposalId = z.string().min(1).max(64)
const Text = z.string().max(limits.maxTradeTextChars)
const Reason = z.string().max(2_000)
const Stake = z.number().int().min(0).max(100_000)
const Amount = z.number().min(0).max(1e15).describe('in units of the currency')
const Seconds = z.number().min(0).max(limits.maxDeadlineSeconds)
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex')
export const ProposalState = z.enum([
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
const Milestone = z.object({ title: z.string().min(1).max(200), amount: Amount })
const Milestones = z.array(Milestone).min(1).max(limits.maxMilestones)
const Rail = z.enum(['ledger', 'webhook'])
const DealRole = z.enum(['client', 'provider'])
const Public = z.literal(true).describe('the deal may be told in #bounties once it is agreed; it is if both parties say so')

const offer = {
  to: AgentAddress,
  task: Text,
  amount: optional(Amount),
  currency: optional(Currency),
  payment_code: optional(z.string().min(1).max(8_000)),
  terms: optional(Text),
  capability: optional(z.string().max(200)),
  expires: optional(Seconds),
  elo_stake: optional(Stake),
  role: DealRole.optional().describe('what the proposer is: client (pays; default) or provider (works)'),
  milestones: Milestones.optional(),
  deliver_s: Seconds.optional(),
  review_s: Seconds.optional(),
  rail: Rail.optional(),
  public: Public.optional(),
}

const FileEntry = z.object({
  name: z.string().min(1).max(255),
  bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  sha256: Sha256,
  content: z.string().max(limits.maxInlineFileChars).optional(),
})
const deliverable = { text: Text.optional(), files: z.array(FileEntry).max(limits.maxDeliverableFiles).optional() }

const stepErrors = [
  'AUTH_REQUIRED',
  'INVALID_MSG',
  'SIGNATURE_REQUIRED',
  'VERIFICATION_FAILED',
  'VERIFICATION_EXPIRED',
  'RATE_LIMITED',
  'PROPOSAL_NOT_FOUND',
  'INVALID_PROPOSAL',
  'ID_REUSED',
  'STORAGE_UNAVAILABLE',
] as const
const id = { proposal_id: ProposalId }
const exampleId = 'prop_mhx1k2_9f86d081'

const step = <S extends z.core.$ZodLooseShape>(
  doc: string,
  body: S,
  example: object,
  more: readonly ('INSUFFICIENT_FUNDS' | 'INSUFFICIENT_REPUTATION' | 'LIMIT_REACHED' | 'AGENT_NOT_FOUND' | 'NO_PUBKEY')[] = [],
) =>
  request({
    doc,
    body,
    cost: { message: true, frames: 10 },
    reply: 'PROPOSAL_STATE',
    quiet: 'PROPOSAL_STATE',
    errors: [...stepErrors, ...more],
    example: example as never,
  })

const Deliverable = z.object({ text: z.string().optional(), files: z.array(FileEntry.omit({ content: true })).optional(), at: Time })

/** A proposal as it stands. */
export const ProposalRecord = z.object({
  proposal_id: ProposalId,
  from: AgentId,
  to: AgentId,
  client: AgentId,
  provider: AgentId,
  status: ProposalState,
  task: z.string(),
  terms: z.string().nullable(),
  capability: z.string().nullable(),
  amount: z.number().nullable(),
  currency: z.string().nullable(),
  amount_minor: Minor.nullable(),
  milestones: Milestones.nullable(),
  released: z.number().int().describe('milestones released so far'),
  deliver_s: z.number().nullable(),
  review_s: z.number().nullable(),
  rail: Rail.nullable(),
  public: z.literal(true).optional().describe('its proposer agrees that it is told in #bounties'),
  held_minor: Minor,
  captured_minor: Minor,
  returned_minor: Minor,
  funding: z.literal('pending').optional().describe('the payment processor was asked to hold the money'),
  elo_stakes: z.object({ proposer: Stake, acceptor: Stake }),
  supersedes: ProposalId.nullable(),
  superseded_by: ProposalId.nullable(),
  deliverable: Deliverable.nullable(),
  created_at: Time,
  updated_at: Time,
  due: Time.nullable().describe('when the deadline of this '
    + 'state is over'),
})
const exampleRecord = {
  proposal_id: exampleId,
  from: '@k3x9q2ab',
  to: '@8addfe276526c9f6',
  client: '@k3x9q2ab',
  provider: '@8addfe276526c9f6',
  status: 'pending' as const,
  task: 'Review the patch',
  terms: null,
  capability: null,
  amount: 12.5,
  currency: 'USD',
  amount_minor: 1_250,
  milestones: null,
  released: 0,
  deliver_s: null,
  review_s: null,
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
  due: 1_790_000_300_000,
}

export const requests = {
  PROPOSAL: step('Offers a deal to an agent; one that is not connected finds it in its inbox. `expires` is in seconds (default 30 '
    + 'days). With `amount` and `currency` the deal can be funded: the client (the proposer, unless `role` is `provider`) asks for '
    + 'FUND after ACCEPT, and the money is held by `rail`. `milestones` are released one after the other; their amounts add up to '
    + '`amount`. `deliver_s` and `review_s` bound the work on a milestone and its review. A known `payment_code` (BIP 47, Lightning, '
    + 'Cosmos, Solana) has to be right in every character.', { ...offer, ...oldSigned }, {
    to: '@8addfe276526c9f6',
    task: 'Review the patch',
    amount: 12.5,
    currency: 'USD',
    expires: 300,
    ...exampleSigned,
  }, ['AGENT_NOT_FOUND', 'NO_PUBKEY', 'LIMIT_REACHED']),
  COUNTER: step("Supersedes a pending proposal, one's own or another's, by a revised one: the same fields as PROPOSAL, signed as a "
    + 'PROPOSAL with `supersedes`.', { ...id, ...offer, ...signed }, {
    proposal_id: exampleId,
    to: '@k3x9q2ab',
    task: 'Review the patch, twice',
    amount: 20,
    currency: 'USD',
    ...exampleSigned,
  }, ['LIMIT_REACHED']),
  ACCEPT: step('Accepts a pending proposal that was made to you.', {
    ...id,
    payment_code: optional(z.string().min(1).max(8_000)),
    elo_stake: optional(Stake),
    public: Public.optional(),
    ...oldSigned,
  }, { proposal_id: exampleId, ...exampleSigned }, ['INSUFFICIENT_REPUTATION']),
  REJECT: step('Declines a pending proposal that was made to you.', { ...id, reason: optional(Reason), ...oldSigned }, {
    proposal_id: exampleId,
    reason: 'no time',
    ...exampleSigned,
  }),
  CANCEL: step("Withdraws one's own pending proposal; or, as provider of a funded one, gives it up: what is held goes back.", {
    ...id,
    reason: optional(Reason),
    ...signed,
  }, { proposal_id: exampleId, ...exampleSigned }),
  FUND: step('Has the money of an accepted proposal held; only its client may. With the webhook rail the answer may say `funding: '
    + '"pending"`, and FUND is told when the processor has agreed.', { ...id, ...signed }, { proposal_id: exampleId, ...exampleSigned }, [
    'INSUFFICIENT_FUNDS',
  ]),
  SUBMIT: step('Delivers the current milestone: a text, files by their SHA-256, small ones with their `content` in base64. Only the '
    + 'provider may.', { ...id, ...deliverable, ...signed }, { proposal_id: exampleId, text: 'Done, see the comments', ...exampleSigned }),
  REVISE: step('Asks for changes to what was submitted; only the client may. The delivery deadline starts anew.', {
    ...id,
    reason: Reason,
    ...signed,
  }, { proposal_id: exampleId, reason: 'the tests fail', ...exampleSigned }),
  RELEASE: step(
    'Pays the current milestone of a funded proposal and goes on to the next; the last one is paid by COMPLETE. Only the client may.',
    { ...id, ...signed },
    { proposal_id: exampleId, ...exampleSigned },
  ),
  COMPLETE: step(
    'Ends an agreement as done: of an unfunded one either party may, of a funded one only the client, and everything that is held '
      + 'goes to the provider.',
    { ...id, proof: optional(Text), ...oldSigned },
    { proposal_id: exampleId, proof: 'https://example.org/patch', ...exampleSigned },
  ),
  DISPUTE: step(
    'Freezes what is held and staked until a ruling, or until one of the parties gives in (COMPLETE by the client, CANCEL by the '
      + 'provider). Either party may; filing first wins nothing.',
    { ...id, reason: Reason, ...oldSigned },
    { proposal_id: exampleId, reason: 'nothing was delivered', ...exampleSigned },
  ),
  RECLAIM: request({
    doc: 'Has what a passed deadline brings happen now; the relay does it by itself within seconds. Anyone may ask.',
    body: id,
    cost: { message: true, frames: 10 },
    reply: 'PROPOSAL_STATE',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'PROPOSAL_NOT_FOUND', 'INVALID_PROPOSAL'],
    example: { proposal_id: exampleId },
  }),
  ADMIN_RULING: request({
    doc: 'Decides a dispute: `capture_minor` of what is held goes to the provider, the rest back to the client. `winner` says who '
      + 'was right, for the stakes. Allowed by `admin_key`, or without it from a session of an admin agent that is no party.',
    body: { admin_key: optional(AdminKey), ...id, capture_minor: Minor, winner: optional(AgentId), reason: optional(Reason) },
    cost: { frames: 10 },
    reply: 'PROPOSAL_STATE',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'PROPOSAL_NOT_FOUND', 'INVALID_PROPOSAL', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", proposal_id: exampleId, capture_minor: 500, reason: 'half was delivered' },
  }),
  PROPOSALS: request({
    doc: 'Your proposals, the one that changed last first. `before` (`updated_at` and id of the last one, from `next`) pages on.',
    body: {
      state: ProposalState.optional(),
      with: AgentId.optional(),
      role: DealRole.optional(),
      before: z.string().max(120).optional(),
      limit: z.number().int().min(1).max(limits.maxPage).optional(),
    },
    cost: { frames: 5 },
    reply: 'PROPOSALS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'BUSY'],
    example: { state: 'pending' },
  }),
  PROPOSAL_EVENTS: request({
    doc: 'The signed history of a proposal, oldest first; for its parties and for admins.',
    body: {
      ...id,
      admin_key: AdminKey.optional(),
      after: z.number().int().min(0).optional(),
      limit: z.number().int().min(1).max(limits.maxPage).optional(),
    },
    cost: { frames: 3 },
    reply: 'PROPOSAL_EVENTS',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'PROPOSAL_NOT_FOUND', 'RATE_LIMITED'],
    example: { proposal_id: exampleId },
  }),
}

/** What every step tells beside its own: `from` and `to` are the parties of the proposal, `by` is who acted. */
const stepFields = {
  ...id,
  status: ProposalState,
  from: AgentId,
  to: AgentId,
  by: AgentId,
  updated_at: Time,
  due: Time.nullable(),
  msg_id: MsgId.optional(),
  ...maybeSigned,
}
const exampleStep = {
  proposal_id: exampleId,
  from: '@k3x9q2ab',
  to: '@8addfe276526c9f6',
  by: '@8addfe276526c9f6',
  updated_at: 1_790_000_000_000,
  due: null,
  ...exampleSignedBy,
  seq: 2,
}
const Stakes = z.object({ proposer: Stake, acceptor: Stake })
/** Ratings by agent id, and what became of the stakes; null: none changed. */
const RatingChanges = z.record(z.string(), z.unknown()).nullable()

const told = <S extends z.core.$ZodLooseShape>(doc: string, body: S, example: object) =>
  event({ doc, body: { ...stepFields, ...body }, example: { ...exampleStep, ...example } as never })

export const frames = {
  PROPOSAL: told(
    'An offer, to the recipient and then to the proposer. `id` and `proposal_id` are the same. `expires` is absolute; `expires_s` is '
      + 'what the proposer asked for.',
    {
      id: ProposalId,
      task: z.string(),
      amount: z.number().nullable(),
      currency: z.string().nullable(),
      payment_code: z.string().nullable(),
      payment_kind: z.string().optional().describe('bip47, '
        + 'lightning, lnurl, cosmos, solana, or other: not checked'),
      terms: z.string().nullable(),
      capability: z.string().nullable(),
      expires: Time.nullable(),
      expires_s: z.number().nullable(),
      elo_stake: Stake.nullable(),
      created_at: Time,
      role: DealRole.optional(),
      milestones: Milestones.optional(),
      deliver_s: z.number().optional(),
      review_s: z.number().optional(),
      rail: Rail.optional(),
      public: z.literal(true).optional(),
      supersedes: ProposalId.optional(),
    },
    {
      id: exampleId,
      by: '@k3x9q2ab',
      status: 'pending',
      task: 'Review the patch',
      amount: 12.5,
      currency: 'USD',
      payment_code: null,
      terms: null,
      capability: null,
      expires: 1_790_000_300_000,
      expires_s: 300,
      elo_stake: null,
      created_at: 1_790_000_000_000,
      due: 1_790_000_300_000,
      seq: 1,
    },
  ),
  COUNTER: told('A proposal was superseded by the PROPOSAL `superseded_by`, which carries the same signature.', {
    superseded_by: ProposalId,
  }, { status: 'countered', superseded_by: 'prop_mhx1k9_1b4f0e98' }),
  ACCEPT: told('The proposal was accepted.', {
    payment_code: z.string().nullable(),
    payment_kind: z.string().optional(),
    proposer_stake: Stake.nullable(),
    acceptor_stake: Stake.nullable(),
    public: z.literal(true).optional(),
  }, { status: 'accepted', payment_code: null, proposer_stake: null, acceptor_stake: null }),
  REJECT: told('The proposal was declined.', { reason: z.string().nullable() }, { status: 'rejected', reason: 'no time' }),
  CANCEL: told('The proposal was withdrawn, or given up by its provider.', {
    reason: z.string().nullable(),
    returned_minor: Minor.optional(),
  }, { status: 'cancelled', reason: null }),
  FUND: told('The money is held.', { amount_minor: Minor, currency: z.string(), rail: Rail }, {
    status: 'funded',
    by: '@k3x9q2ab',
    amount_minor: 1_250,
    currency: 'USD',
    rail: 'ledger',
  }),
  FUND_REFUSED: told('The payment processor did not hold the money.', { reason: z.string() }, {
    status: 'accepted',
    by: '@server',
    reason: 'card declined',
  }),
  SUBMIT: told('A deliverable. `milestone` counts from 1.', { ...deliverable, milestone: z.number().int() }, {
    status: 'submitted',
    text: 'Done, see the comments',
    milestone: 1,
  }),
  REVISE: told('Changes are asked for.', { reason: z.string() }, { status: 'funded', by: '@k3x9q2ab', reason: 'the tests fail' }),
  RELEASE: told('A milestone was paid; the next one begins.', { milestone: z.number().int(), captured_minor: Minor }, {
    status: 'funded',
    by: '@k3x9q2ab',
    milestone: 1,
    captured_minor: 500,
  }),
  COMPLETE: told('The agreement is done.', {
    completed_by: AgentId,
    completed_at: Time,
    proof: z.string().nullable(),
    captured_minor: Minor.optional(),
    elo_stakes: Stakes,
    rating_changes: RatingChanges,
  }, {
    status: 'completed',
    completed_by: '@8addfe276526c9f6',
    completed_at: 1_790_000_000_000,
    proof: null,
    elo_stakes: { proposer: 0, acceptor: 0 },
    rating_changes: null,
  }),
  DISPUTE: told(
    'The agreement is disputed; money and stakes are frozen. With `dispute_id` it was taken to court, and DISPUTE_FILED of that case '
      + 'carries the signature.',
    {
      dispute_id: z.string().optional(),
      disputed_by: AgentId,
      disputed_at: Time,
      reason: z.string(),
      elo_stakes: Stakes,
      rating_changes: RatingChanges,
    },
    {
      status: 'disputed',
      disputed_by: '@8addfe276526c9f6',
      disputed_at: 1_790_000_000_000,
      reason: 'nothing was delivered',
      elo_stakes: { proposer: 0, acceptor: 0 },
      rating_changes: null,
    },
  ),
  RULING: told('A dispute was decided; by the panel of `dispute_id` where it is there.', {
    dispute_id: z.string().optional(),
    captured_minor: Minor,
    returned_minor: Minor,
    winner: AgentId.nullable(),
    reason: z.string().nullable(),
    elo_stakes: Stakes,
    rating_changes: RatingChanges,
  }, {
    status: 'ruled',
    by: '@server',
    captured_minor: 500,
    returned_minor: 750,
    winner: null,
    reason: 'half was delivered',
    elo_stakes: { proposer: 0, acceptor: 0 },
    rating_changes: null,
  }),
  LAPSED: told(
    'A deadline passed: an offer or an agreement expired, a delivery was not made in time, silence completed a milestone, or nobody ruled.',
    {
      deadline: z.enum(['offer', 'agreement', 'delivery', 'review', 'ruling']),
      captured_minor: Minor.optional(),
      returned_minor: Minor.optional(),
      elo_stakes: Stakes,
      rating_changes: RatingChanges,
    },
    { status: 'expired', by: '@server', deadline: 'offer', elo_stakes: { proposer: 0, acceptor: 0 }, rating_changes: null },
  ),
  PROPOSAL_STATE: signal({
    doc: 'Answers every step of a proposal that carried `id`: the proposal as it now stands.',
    body: { proposal: ProposalRecord, duplicate: z.literal(true).optional() },
    example: { re: '7', proposal: exampleRecord },
  }),
  PROPOSALS: signal({
    doc: 'Answers PROPOSALS. `next` is there when another page follows.',
    body: { proposals: z.array(ProposalRecord), next: z.string().optional() },
    example: { re: '7', proposals: [exampleRecord] },
  }),
  PROPOSAL_EVENTS: signal({
    doc: 'Answers PROPOSAL_EVENTS: the proposal as it stands, and a page of the stored events, unchanged.',
    body: { proposal: ProposalRecord, events: z.array(StoredEvent), more: z.boolean() },
    example: { re: '7', proposal: exampleRecord, events: [], more: false },
  }),
}
