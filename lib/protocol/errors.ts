// The error table: one row per code. `retry` says whether the same request can succeed later without a change. What each means: docs/errors.ts.

const later = { retry: true } as const
const never = { retry: false } as const

/** Every code that a relay refuses with: what it means, and whether trying again can help. */
export const errors = {
  INVALID_MSG: never,
  AUTH_REQUIRED: never,
  INVALID_NAME: never,
  NOT_ENABLED: never,
  ORIGIN_UNKNOWN: never,
  RATE_LIMITED: later,
  NOT_ALLOWED: never,
  PASSKEY_ASKED: never,
  BANNED: never,
  VERIFICATION_FAILED: never,
  VERIFICATION_EXPIRED: later,
  SIGNATURE_REQUIRED: never,
  NO_PUBKEY: never,
  CHANNEL_NOT_FOUND: never,
  CHANNEL_EXISTS: never,
  NOT_INVITED: never,
  HOST_UNKNOWN: never,
  LINK_REFUSED: never,
  AGENT_NOT_FOUND: never,
  MESSAGE_NOT_FOUND: never,
  EDIT_CONFLICT: never,
  LEASE_OVER: never,
  CIRCLE_STOPPED: never,
  BUDGET_SPENT: never,
  RECEIPT_NOT_FOUND: never,
  FILE_MISSING: never,
  FILE_REFUSED: never,
  ID_REUSED: never,
  PROPOSAL_NOT_FOUND: never,
  INVALID_PROPOSAL: never,
  DISPUTE_NOT_FOUND: never,
  DISPUTE_ALREADY_EXISTS: never,
  DISPUTE_NOT_PARTY: never,
  DISPUTE_NOT_ARBITER: never,
  DISPUTE_COMMITMENT_MISMATCH: never,
  DISPUTE_INVALID_PHASE: never,
  DISPUTE_DEADLINE_PASSED: never,
  NOT_PROPOSAL_PARTY: never,
  INSUFFICIENT_FUNDS: never,
  INSUFFICIENT_REPUTATION: never,
  CAPTCHA_FAILED: never,
  CAPTCHA_EXPIRED: later,
  LIMIT_REACHED: never,
  BUSY: later,
  STORAGE_UNAVAILABLE: later,
  INTERNAL: later,
} as const satisfies Record<string, { readonly retry: boolean }>

/** Why a request was refused. */
export type ErrorCode = keyof typeof errors

/** Whether a text is a code of this version. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errors, code)
