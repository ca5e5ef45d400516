// Whether an identity is what it says: its id is that of its key.
import { agentIdOf, type Identity } from '../identity/index.ts'
import { ProtocolError } from './errors.ts'

/** @throws ProtocolError when id and key of an identity do not fit */
export const checkIdentity = (identity: Identity): void => {
  if (agentIdOf(identity.publicKey) !== identity.agentId)
    throw new ProtocolError('BAD_IDENTITY', "The identity's id is not that of its key")
}
