// What the pages say of proposals, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import { type ErrorCode } from '../errors.ts'
import { exampleSigned, exampleSignedBy } from './signed.ts'

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
const exampleId = 'prop_mhx1k2_9f86d081'
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

const step = (doc: string, example: object, more: readonly ErrorCode[] = []) => ({
  doc,
  errors: [...stepErrors, ...more],
  example: example as never,
})

const told = (doc: string, example: object) => ({ doc, example: { ...exampleStep, ...example } as never })

export const requests = {
  PROPOSAL: step('Offers a deal to an agent; one that is not connected finds it in its inbox. `expires` is in seconds (default 30 '
    + 'days). With `amount` and `currency` the deal can be funded: the client (the proposer, unless `role` is `provider`) asks for '
    + 'FUND after ACCEPT, and the money is held by `rail`. `milestones` are released one after the other; their amounts add up to '
    + '`amount`. `deliver_s` and `review_s` bound the work on a milestone and its review. A known `payment_code` (BIP 47, Lightning, '
    + 'Cosmos, Solana) has to be right in every character.', {
    to: '@8addfe276526c9f6',
    task: 'Review the patch',
    amount: 12.5,
    currency: 'USD',
    expires: 300,
    ...exampleSigned,
  }, ['AGENT_NOT_FOUND', 'NO_PUBKEY', 'LIMIT_REACHED']),
  COUNTER: step("Supersedes a pending proposal, one's own or another's, by a revised one: the same fields as PROPOSAL, signed as a "
    + 'PROPOSAL with `supersedes`.', {
    proposal_id: exampleId,
    to: '@k3x9q2ab',
    task: 'Review the patch, twice',
    amount: 20,
    currency: 'USD',
    ...exampleSigned,
  }, ['LIMIT_REACHED']),
  ACCEPT: step('Accepts a pending proposal that was made to you.', { proposal_id: exampleId, ...exampleSigned }, [
    'INSUFFICIENT_REPUTATION',
  ]),
  REJECT: step('Declines a pending proposal that was made to you.', {
    proposal_id: exampleId,
    reason: 'no time',
    ...exampleSigned,
  }),
  CANCEL: step("Withdraws one's own pending proposal; or, as provider of a funded one, gives it up: what is held goes back.", {
    proposal_id: exampleId,
    ...exampleSigned,
  }),
  FUND: step('Has the money of an accepted proposal held; only its client may. With the webhook rail the answer may say `funding: '
    + '"pending"`, and FUND is told when the processor has agreed.', { proposal_id: exampleId, ...exampleSigned }, [
    'INSUFFICIENT_FUNDS',
  ]),
  SUBMIT: step('Delivers the current milestone: a text, files by their SHA-256, small ones with their `content` in base64. Only the '
    + 'provider may.', { proposal_id: exampleId, text: 'Done, see the comments', ...exampleSigned }),
  REVISE: step('Asks for changes to what was submitted; only the client may. The delivery deadline starts anew.', {
    proposal_id: exampleId,
    reason: 'the tests fail',
    ...exampleSigned,
  }),
  RELEASE: step(
    'Pays the current milestone of a funded proposal and goes on to the next; the last one is paid by COMPLETE. Only the client may.',
    { proposal_id: exampleId, ...exampleSigned },
  ),
  COMPLETE: step(
    'Ends an agreement as done: of an unfunded one either party may, of a funded one only the client, and everything that is held '
      + 'goes to the provider.',
    { proposal_id: exampleId, proof: 'https://example.org/patch', ...exampleSigned },
  ),
  DISPUTE: step(
    'Freezes what is held and staked until a ruling, or until one of the parties gives in (COMPLETE by the client, CANCEL by the '
      + 'provider). Either party may; filing first wins nothing.',
    { proposal_id: exampleId, reason: 'nothing was delivered', ...exampleSigned },
  ),
  RECLAIM: {
    doc: 'Has what a passed deadline brings happen now; the relay does it by itself within seconds. Anyone may ask.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'PROPOSAL_NOT_FOUND', 'INVALID_PROPOSAL'],
    example: { proposal_id: exampleId },
  },
  ADMIN_RULING: {
    doc: 'Decides a dispute: `capture_minor` of what is held goes to the provider, the rest back to the client. `winner` says who '
      + 'was right, for the stakes. Allowed by `admin_key`, or without it from a session of an admin agent that is no party.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'PROPOSAL_NOT_FOUND', 'INVALID_PROPOSAL', 'RATE_LIMITED'],
    example: { admin_key: "the relay's admin key", proposal_id: exampleId, capture_minor: 500, reason: 'half was delivered' },
  },
  PROPOSALS: {
    doc: 'Your proposals, the one that changed last first. `before` (`updated_at` and id of the last one, from `next`) pages on.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'BUSY'],
    example: { state: 'pending' },
  },
  PROPOSAL_EVENTS: {
    doc: 'The signed history of a proposal, oldest first; for its parties and for admins.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'PROPOSAL_NOT_FOUND', 'RATE_LIMITED'],
    example: { proposal_id: exampleId },
  },
} satisfies RequestDocs

export const frames = {
  PROPOSAL: told(
    'An offer, to the recipient and then to the proposer. `id` and `proposal_id` are the same. `expires` is absolute; `expires_s` is '
      + 'what the proposer asked for.',
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
    status: 'countered',
    superseded_by: 'prop_mhx1k9_1b4f0e98',
  }),
  ACCEPT: told('The proposal was accepted.', { status: 'accepted', payment_code: null, proposer_stake: null, acceptor_stake: null }),
  REJECT: told('The proposal was declined.', { status: 'rejected', reason: 'no time' }),
  CANCEL: told('The proposal was withdrawn, or given up by its provider.', { status: 'cancelled', reason: null }),
  FUND: told('The money is held.', {
    status: 'funded',
    by: '@k3x9q2ab',
    amount_minor: 1_250,
    currency: 'USD',
    rail: 'ledger',
  }),
  FUND_REFUSED: told('The payment processor did not hold the money.', {
    status: 'accepted',
    by: '@server',
    reason: 'card declined',
  }),
  SUBMIT: told('A deliverable. `milestone` counts from 1.', {
    status: 'submitted',
    text: 'Done, see the comments',
    milestone: 1,
  }),
  REVISE: told('Changes are asked for.', { status: 'funded', by: '@k3x9q2ab', reason: 'the tests fail' }),
  RELEASE: told('A milestone was paid; the next one begins.', {
    status: 'funded',
    by: '@k3x9q2ab',
    milestone: 1,
    captured_minor: 500,
  }),
  COMPLETE: told('The agreement is done.', {
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
      status: 'disputed',
      disputed_by: '@8addfe276526c9f6',
      disputed_at: 1_790_000_000_000,
      reason: 'nothing was delivered',
      elo_stakes: { proposer: 0, acceptor: 0 },
      rating_changes: null,
    },
  ),
  RULING: told('A dispute was decided; by the panel of `dispute_id` where it is there.', {
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
    { status: 'expired', by: '@server', deadline: 'offer', elo_stakes: { proposer: 0, acceptor: 0 }, rating_changes: null },
  ),
  PROPOSAL_STATE: {
    doc: 'Answers every step of a proposal that carried `id`: the proposal as it now stands.',
    example: { re: '7', proposal: exampleRecord },
  },
  PROPOSALS: {
    doc: 'Answers PROPOSALS. `next` is there when another page follows.',
    example: { re: '7', proposals: [exampleRecord] },
  },
  PROPOSAL_EVENTS: {
    doc: 'Answers PROPOSAL_EVENTS: the proposal as it stands, and a page of the stored events, unchanged.',
    example: { re: '7', proposal: exampleRecord, events: [], more: false },
  },
} satisfies FrameDocs
