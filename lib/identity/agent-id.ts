// The id of an agent is the hash of its key: nobody can hand out an id for a key he does not show.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalPem } from './pem.ts'

/**
 * "@" and the first 16 hex digits of SHA-256 over the key's canonical PEM.
 * @throws IdentityError when the PEM is not an Ed25519 public key
 * @example agentIdOf(identity.publicKey) // "@8addfe276526c9f6"
 */
export const agentIdOf = (publicPem: string): `@${string}` => `@${bytesToHex(sha256(utf8ToBytes(canonicalPem(publicPem)))).slice(0, 16)}`
