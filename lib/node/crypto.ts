// Signing and verifying with node:crypto: the same results as agentchat/identity, about ten times as fast.
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { IdentityError, agentIdOf, canonicalPem, type Identity } from '../identity/index.ts'

/**
 * An identity whose key is parsed once and kept by Node.
 * @throws IdentityError when the PEM is not an Ed25519 private key
 * @example const me = nodeIdentity(readFileSync('key.pem', 'utf8'), { name: 'alice' })
 */
export const nodeIdentity = (privateKeyPem: string, { name }: { readonly name?: string } = {}): Identity => {
  const key = parsePrivateKey(privateKeyPem)
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

/**
 * A verifier that keeps the `maxKeys` keys it used last: parsing costs more than verifying.
 * @example const client = new AgentChatClient({ server, verify: createVerify() })
 */
export const createVerify = ({ maxKeys = 10_000 }: { readonly maxKeys?: number } = {}): Verify => {
  /** By the PEM as given; the key used last stands last. */
  const keys = new Map<string, KeyObject>()
  const keyOf = (pem: string): KeyObject => {
    // Node alone would read certificates and private keys too, and take keys that anyone can sign for.
    const key = keys.get(pem) ?? createPublicKey(canonicalPem(pem))
    keys.delete(pem)
    keys.set(pem, key)
    if (keys.size > maxKeys) keys.delete(keys.keys().next().value!)
    return key
  }
  return (publicPem, text, signature) => {
    try {
      const bytes = signature.length === signatureChars ? Buffer.from(signature, 'base64') : undefined
      return bytes?.length === 64 && bytes.toString('base64') === signature && verify(null, Buffer.from(text), keyOf(publicPem), bytes)
    } catch {
      return false
    }
  }
}

/** 64 bytes in base64. */
const signatureChars = 88

const parsePrivateKey = (pem: string): KeyObject => {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // Told below, in the same words for every kind of "not a key".
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new IdentityError('Not an Ed25519 private key in PEM')
  return key
}
