// One spelling per key: whatever the line breaks of a PEM, ids and comparisons use the spelling that Node writes.
import { IdentityError } from './errors.ts'
import { isPublicKey } from './point.ts'

/** Longest PEM that is looked at; an Ed25519 key needs about 120 characters. */
const maxPemChars = 1_024
/** DER of every Ed25519 SubjectPublicKeyInfo (RFC 8410) up to the 32 bytes of the key. */
const spkiPrefix = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)
/** DER of an Ed25519 PKCS #8 private key up to its 32-byte seed. */
const pkcs8Prefix = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20)
const keyBytes = 32

export const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))

/** Strict standard base64: no white space, right padding, nothing left over. undefined when it is not. */
export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> | undefined => {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const bytes = Uint8Array.from(atob(text), char => char.charCodeAt(0))
  return toBase64(bytes) === text ? bytes : undefined
}

const write = (label: string, prefix: Uint8Array, key: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${toBase64(Uint8Array.of(...prefix, ...key))}\n-----END ${label}-----\n`

const read = (label: string, prefix: Uint8Array, pem: string): Uint8Array<ArrayBuffer> => {
  const refuse = (why: string) => new IdentityError('BAD_KEY', `Not an Ed25519 ${label.toLowerCase()} in PEM: ${why}`)
  if (typeof pem !== 'string' || pem.length > maxPemChars) throw refuse(`not a text of at most ${maxPemChars} characters`)
  const body = new RegExp(`^\\s*-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]*)-----END ${label}-----\\s*$`).exec(pem)?.[1]
  if (body === undefined) throw refuse('no such block')
  const der = fromBase64(body.replace(/\s+/g, ''))
  if (der === undefined) throw refuse('broken base64')
  if (der.length !== prefix.length + keyBytes || prefix.some((byte, i) => der[i] !== byte)) throw refuse('another kind of key')
  return der.slice(prefix.length)
}

interface PublicKey {
  readonly bytes: Uint8Array<ArrayBuffer> /** in the one spelling */
  readonly pem: string
}

/** Keys read of late, by the texts they came in. */
const known = new Map<string, PublicKey>()
const maxKnown = 1_000

const publicKey = (text: string): PublicKey => {
  const found = known.get(text)
  if (found !== undefined) return found
  const bytes = read('PUBLIC KEY', spkiPrefix, text)
  if (!isPublicKey(bytes)) throw new IdentityError('BAD_KEY', 'Not an Ed25519 public key in PEM: no private key belongs to it')
  const key = { bytes, pem: publicKeyPem(bytes) }
  if (known.size >= maxKnown) known.clear()
  known.set(text, key).set(key.pem, key)
  return key
}

/**
 * The 32 bytes of a public key that has a private one.
 * @throws IdentityError for anything but an Ed25519 SPKI public key
 */
export const publicKeyBytes = (pem: string): Uint8Array<ArrayBuffer> => publicKey(pem).bytes.slice()

/** The 32-byte seed of a private key. @throws IdentityError */
export const privateKeyBytes = (pem: string): Uint8Array<ArrayBuffer> => read('PRIVATE KEY', pkcs8Prefix, pem)

export const publicKeyPem = (key: Uint8Array): string => write('PUBLIC KEY', spkiPrefix, key)
export const privateKeyPem = (seed: Uint8Array): string => write('PRIVATE KEY', pkcs8Prefix, seed)

/**
 * The one spelling of a public key: header, one base64 line, footer, line feed.
 * @throws IdentityError for anything but an Ed25519 SPKI public key
 * @example canonicalPem(pem.replaceAll('\n', '\r\n')) === canonicalPem(pem) // true
 */
export const canonicalPem = (pem: string): string => publicKey(pem).pem
