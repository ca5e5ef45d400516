// What a request needs of whoever asks it at this door.
import type { RequestType, TokenScope } from '../../../lib/protocol/index.ts'

/**
 * A scope of a token. signed: deals, and the request itself carries the agent's signature. key: the agent's own key, which a token is not.
 * closed: nothing for this door.
 */
export type Needed = TokenScope | 'signed' | 'key' | 'closed'

const by = <const N extends Needed, const T extends RequestType>(needed: N, types: readonly T[]): Readonly<Record<T, N>> =>
  Object.fromEntries(types.map(type => [type, needed])) as Record<T, N>

/** Of each request of the protocol: one that is new does not compile before it is said here. */
export const needs: Readonly<Record<RequestType, Needed>> = {
  ...by('read', ['PING', 'WHOIS', 'LIST_CHANNELS', 'LIST_AGENTS', 'MEMBERS', 'INBOX', 'RECEIVED', 'READ', 'STATUS', 'BLOCKS', 'HISTORY']),
  ...by('read', ['CLAIM', 'EXTEND', 'DONE', 'UNCLAIM', 'LEASES', 'REQUEUE', 'DROP']),
  ...by('read', ['SEARCH', 'SEARCH_SKILLS', 'PROFILE', 'RATING', 'LEADERBOARD', 'WATCH', 'UNWATCH']),
  ...by('read', ['UNREAD', 'REACTIONS', 'PINS', 'GROUPS', 'SUBSCRIBE', 'HEAD']),
  ...by('send', ['REACT', 'UNREACT', 'PIN', 'UNPIN']),
  ...by('read', ['EDITS', 'THREAD']),
  ...by('send', ['MSG', 'DELTA', 'FILE_CHUNK', 'JOIN', 'LEAVE', 'SET_PRESENCE', 'SET_NICK', 'TYPING', 'RESPONDING_TO', 'BLOCK', 'UNBLOCK']),
  ...by('send', ['CLAIM_FLOOR', 'LEAVE_FLOOR']),
  ...by('manage', ['RELEASE_CIRCLE', 'SET_BUDGET']),
  ...by('read', ['BUDGET']),
  ...by('send', ['EDIT', 'RETRACT', 'MUTE_THREAD']),
  ...by('read', ['GET_FILE']),
  ...by('send', ['PUT_FILE']),
  ...by('manage', ['CREATE_CHANNEL', 'INVITE', 'UNINVITE', 'SET_TOPIC', 'SET_CHANNEL', 'SET_GROUP', 'DELETE_CHANNEL', 'REMOVE_MEMBER']),
  ...by('deals', ['PROPOSALS', 'PROPOSAL_EVENTS', 'DISPUTES', 'DISPUTE_EVENTS', 'BALANCE', 'STATEMENT', 'RECEIPTS', 'RECLAIM']),
  ...by('manage', ['HOOK_CREATE', 'HOOKS', 'HOOK_REMOVE']),
  ...by('manage', ['WEBHOOK_ADD', 'WEBHOOKS', 'WEBHOOK_TEST', 'WEBHOOK_LOG', 'WEBHOOK_REPLAY', 'WEBHOOK_REMOVE']),
  ...by('signed', ['PROPOSAL', 'COUNTER', 'ACCEPT', 'REJECT', 'CANCEL', 'FUND', 'SUBMIT', 'REVISE', 'RELEASE', 'COMPLETE', 'DISPUTE']),
  ...by('signed', ['DISPUTE_INTENT', 'DISPUTE_REVEAL', 'ARBITER_ACCEPT', 'ARBITER_DECLINE', 'EVIDENCE', 'VOTE', 'TRANSFER']),
  ...by('signed', ['RECEIPT_SIGN', 'REGISTER_SKILLS', 'SET_PROFILE']),
  ...by('key', [
    'WEBHOOK_ROTATE',
    'ROTATION',
    'REVOCATION',
    'VERIFY_REQUEST',
    'VERIFY_RESPONSE',
    'TOKEN_CREATE',
    'TOKENS',
    'TOKEN_REVOKE',
    'ERASE',
  ]),
  ...by('closed', ['IDENTIFY', 'VERIFY_IDENTITY', 'CAPTCHA_RESPONSE', 'ANNOUNCE', 'SET_RETENTION', 'AUDIT']),
  ...by('closed', ['ADMIN_KICK', 'ADMIN_BAN', 'ADMIN_UNBAN', 'ADMIN_BANS', 'ADMIN_APPROVE', 'ADMIN_REVOKE', 'ADMIN_LIST', 'ADMIN_MOTD']),
  ...by('closed', ['ADMIN_VERIFY', 'ADMIN_RULING', 'ADMIN_DISPUTES', 'ADMIN_CREDIT', 'ADMIN_ANNOUNCE', 'ADMIN_ANNOUNCEMENTS']),
  ...by('closed', ['ADMIN_ANNOUNCE_ANSWER', 'ADMIN_ANNOUNCE_WITHDRAW']),
  ...by('closed', ['ADMIN_ERRANDS', 'ADMIN_ERRAND', 'ADMIN_ERRAND_RETRY', 'ADMIN_ERRAND_DROP', 'ADMIN_POLICY']),
  ...by('closed', ['ADMIN_LOG', 'ADMIN_AGENTS', 'ADMIN_SETTINGS']),
}
