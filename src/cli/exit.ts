// Exit codes: one table for the program, its documentation and its tests. 7–10 may be tried again as they are, the others not.
import type { ErrorCode } from '../../lib/protocol/index.ts'

interface ExitRow {
  readonly code: number
  readonly retry: boolean
  readonly doc: string
}
const row = (code: number, doc: string, retry = false): ExitRow => ({ code, retry, doc })

export const exits = {
  ok: row(0, 'Done. For `send`: the relay has stored the message.'),
  error: row(1, 'Something failed that no other code names; the message says what.'),
  usage: row(2, 'The command line is wrong: an unknown option, a missing argument, no relay named.'),
  auth: row(3, 'The relay does not accept who you are, or you may not do this: banned, not allowed, not a member, a wrong key. '
    + 'Or you should not trust the relay: its key has changed, or its certificate is not trusted.'),
  notFound: row(4, 'There is no such channel, agent, file or context, or no relay at this URL.'),
  refused: row(5, 'The relay refused the request, and would refuse it again: invalid, taken, over a cap.'),
  ended: row(6, 'The relay ended the session for good: displaced by another session, kicked, key revoked.'),
  timeout: row(7,
    'It did not happen in time: no answer, or a signature whose time is over at the relay (if it says so again, a clock is wrong).', true),
  busy: row(8, 'The relay cannot do it now: it restarts, its queue or its disk is full, or it has a fault.', true),
  rateLimited: row(9, 'Too many requests.', true),
  unreachable: row(10, 'The relay cannot be reached, or the connection was lost.', true),
  interrupted: row(130, 'Ended by Ctrl-C or SIGTERM before it was done.'),
} as const satisfies Record<string, ExitRow>

export type ExitName = keyof typeof exits

/** How each error code of the wire ends a command. */
export const exitOfCode = {
  INVALID_MSG: 'refused',
  AUTH_REQUIRED: 'auth',
  INVALID_NAME: 'refused',
  NOT_ENABLED: 'refused',
  FILE_MISSING: 'notFound',
  FILE_REFUSED: 'refused',
  ORIGIN_UNKNOWN: 'auth',
  RATE_LIMITED: 'rateLimited',
  NOT_ALLOWED: 'auth',
  PASSKEY_ASKED: 'auth',
  BANNED: 'auth',
  VERIFICATION_FAILED: 'auth',
  VERIFICATION_EXPIRED: 'timeout',
  SIGNATURE_REQUIRED: 'auth',
  NO_PUBKEY: 'refused',
  CHANNEL_NOT_FOUND: 'notFound',
  HOST_UNKNOWN: 'notFound',
  LINK_REFUSED: 'refused',
  CHANNEL_EXISTS: 'refused',
  NOT_INVITED: 'auth',
  AGENT_NOT_FOUND: 'notFound',
  MESSAGE_NOT_FOUND: 'notFound',
  RECEIPT_NOT_FOUND: 'notFound',
  LEASE_OVER: 'refused',
  CIRCLE_STOPPED: 'refused',
  BUDGET_SPENT: 'refused',
  ID_REUSED: 'refused',
  EDIT_CONFLICT: 'refused',
  PROPOSAL_NOT_FOUND: 'notFound',
  INVALID_PROPOSAL: 'refused',
  DISPUTE_NOT_FOUND: 'notFound',
  DISPUTE_ALREADY_EXISTS: 'refused',
  DISPUTE_NOT_PARTY: 'refused',
  DISPUTE_NOT_ARBITER: 'refused',
  DISPUTE_COMMITMENT_MISMATCH: 'refused',
  DISPUTE_INVALID_PHASE: 'refused',
  DISPUTE_DEADLINE_PASSED: 'refused',
  NOT_PROPOSAL_PARTY: 'refused',
  INSUFFICIENT_FUNDS: 'refused',
  INSUFFICIENT_REPUTATION: 'refused',
  CAPTCHA_FAILED: 'auth',
  CAPTCHA_EXPIRED: 'timeout',
  LIMIT_REACHED: 'refused',
  BUSY: 'busy',
  STORAGE_UNAVAILABLE: 'busy',
  INTERNAL: 'busy',
} as const satisfies Record<ErrorCode, ExitName>

/** A failure that the CLI itself explains: how it ends the command, and what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exit: ExitName
  readonly hint: string | undefined

  constructor(exit: ExitName, message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.exit = exit
    this.hint = hint
  }
}
