// Ed25519 keys: making, signing, verifying. Works in browsers; Node programs get a faster signer from agentchat/node.
import { Point, etc, getPublicKey, hash, hashes, sign, utils } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { agentIdOf } from './agent-id.ts'
import { fromBase64, privateKeyBytes, privateKeyPem, publicKeyBytes, publicKeyPem, toBase64 } from './pem.ts'

// The library leaves SHA-512 to its user, by this one setting; every import of it here shares the same value.
hashes.sha512 = sha512

/** Who signs: an agent's key, without showing it. */
export interface Identity {
  /** canonical PEM */
  readonly publicKey: string
  /** "@" and 16 hex digits */
  readonly agentId: `@${string}`
  readonly name?: string
  /** Standard base64 of the Ed25519 signature over the text's UTF-8 bytes. */
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
export const identityFrom = (privateKey: string, { name }: { readonly name?: string } = {}): Identity => {
  const seed = privateKeyBytes(privateKey)
  const publicKey = publicKeyPem(getPublicKey(seed))
  return {
    publicKey,
    agentId: agentIdOf(publicKey),
    ...(name !== undefined && { name }),
    sign: text => toBase64(sign(utf8ToBytes(text), seed)),
  }
}

/** Checks a signature: see `verify`. Never throws. */
export type Verify = (publicPem: string, text: string, signature: string) => boolean

/**
 * Whether `signature` (standard base64) is the key's over `text`. Never throws: what cannot be read does not verify.
 * @example verify(me.publicKey, 'hello', me.sign('hello')) // true
 */
export const verify = (publicPem: string, text: string, signature: string): boolean => {
  try {
    const bytes = signature.length === signatureChars ? fromBase64(signature) : undefined
    return bytes?.length === 64 && holds(bytes, utf8ToBytes(text), publicKeyBytes(publicPem))
  } catch {
    return false
  }
}

/** 64 bytes in base64. */
const signatureChars = 88

/**
 * The equation of RFC 8032 §5.1.7 without the cofactor, R = [S]B − [k]A, as node:crypto checks it. The library's own `verify` multiplies
 * by the cofactor, and so takes crafted signatures that Node refuses: the two ends of a wire would disagree. Throws where S is
 * out of range.
 */
const holds = (signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean => {
  const r = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const k = etc.mod(littleEndian(hash(etc.concatBytes(r, key, message))), Point.CURVE().n)
  const expected = Point.BASE.multiply(s, false).subtract(Point.fromBytes(key).multiply(k, false)).toBytes()
  return r.every((byte, i) => byte === expected[i])
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${etc.bytesToHex(bytes.slice().reverse())}`)
