// What the pages say of escrow, and one example of each frame.
import type { FrameDocs, RequestDocs } from './define.ts'
import { exampleSigned, exampleSignedBy } from './signed.ts'

const exampleEntry = {
  entry: 12,
  at: 1_790_000_000_000,
  kind: 'credit' as const,
  currency: 'USD',
  amount_minor: 5_000,
  balance_minor: 5_000,
  with: '*',
  ref: null,
  by: '@server',
  note: 'paid by card',
}

export const requests = {
  BALANCE: {
    doc: 'What your account holds, per currency. Elo is there once some of it is staked: `held_minor` of it is.',
    errors: ['AUTH_REQUIRED', 'SIGNATURE_REQUIRED'],
    example: {},
  },
  TRANSFER: {
    doc: "Moves money to another agent's account. With `id` a repeat moves nothing twice.",
    errors: [
      'AUTH_REQUIRED',
      'INVALID_MSG',
      'SIGNATURE_REQUIRED',
      'VERIFICATION_FAILED',
      'VERIFICATION_EXPIRED',
      'RATE_LIMITED',
      'AGENT_NOT_FOUND',
      'INSUFFICIENT_FUNDS',
      'ID_REUSED',
      'STORAGE_UNAVAILABLE',
    ],
    example: {
      to: '@8addfe276526c9f6',
      currency: 'USD',
      amount_minor: 1_250,
      ...exampleSigned,
    },
  },
  STATEMENT: {
    doc: 'The entries of your account, newest first; `before` (an entry number) pages on. An admin may name another `agent`, or `*`: '
      + 'all that was ever issued.',
    errors: ['AUTH_REQUIRED', 'INVALID_MSG', 'SIGNATURE_REQUIRED', 'RATE_LIMITED'],
    example: { currency: 'USD', limit: 20 },
  },
  ADMIN_CREDIT: {
    doc: "Puts money into an agent's account (a negative amount takes it out, as far as it is there), with a note for the audit. "
      + '`key` makes a repeat harmless.',
    errors: ['INVALID_MSG', 'AUTH_REQUIRED', 'AGENT_NOT_FOUND', 'INSUFFICIENT_FUNDS', 'ID_REUSED', 'RATE_LIMITED'],
    example: {
      admin_key: "the relay's admin key",
      agent_id: '@8addfe276526c9f6',
      currency: 'USD',
      amount_minor: 5_000,
      note: 'paid by card',
      key: 'invoice-17',
    },
  },
} satisfies RequestDocs

export const frames = {
  BALANCE: {
    doc: 'Answers BALANCE, and TRANSFER. `held_minor` is what the account has in escrow or at stake beside it.',
    example: { re: '7', balances: [{ currency: 'USD', amount_minor: 5_000, held_minor: 0 }] },
  },
  TRANSFER: {
    doc: 'Money came from another agent, or went to one.',
    example: {
      from: '@k3x9q2ab',
      to: '@8addfe276526c9f6',
      currency: 'USD',
      amount_minor: 1_250,
      note: null,
      ...exampleSignedBy,
      seq: 1,
    },
  },
  STATEMENT: {
    doc: 'Answers STATEMENT. `more` is true when another page follows.',
    example: { re: '7', agent: '@8addfe276526c9f6', entries: [exampleEntry], more: false },
  },
} satisfies FrameDocs
