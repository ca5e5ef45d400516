// Whether 32 bytes are a public key, told without finding its point: that takes a root, which costs as much as checking a signature,
// and whether there is one takes a sixth of it. Each login shows a key.
import { Point } from '@noble/ed25519'
import { bytesToHex } from '@noble/hashes/utils.js'

const { p, d } = Point.CURVE()
const signBit = 1n << 255n

/** The number that bytes spell, the lowest first. */
export const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${bytesToHex(bytes.slice().reverse())}`)

/**
 * Whether a point of the curve is spelled so, in its one way (RFC 8032 §5.1.3). Points of small order are no keys: anyone can make
 * signatures that verify under them.
 */
export const isPublicKey = (key: Uint8Array): boolean => {
  const y = littleEndian(key) % signBit
  if (y >= p) return false
  // The curve: x² = above / below.
  const y2 = y * y % p
  const above = y2 - 1n
  const below = d * y2 + 1n
  // Order 1 and 2 is x = 0, order 4 is y = 0, order 8 is x² = −y².
  if (above === 0n || y2 === 0n || (above + y2 * below) % p === 0n) return false
  // A quotient is a square where the product is.
  return isSquare(above * below % p)
}

/** Whether a number other than 0 has a root modulo p: the Jacobi symbol, found as the greatest common divisor is. */
const isSquare = (number: bigint): boolean => {
  let top = number
  let bottom = p
  let isOne = true
  while (top !== 0n) {
    while ((top & 1n) === 0n) {
      top >>= 1n
      // Of 2, by the other number modulo 8.
      const rest = bottom & 7n
      if (rest === 3n || rest === 5n) isOne = !isOne
    }
    // Reciprocity.
    if ((top & bottom & 3n) === 3n) isOne = !isOne
    ;[top, bottom] = [bottom % top, top]
  }
  return isOne
}
