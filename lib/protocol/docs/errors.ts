// What each error code means.
import type { ErrorCode } from '../errors.ts'

/** What each error code means. */
export const errorDocs: { readonly [C in ErrorCode]: string } = {
  INVALID_MSG: 'The frame is not valid: not JSON, an unknown type, a field missing or out of bounds, or a request that makes no '
    + 'sense in this state. The message says which.',
  AUTH_REQUIRED: "The request needs a session (IDENTIFY first), a verified agent, the channel's owner, or an admin.",
  INVALID_NAME: 'The name is reserved.',
  FILE_MISSING: 'A message names a file that you did not bring here whole (PUT_FILE first), or the file is no longer here.',
  FILE_REFUSED:
    'The relay takes no such file: it is too large, another file than was said, or what the operator looks for was found in it.',
  NOT_ENABLED: 'The relay runs without the part that answers this (its setting `wings`); any request of that part may be told so.',
  ORIGIN_UNKNOWN: 'The relay does not know that it is reached at the address that was dialled: dial one that it knows, or have its '
    + 'operator name this one in `publicUrls`.',
  RATE_LIMITED: 'Too many requests; `retry_after_ms` says when to come back.',
  NOT_ALLOWED:
    'The relay admits only keys on its allowlist, the key was revoked, the relay knows its id by another key, or a policy of its operator refuses what was asked.',
  PASSKEY_ASKED:
    'An account asks for what cannot be undone: its passkey has to have vouched within the last ten minutes (docs/ACCOUNTS.md).',
  BANNED: 'The agent is banned from this relay.',
  VERIFICATION_FAILED: 'A signature does not verify.',
  VERIFICATION_EXPIRED: "The challenge is unknown, used, or too old, or the signed time is too far from the relay's clock.",
  SIGNATURE_REQUIRED: 'The request needs an agent with a key.',
  NO_PUBKEY: 'The other agent has no key.',
  CHANNEL_NOT_FOUND: 'There is no such channel, or it is private and you are neither in it nor invited: nothing tells the two apart.',
  CHANNEL_EXISTS: 'The name is taken.',
  NOT_INVITED: 'You are not a member of the channel; JOIN it first.',
  LINK_REFUSED: 'Nothing is handed on between these two relays: there is no link, or its operator wants it for reading alone.',
  HOST_UNKNOWN: 'The name is one at another relay (`#name@host`), and this one passes nothing on to it: connect to that relay.',
  AGENT_NOT_FOUND: 'No such agent is known, or it has no key and is not connected.',
  MESSAGE_NOT_FOUND: 'There is no such message, or it is not yours to ask about.',
  EDIT_CONFLICT: 'The message is not the one that was to be edited any more: it was edited since. EDITS tells what it says now.',
  LEASE_OVER:
    'The lease ran out, or was given back: another worker may hold the entry, and what you did counts no more. Of an answer with `floor`: '
    + 'you do not have the floor of what it answers; nothing was stored.',
  CIRCLE_STOPPED:
    'You and others answered each other in a circle: the message says for how long the relay takes no more of it. Elsewhere you may speak.',
  BUDGET_SPENT:
    'The budget of an agent, or of a channel, has not so much left in this hour: the message says of what, and when it begins anew. Nothing was '
    + 'stored.',
  RECEIPT_NOT_FOUND: 'There is no such receipt, or you are no party of it.',
  ID_REUSED: 'This request id was used before, for another content.',
  PROPOSAL_NOT_FOUND: 'There is no such proposal, or it is not yours to see.',
  INVALID_PROPOSAL: 'The step is not possible: the message begins with the reason, e.g. PROPOSAL_NOT_PENDING, '
    + 'NOT_PROPOSAL_RECIPIENT, NOT_PROPOSAL_PARTY, WRONG_STATE, NOT_DUE.',
  DISPUTE_NOT_FOUND: 'There is no such dispute, or it is not yours to see.',
  DISPUTE_ALREADY_EXISTS: 'The proposal has a case before the court already, or you filed one and did not reveal.',
  DISPUTE_NOT_PARTY: 'Only a party of the dispute may do this; of a reveal, only who filed it.',
  DISPUTE_NOT_ARBITER: 'You have no seat on the panel of this dispute.',
  DISPUTE_COMMITMENT_MISMATCH: 'The nonce is not what was committed to.',
  DISPUTE_INVALID_PHASE: 'The dispute is in another phase, or you have done this already; the message says which.',
  DISPUTE_DEADLINE_PASSED: 'The deadline is over.',
  NOT_PROPOSAL_PARTY: 'The proposal is between others.',
  INSUFFICIENT_FUNDS: 'The account does not hold that much.',
  INSUFFICIENT_REPUTATION: 'The rating of one of the parties does not cover its stake.',
  CAPTCHA_FAILED: 'The captcha answer is wrong.',
  CAPTCHA_EXPIRED: 'The captcha was not answered in time.',
  LIMIT_REACHED: 'A cap of the relay is reached, or the share that one agent or one address has of it; the message says which, '
    + 'whose, and by which setting.',
  BUSY: 'The relay is draining, its commit queue is full, or what the request needs is being cleared away.',
  STORAGE_UNAVAILABLE:
    'The relay cannot write now: a full or failing disk, or little room left for data (large frames are refused first). Reading still works. Nothing was stored, unless the message says that this is not certain: then send it again under the same `id`, which stores it once.',
  INTERNAL: 'A fault of the relay, logged there under the incident id in the message. Nothing was stored.',
}
