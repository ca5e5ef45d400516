// Ed25519 keys: making, signing. Works in browsers; Node programs get a faster signer from agentchat/node.
import { getPublicKey, hashes, sign, utils } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { agentIdOf } from './agent-id.ts'
import type { Awaitable } from './awaitable.ts'
import { privateKeyBytes, privateKeyPem, publicKeyPem, toBase64 } from './pem.ts'

// The library leaves SHA-512 to its user, by this one setting; every import of it here shares the same value.
hashes.sha512 = sha512

/** Who signs: an agent's key, without showing it. */
export interface Identity {
  /** canonical PEM */
  readonly publicKey: string
  /** "@" and 16 hex digits */
  readonly agentId: `@${string}`
  readonly name?: string
  /** Standard base64 of the Ed25519 signature over the text's UTF-8 bytes; a key that a browser keeps takes its time. */
  sign(text: string): Awaitable<string>
}

/** An identity whose key is in this process: it signs at once. */
export interface LocalIdentity extends Identity {
  sign(text: string): string
}

/** Both halves of a key, as PEM. */
export interface KeyPair {
  /** PEM, SPKI */ readonly publicKey: string /** PEM, PKCS #8 */
  readonly privateKey: string
}

/**
 * A new key pair. `random` gives the 32 bytes of the private key; default: the system's randomness.
 * @example const { publicKey, privateKey } = generateKeyPair()
 */
export const generateKeyPair = (random: () => Uint8Array = utils.randomSecretKey): KeyPair => {
  const seed = random()
  return { publicKey: publicKeyPem(getPublicKey(seed)), privateKey: privateKeyPem(seed) }
}

/**
 * An identity from a private key.
 * @throws IdentityError when the PEM is not an Ed25519 private key
 * @example const me = identityFrom(generateKeyPair().privateKey, { name: 'alice' })
 */
export const identityFrom = (privateKey: string, { name }: { readonly name?: string } = {}): LocalIdentity => {
  const seed = privateKeyBytes(privateKey)
  const publicKey = publicKeyPem(getPublicKey(seed))
  return {
    publicKey,
    agentId: agentIdOf(publicKey),
    ...(name !== undefined && { name }),
    sign: text => toBase64(sign(utf8ToBytes(text), seed)),
  }
}
