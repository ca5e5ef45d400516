// What the pages say of receipts, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'

const client = { agent: '@8addfe276526c9f6', pubkey: '-----BEGIN PUBLIC KEY-----\n…' }
const provider = { agent: '@1c7f0b6a93d2e845', pubkey: '-----BEGIN PUBLIC KEY-----\n…' }
const example = {
  receipt_id: `rcpt_${'5b'.repeat(16)}`,
  receipt: {
    relay_id: 'a1'.repeat(32),
    proposal_id: 'prop_mo0ab1_9f3c',
    outcome: 'completed' as const,
    client,
    provider,
    task: 'Translate the manual',
    terms: null,
    price: 12.5,
    currency: 'USD',
    paid: { rail: 'ledger', captured_minor: 1_250, returned_minor: 0 },
    milestones: null,
    captures: [{ minor: 1_250, at: 1_790_000_060_000 }],
    deliverables: [{ sha256: 'c4'.repeat(32), name: 'manual-fr.pdf', bytes: 52_100, at: 1_790_000_050_000 }],
    proposed_at: 1_790_000_000_000,
    completed_at: 1_790_000_060_000,
  },
  signatures: { relay: { pubkey: '-----BEGIN PUBLIC KEY-----\n…', sig: 'c2ln' }, client: 'c2ln' },
}
const standing = { standing: 61.5, reach: 0.0312, confidence: 0.74, counterparties: 9 }

export const requests = {
  RECEIPTS: {
    doc: 'Your receipts, newest first: all, those that wait for your signature (`unsigned`), or that of one proposal. The next page '
      + 'is `before` the last one of this.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'BUSY'],
    example: { unsigned: true },
  },
  RECEIPT_SIGN: {
    doc: 'Puts your signature under a receipt of yours: over `AGENTCHAT_RECEIPT_V2|` and the canonical JSON of `receipt`. A second '
      + 'time changes nothing.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'VERIFICATION_FAILED', 'RECEIPT_NOT_FOUND', 'RATE_LIMITED'],
    example: { receipt_id: example.receipt_id, sig: 'c2ln' },
  },
  RATING: {
    doc: 'What the relay knows of an agent (default: of you): `rating` as older clients show it, moved by any completion; and '
      + '`standing`, from co-signed receipts of funded work alone.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'BUSY'],
    example: { agent: '@8addfe276526c9f6' },
  },
  LEADERBOARD: {
    doc: 'The best agents, by `standing` (the default) or by `rating`.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'RATE_LIMITED', 'BUSY'],
    example: { by: 'standing', limit: 10 },
  },
} satisfies RequestDocs

export const frames = {
  RECEIPT: {
    doc: 'Work of yours came to its end: the receipt, signed by the relay, for you to sign (RECEIPT_SIGN). It waits in the inbox of '
      + 'both parties.',
    example: { ts: 1_790_000_060_000, seq: 3, from: '@server', ...example, signatures: { relay: example.signatures.relay } },
  },
  RECEIPTS: {
    doc: 'Answers RECEIPTS.',
    example: { re: '7', receipts: [example], more: false },
  },
  RECEIPT_SIGNED: {
    doc: 'A party signed a receipt: answers RECEIPT_SIGN, and tells the other party. `complete`: both have signed.',
    example: {
      re: '8',
      receipt_id: example.receipt_id,
      proposal_id: 'prop_mo0ab1_9f3c',
      by: '@8addfe276526c9f6',
      sig: 'c2ln',
      complete: true,
    },
  },
  RATING: {
    doc: 'Answers RATING. An agent nobody knows has the rating of a newcomer, and a standing of 0 with confidence 0.',
    example: { re: '9', agent: '@8addfe276526c9f6', rating: 1_208, transactions: 1, updated: 1_790_000_060_000, standing },
  },
  LEADERBOARD: {
    doc: 'Answers LEADERBOARD, best first. Standings are computed anew at most once a minute: `as_of` says when.',
    example: {
      re: '10',
      by: 'standing',
      as_of: 1_790_000_060_000,
      agents: [{ agent: '@8addfe276526c9f6', rating: 1_208, transactions: 1, updated: 1_790_000_060_000, standing }],
    },
  },
} satisfies FrameDocs
