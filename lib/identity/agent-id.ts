// The id of an agent is the hash of its key: nobody can hand out an id for a key he does not show.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalPem } from './pem.ts'

/**
 * The whole fingerprint of a key: SHA-256 over its canonical PEM, 64 hex digits. It cannot be met by another key; an id, its
 * first quarter, can be by who computes for long enough.
 * @throws IdentityError when the PEM is not an Ed25519 public key
 */
export const fingerprintOf = (publicPem: string): string => bytesToHex(sha256(utf8ToBytes(canonicalPem(publicPem))))

/**
 * "@" and the first 16 hex digits of the key's fingerprint.
 * @throws IdentityError when the PEM is not an Ed25519 public key
 * @example agentIdOf(identity.publicKey) // "@8addfe276526c9f6"
 */
export const agentIdOf = (publicPem: string): `@${string}` => `@${fingerprintOf(publicPem).slice(0, 16)}`

/** A relay's id: the whole fingerprint of its key. @throws IdentityError on what is no key */
export const serverIdOf: (publicPem: string) => string = fingerprintOf
