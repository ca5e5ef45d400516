// What a request needs of whoever asks it at this door: it follows from the right that it takes.
import { rights, type ByToken, type Right } from '../../../lib/access/table.ts'
import { requests, type RequestType } from '../../../lib/protocol/index.ts'

/**
 * A scope of a token. signed: deals, and the request itself carries the agent's signature. key: the agent's own key, which a token is not.
 * closed: nothing for this door.
 */
export type Needed = Exclude<ByToken, 'none'>

export const needs = Object.fromEntries(
  Object.entries(requests).map(([type, { may }]) => [type, rights[may].token]),
) as Readonly<Record<RequestType, Needed>>

const ofOperators = 'an operator asks it on a session: as an admin agent, or with the admin key'

/** Why the rights that no request over HTTP has are for sessions alone. */
const reasons: Readonly<Partial<Record<Right, string>>> = {
  'session.open': 'opens a session; over HTTP a token or a signature says who asks',
  'directory.announce': 'a relay announces itself on a session of its own key',
  'link.hand': 'between linked relays, which hold a session',
  'link.witness': 'a witness holds a session, and is told there what to cosign',
}

/** Of a request that is not asked at this door: why; undefined: it is. */
export const closedReason = (type: RequestType): string | undefined =>
  needs[type] === 'closed' ? reasons[requests[type].may] ?? ofOperators : undefined
