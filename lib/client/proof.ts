// The proof of a key at login: signed for this relay and for now, and never a text that the relay could use elsewhere.
import { agentIdOf, loginText, loginTextV2, type Identity } from '../identity/index.ts'
import type { Frame, RequestInput } from '../protocol/index.ts'
import { ProtocolError } from './errors.ts'

export interface ProofOptions {
  readonly identity: Identity | undefined
  /** The relay's identity, when it is known beforehand: the key signs for no other. */
  readonly serverId: string | undefined
  /** ms since 1970 */
  readonly now: () => number
}

/** @throws ProtocolError NO_IDENTITY, RELAY_CHANGED; IdentityError on a nonce that is none */
export const proofOf = (
  { challenge_id: challengeId, nonce, server_id: serverId }: Frame<'CHALLENGE'>,
  { identity, serverId: expected, now }: ProofOptions,
): RequestInput<'VERIFY_IDENTITY'> => {
  if (identity === undefined) throw new ProtocolError('NO_IDENTITY', 'The relay asks for a key that this client did not offer')
  if (expected !== undefined && serverId !== expected)
    throw new ProtocolError('RELAY_CHANGED',
      `The relay shows another identity than expected (${serverId ?? 'none'} instead of ${expected}); not logging in`)
  const timestamp = now()
  const text = serverId === undefined
    ? loginText({ nonce, challengeId, timestamp })
    : loginTextV2({ serverId, nonce, challengeId, timestamp })
  return { challenge_id: challengeId, signature: identity.sign(text), timestamp, ...(serverId !== undefined && { sig_v: 2 }) }
}

/** The public part of an identity, as IDENTIFY carries it. @throws ProtocolError when id and key do not fit */
export const publicKeyOf = (identity: Identity): string => {
  if (agentIdOf(identity.publicKey) !== identity.agentId)
    throw new ProtocolError('BAD_IDENTITY', "The identity's id is not that of its key")
  return identity.publicKey
}
