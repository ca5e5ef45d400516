// The id of an agent is the hash of its key: nobody can hand out an id for a key he does not show.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { canonicalPem } from './pem.ts'

/** Of the keys seen last: each message of an agent brings the same one again. */
const fingerprints = new Map<string, string>()
const maxFingerprints = 256
/** A PEM in its one spelling has 113; with spaces in it it may be any length, and is not kept. */
const maxKeptChars = 128

/**
 * The whole fingerprint of a key: SHA-256 over its canonical PEM, 64 hex digits. It cannot be met by another key; an id, its
 * first quarter, can be by who computes for long enough.
 * @throws IdentityError when the PEM is not an Ed25519 public key
 */
export const fingerprintOf = (publicPem: string): string => {
  const known = fingerprints.get(publicPem)
  if (known !== undefined) return known
  const fingerprint = bytesToHex(sha256(utf8ToBytes(canonicalPem(publicPem))))
  if (publicPem.length > maxKeptChars) return fingerprint
  if (fingerprints.size >= maxFingerprints) fingerprints.clear()
  fingerprints.set(publicPem, fingerprint)
  return fingerprint
}

/**
 * "@" and the first 16 hex digits of the key's fingerprint.
 * @throws IdentityError when the PEM is not an Ed25519 public key
 * @example agentIdOf(identity.publicKey) // "@8addfe276526c9f6"
 */
export const agentIdOf = (publicPem: string): `@${string}` => `@${fingerprintOf(publicPem).slice(0, 16)}`

/** A relay's id: the whole fingerprint of its key. @throws IdentityError on what is no key */
export const serverIdOf: (publicPem: string) => string = fingerprintOf
