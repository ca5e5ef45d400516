// Refusals over HTTP: the status of each code, and the document that says why (RFC 9457).
import { errorDocs, type ErrorCode } from '../../../lib/protocol/index.ts'
import { Fail } from '../../relay/inside.ts'
import { BusyError, StorageError } from '../../store/store.ts'

/** What HTTP itself refuses, beside the codes of the protocol. */
export const ownCodes = {
  NOT_FOUND: { status: 404, doc: 'There is nothing at this path.' },
  METHOD_NOT_ALLOWED: { status: 405, doc: 'This path is asked by other methods: see Allow.' },
  BODY_LATE: { status: 408, doc: 'The body did not arrive in time.' },
  BODY_TOO_LARGE: { status: 413, doc: 'The body is larger than a request may be.' },
  KEY_RUNNING: { status: 409, doc: 'A request under the same Idempotency-Key is still being answered.' },
  NOT_JSON: { status: 415, doc: 'A body is JSON, and says so: content-type: application/json.' },
  NOT_ACCEPTABLE: { status: 406, doc: 'What Accept asks for is not what there is here.' },
  CAPTCHA_ASKED: { status: 401, doc: 'A newcomer answers the question first.' },
  TOKEN_INVALID: { status: 401, doc: 'There is no such token, or it has ended.' },
  SIGNATURE_INVALID: { status: 401, doc: 'The signature of the request is not one of the profile, or not that of its key.' },
  HOOK_INVALID: { status: 401, doc: 'What was posted to a hook is not signed by its secret, or not now.' },
  HOOK_OVER: { status: 410, doc: 'The hook has ended with the key that made it.' },
  FOREIGN_ORIGIN: { status: 403, doc: 'This is asked from a page of the relay itself alone.' },
  SCOPE_MISSING: { status: 403, doc: 'The token does not have the scope that this needs.' },
} as const
export type OwnCode = keyof typeof ownCodes
export type ProblemCode = ErrorCode | OwnCode

const statuses: Readonly<Record<ErrorCode, number>> = {
  INVALID_MSG: 400,
  INVALID_NAME: 400,
  ORIGIN_UNKNOWN: 400,
  HOST_UNKNOWN: 400,
  LINK_REFUSED: 403,
  AUTH_REQUIRED: 401,
  VERIFICATION_EXPIRED: 401,
  NOT_ALLOWED: 403,
  PASSKEY_ASKED: 403,
  BANNED: 403,
  NOT_INVITED: 403,
  SIGNATURE_REQUIRED: 403,
  VERIFICATION_FAILED: 403,
  NOT_PROPOSAL_PARTY: 403,
  DISPUTE_NOT_PARTY: 403,
  DISPUTE_NOT_ARBITER: 403,
  CAPTCHA_FAILED: 403,
  CAPTCHA_EXPIRED: 403,
  NOT_ENABLED: 404,
  CHANNEL_NOT_FOUND: 404,
  AGENT_NOT_FOUND: 404,
  MESSAGE_NOT_FOUND: 404,
  RECEIPT_NOT_FOUND: 404,
  FILE_MISSING: 404,
  PROPOSAL_NOT_FOUND: 404,
  DISPUTE_NOT_FOUND: 404,
  CHANNEL_EXISTS: 409,
  FILE_REFUSED: 409,
  NO_PUBKEY: 409,
  INVALID_PROPOSAL: 409,
  LIMIT_REACHED: 409,
  INSUFFICIENT_FUNDS: 409,
  INSUFFICIENT_REPUTATION: 409,
  DISPUTE_ALREADY_EXISTS: 409,
  DISPUTE_COMMITMENT_MISMATCH: 409,
  DISPUTE_INVALID_PHASE: 409,
  DISPUTE_DEADLINE_PASSED: 409,
  EDIT_CONFLICT: 409,
  LEASE_OVER: 409,
  CIRCLE_STOPPED: 409,
  BUDGET_SPENT: 409,
  ID_REUSED: 422,
  RATE_LIMITED: 429,
  BUSY: 503,
  STORAGE_UNAVAILABLE: 503,
  INTERNAL: 500,
}

const isOwn = (code: string): code is OwnCode => Object.hasOwn(ownCodes, code)

export const statusOf = (code: ProblemCode): number => isOwn(code) ? ownCodes[code].status : statuses[code]

/** What a code means, in a sentence; undefined: there is no such code. */
export const meaningOf = (code: string): string | undefined =>
  isOwn(code) ? ownCodes[code].doc : Object.hasOwn(statuses, code) ? errorDocs[code as ErrorCode] : undefined

/** Why something is not done, to be told. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly retryAfterMs: number | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Members of its own. */
  readonly more: object

  constructor(
    code: ProblemCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    retryAfterMs?: number,
    more: object = {},
  ) {
    super(message)
    this.code = code
    this.headers = headers
    this.retryAfterMs = retryAfterMs
    this.more = more
  }

  /** The same, with more of what is sent beside it. */
  with(headers: Readonly<Record<string, string>>): Problem {
    return new Problem(this.code, this.message, { ...this.headers, ...headers }, this.retryAfterMs, this.more)
  }

  get status(): number {
    return statusOf(this.code)
  }

  get body(): string {
    return JSON.stringify({
      type: `/v1/errors/${this.code}`,
      title: this.code,
      status: this.status,
      detail: this.message,
      code: this.code,
      ...(this.retryAfterMs !== undefined && { retry_after_ms: this.retryAfterMs }),
      ...(this.code === 'INTERNAL' && instanceIn(this.message)),
      ...this.more,
    })
  }
}

/** Of a fault: which entry of the relay's log its operator has to look for. */
const instanceIn = (message: string): { readonly instance: string } | undefined => {
  const [, incident] = /\bincident ([0-9a-f]{12})\b/.exec(message) ?? []
  return incident === undefined ? undefined : { instance: `urn:agentchat:incident:${incident}` }
}

const storageRetryMs = 1_000

/** A refusal of the relay's, or of its storage's where a door asked that itself; undefined: a fault. */
export const problemOf = (error: unknown): Problem | undefined =>
  error instanceof Problem
    ? error
    : error instanceof Fail
    ? new Problem(error.code, error.message, {}, error.retryAfterMs)
    : error instanceof BusyError
    ? new Problem('BUSY', error.message, {}, storageRetryMs)
    : error instanceof StorageError
    ? new Problem('STORAGE_UNAVAILABLE', 'The relay cannot reach its storage now', {}, storageRetryMs)
    : undefined

/** The same for a door that tells refusals in its own way; gives a fault as it is. */
export const refusalOf = (error: unknown): unknown => {
  const problem = problemOf(error)
  if (problem === undefined) return error
  const { status, headers, message: title, retryAfterMs } = problem
  return {
    status,
    title,
    headers: { ...headers, ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }) },
  }
}
