// Checking Ed25519 signatures. Apart from making them, which a client leaves to the identity that it is given.
import { Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { fromBase64, publicKeyBytes } from './pem.ts'
import { littleEndian } from './point.ts'

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
  const k = littleEndian(sha512(concatBytes(r, key, message))) % Point.CURVE().n
  const expected = Point.BASE.multiply(s, false).subtract(Point.fromBytes(key).multiply(k, false)).toBytes()
  return r.every((byte, i) => byte === expected[i])
}
