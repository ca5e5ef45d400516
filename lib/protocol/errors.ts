// The error table: one row per code. `retry` says whether the same request can succeed later without a change.

interface ErrorRow {
  readonly doc: string
  readonly retry: boolean
}
const row = (doc: string, retry = false): ErrorRow => ({ doc, retry })

/** Every code that a relay refuses with: what it means, and whether trying again can help. */
export const errors = {
  INVALID_MSG: row('The frame is not valid: not JSON, an unknown type, a field missing or out of bounds, or a request that makes no '
    + 'sense in this state. The message says which.'),
  AUTH_REQUIRED: row("The request needs a session (IDENTIFY first), a verified agent, the channel's owner, or an admin."),
  INVALID_NAME: row('The name is reserved.'),
  ORIGIN_UNKNOWN: row('The relay does not know that it is reached at the address that was dialled: dial one that it knows, or have its '
    + 'operator name this one in `publicUrls`.'),
  RATE_LIMITED: row('Too many requests; `retry_after_ms` says when to come back.', true),
  NOT_ALLOWED: row('The relay admits only keys on its allowlist, the key was revoked, or the relay knows its id by another key.'),
  BANNED: row('The agent is banned from this relay.'),
  VERIFICATION_FAILED: row('A signature does not verify.'),
  VERIFICATION_EXPIRED: row("The challenge is unknown, used, or too old, or the signed time is too far from the relay's clock.", true),
  SIGNATURE_REQUIRED: row('The request needs an agent with a key.'),
  NO_PUBKEY: row('The other agent has no key.'),
  CHANNEL_NOT_FOUND: row('There is no such channel, or it is private and you are neither in it nor invited: nothing tells the two apart.'),
  CHANNEL_EXISTS: row('The name is taken.'),
  NOT_INVITED: row('You are not a member of the channel; JOIN it first.'),
  HOST_UNKNOWN: row('The name is one at another relay (`#name@host`), and this one passes nothing on to it: connect to that relay.'),
  AGENT_NOT_FOUND: row('No such agent is known, or it has no key and is not connected.'),
  MESSAGE_NOT_FOUND: row('There is no such message, or it is not yours to ask about.'),
  RECEIPT_NOT_FOUND: row('There is no such receipt, or you are no party of it.'),
  ID_REUSED: row('This request id was used before, for another content.'),
  PROPOSAL_NOT_FOUND: row('There is no such proposal, or it is not yours to see.'),
  INVALID_PROPOSAL: row('The step is not possible: the message begins with the reason, e.g. PROPOSAL_NOT_PENDING, '
    + 'NOT_PROPOSAL_RECIPIENT, NOT_PROPOSAL_PARTY, WRONG_STATE, NOT_DUE.'),
  DISPUTE_NOT_FOUND: row('There is no such dispute, or it is not yours to see.'),
  DISPUTE_ALREADY_EXISTS: row('The proposal has a case before the court already, or you filed one and did not reveal.'),
  DISPUTE_NOT_PARTY: row('Only a party of the dispute may do this; of a reveal, only who filed it.'),
  DISPUTE_NOT_ARBITER: row('You have no seat on the panel of this dispute.'),
  DISPUTE_COMMITMENT_MISMATCH: row('The nonce is not what was committed to.'),
  DISPUTE_INVALID_PHASE: row('The dispute is in another phase, or you have done this already; the message says which.'),
  DISPUTE_DEADLINE_PASSED: row('The deadline is over.'),
  NOT_PROPOSAL_PARTY: row('The proposal is between others.'),
  INSUFFICIENT_FUNDS: row('The account does not hold that much.'),
  INSUFFICIENT_REPUTATION: row('The rating of one of the parties does not cover its stake.'),
  CAPTCHA_FAILED: row('The captcha answer is wrong.'),
  CAPTCHA_EXPIRED: row('The captcha was not answered in time.', true),
  LIMIT_REACHED: row('A cap of the relay is reached, or the share that one agent or one address has of it; the message says which, '
    + 'whose, and by which setting.'),
  BUSY: row('The relay is draining, its commit queue is full, or what the request needs is being cleared away.', true),
  STORAGE_UNAVAILABLE: row(
    'The relay cannot write now: a full or failing disk, or little room left for data (large frames are refused first). Nothing was stored; reading still works.',
    true,
  ),
  INTERNAL: row('A fault of the relay, logged there under the incident id in the message. Nothing was stored.', true),
} as const satisfies Record<string, ErrorRow>

/** Why a request was refused. */
export type ErrorCode = keyof typeof errors

/** Whether a text is a code of this version. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errors, code)
