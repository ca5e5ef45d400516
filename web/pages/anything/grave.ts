// Requests that are asked about once more: what cannot be taken back, and what moves money or binds to it.
import type { RequestType } from '../../../lib/protocol/index.ts'

export type Grave = 'final' | 'money'

const all = <const G extends Grave>(grave: G, types: readonly RequestType[]) => types.map(type => [type, grave] as const)

const graves: ReadonlyMap<string, Grave> = new Map([
  ...all('final', ['DELETE_CHANNEL', 'ERASE', 'RETRACT', 'ROTATION', 'REVOCATION', 'TOKEN_REVOKE', 'HOOK_REMOVE', 'WEBHOOK_REMOVE']),
  ...all('final', ['WEBHOOK_ROTATE', 'SET_RETENTION', 'DROP', 'REMOVE_MEMBER', 'ADMIN_KICK', 'ADMIN_BAN', 'ADMIN_REVOKE', 'ADMIN_MOTD']),
  ...all('final', ['ADMIN_ANNOUNCE', 'ADMIN_ANNOUNCE_WITHDRAW', 'ADMIN_ERRAND_DROP', 'VOTE', 'DISPUTE_REVEAL', 'REJECT', 'CANCEL']),
  ...all('money', ['PROPOSAL', 'COUNTER', 'ACCEPT', 'FUND', 'RELEASE', 'COMPLETE', 'DISPUTE', 'DISPUTE_INTENT', 'TRANSFER', 'RECLAIM']),
  ...all('money', ['RECEIPT_SIGN', 'ADMIN_CREDIT', 'ADMIN_RULING', 'SET_BUDGET']),
])

/** undefined: it can be undone, or only asks. */
export const graveOf = (type: string): Grave | undefined => graves.get(type)
