// Signatures checked by the browser itself, beside the page: what is scrolled through is checked while it is shown.
import { verify as verifyHere } from '../../lib/identity/index.ts'
import { fromBase64, publicKeyBytes } from '../../lib/identity/pem.ts'
import type { VerifySignature } from '../../lib/index.ts'

const algorithm = { name: 'Ed25519' } as const
const keys = new Map<string, Promise<CryptoKey>>()
const maxKeys = 1_000

/** @throws IdentityError on what is no key; where this browser knows no Ed25519 */
const keyOf = (pem: string): Promise<CryptoKey> => {
  let key = keys.get(pem)
  if (key === undefined) {
    key = crypto.subtle.importKey('raw', publicKeyBytes(pem), algorithm, false, ['verify'])
    if (keys.size >= maxKeys) keys.clear()
    keys.set(pem, key)
  }
  return key
}

/** The same answers as the library's own check, which it falls back to. */
export const verifyBeside: VerifySignature = async (pem, text, signature) => {
  const bytes = fromBase64(signature)
  if (bytes?.length !== 64) return false
  try {
    return await crypto.subtle.verify(algorithm, await keyOf(pem), bytes, new TextEncoder().encode(text))
  } catch {
    return verifyHere(pem, text, signature)
  }
}
