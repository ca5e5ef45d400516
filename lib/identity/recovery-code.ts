// A recovery code: 160 random bits on paper. It closes the person's key, and by another secret that is made of it somebody signs in;
// the relay is told of neither what opens the key nor the code.
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { toBase64Url } from './base64url.ts'
import { IdentityError } from './errors.ts'

/** Crockford's base 32: none of its signs is taken for another. */
const signs = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const codeBytes = 20
const groupChars = 4
/** 160 bits, and five of a check sum. */
const codeChars = codeBytes * 8 / 5 + 1
const maxTypedChars = 100

/** A new one, like "7K3D-9QXM-…": shown once, and kept by its owner. `random` gives 20 bytes. */
export const newRecoveryCode = (random: () => Uint8Array = () => crypto.getRandomValues(new Uint8Array(codeBytes))): string => {
  const bytes = random()
  const body = signsOf(bytes)
  const text = body + checkOf(bytes)
  return Array.from({ length: Math.ceil(text.length / groupChars) }, (_, i) => text.slice(i * groupChars, (i + 1) * groupChars)).join('-')
}

/**
 * What was typed: small letters, spaces and what looks alike do not matter.
 * @throws IdentityError BAD_KEY: it is none, or a sign of it is wrong
 */
export const readRecoveryCode = (typed: string): Uint8Array<ArrayBuffer> => {
  if (typed.length > maxTypedChars) throw notACode()
  const text = typed.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1')
  if (text.length !== codeChars || [...text].some(sign => !signs.includes(sign))) throw notACode()
  const bytes = new Uint8Array(codeBytes)
  let [held, bits, at] = [0, 0, 0]
  for (const sign of text.slice(0, -1)) {
    held = (held << 5 | signs.indexOf(sign)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >> bits & 0xff
  }
  if (checkOf(bytes) !== text.at(-1)) throw notACode()
  return bytes
}

/** What the key is closed by: for `wrapKey` and `unwrapKey`. */
export const recoverySecret = (code: Uint8Array): Uint8Array => derived(code, 'key')

/** What its owner signs in by where no passkey is: the relay keeps the SHA-256 of it. */
export const recoveryProof = (code: Uint8Array): string => toBase64Url(derived(code, 'sign in'))

const derived = (code: Uint8Array, use: string): Uint8Array =>
  hkdf(sha256, code, undefined, utf8ToBytes(`AGENTCHAT_RECOVERY_V1|${use}`), 32)

const signsOf = (bytes: Uint8Array): string => {
  let [text, held, bits] = ['', 0, 0]
  for (const byte of bytes) {
    held = (held << 8 | byte) & 0xfff
    bits += 8
    for (; bits >= 5; bits -= 5) text += signs[held >> bits - 5 & 31]
  }
  return text
}

const checkOf = (bytes: Uint8Array): string => signs[sha256(bytes)[0]! & 31]!

const notACode = (): IdentityError =>
  new IdentityError('BAD_KEY', 'Not a recovery code: it has 33 letters and digits, and one may be wrong')
