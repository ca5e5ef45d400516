// What a request needs of whoever asks it at this door: it follows from the right that it takes.
import { rights, type ByToken } from '../../../lib/access/table.ts'
import { requests, type RequestType } from '../../../lib/protocol/index.ts'

/**
 * A scope of a token. signed: deals, and the request itself carries the agent's signature. key: the agent's own key, which a token is not.
 * closed: nothing for this door.
 */
export type Needed = Exclude<ByToken, 'none'>

export const needs = Object.fromEntries(
  Object.entries(requests).map(([type, { may }]) => [type, rights[may].token]),
) as Readonly<Record<RequestType, Needed>>
