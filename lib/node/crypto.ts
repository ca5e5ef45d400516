// Signing and verifying with node:crypto: the same results as agentchat/identity, about ten times as fast.
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { IdentityError, agentIdOf, type Identity } from '../identity/index.ts'

/**
 * An identity whose key is parsed once and kept by Node.
 * @throws IdentityError when the PEM is not an Ed25519 private key
 */
export const nodeIdentity = (privateKeyPem: string, { name }: { readonly name?: string } = {}): Identity => {
  const key = ed25519(() => createPrivateKey(privateKeyPem))
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  return {
    publicKey,
    agentId: agentIdOf(publicKey),
    ...(name !== undefined && { name }),
    sign: text => sign(null, Buffer.from(text), key).toString('base64'),
  }
}

/** Whether a signature (standard base64) is the key's over the text's UTF-8 bytes. Never throws. */
export type Verify = (publicPem: string, text: string, signature: string) => boolean

/** A verifier that keeps the keys it parsed last: parsing costs more than verifying. */
export const createVerify = ({ maxKeys = 10_000 }: { readonly maxKeys?: number } = {}): Verify => {
  const keys = new Map<string, KeyObject>()
  const keyOf = (pem: string): KeyObject => {
    const known = keys.get(pem)
    if (known !== undefined) return known
    const key = ed25519(() => createPublicKey(pem))
    if (keys.size >= maxKeys) keys.delete(keys.keys().next().value!)
    keys.set(pem, key)
    return key
  }
  return (publicPem, text, signature) => {
    try {
      const bytes = Buffer.from(signature, 'base64')
      return bytes.length === 64 && bytes.toString('base64') === signature && verify(null, Buffer.from(text), keyOf(publicPem), bytes)
    } catch {
      return false
    }
  }
}

const ed25519 = (parse: () => KeyObject): KeyObject => {
  let key: KeyObject | undefined
  try {
    key = parse()
  } catch {
    // Told below, in the same words for every spelling of "not a key".
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new IdentityError('Not an Ed25519 key in PEM')
  return key
}
