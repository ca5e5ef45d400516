// Signing and verifying with node:crypto: the same results as agentchat/identity, about ten times as fast.
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { IdentityError, agentIdOf, publicKeyBytes, type LocalIdentity, type Verify } from '../identity/index.ts'

/**
 * An identity whose key is parsed once and kept by Node.
 * @throws IdentityError when the PEM is not an Ed25519 private key
 * @example const me = nodeIdentity(readFileSync('key.pem', 'utf8'), { name: 'alice' })
 */
export const nodeIdentity = (privateKeyPem: string, { name }: { readonly name?: string } = {}): LocalIdentity => {
  const key = parsePrivateKey(privateKeyPem)
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
  return {
    publicKey,
    agentId: agentIdOf(publicKey),
    ...(name !== undefined && { name }),
    sign: text => sign(null, Buffer.from(text), key).toString('base64'),
  }
}

/**
 * Signs with a key on a thread of Node's pool: the event loop goes on meanwhile.
 * @throws IdentityError when the PEM is not an Ed25519 private key
 */
export const createSignAsync = (privateKeyPem: string): (text: string) => Promise<string> => {
  const key = parsePrivateKey(privateKeyPem)
  return text =>
    new Promise((resolve, reject) => {
      sign(null, Buffer.from(text), key, (error, signature) => error === null ? resolve(signature.toString('base64')) : reject(error))
    })
}

/** A `Verify` on a thread of Node's pool: the event loop goes on meanwhile. Never rejects. */
export type VerifyAsync = (...asked: Parameters<Verify>) => Promise<boolean>

/** How signatures are checked on Node. */
export interface VerifyOptions {
  /** Keys that are kept parsed (default 10,000), the ones used last: parsing costs more than verifying. */
  readonly maxKeys?: number
}

/**
 * A verifier for one signature now and then.
 * @example const client = new AgentChatClient({ server, verify: createVerify() })
 */
export const createVerify = (options: VerifyOptions = {}): Verify => {
  const keyOf = keyCache(options)
  return (publicPem, text, signature) => {
    try {
      const bytes = signatureBytes(signature)
      return bytes !== undefined && verify(null, Buffer.from(text), keyOf(publicPem), bytes)
    } catch {
      return false
    }
  }
}

/** A verifier for many signatures: they are checked beside each other, off the caller's thread. */
export const createVerifyAsync = (options: VerifyOptions = {}): VerifyAsync => {
  const keyOf = keyCache(options)
  return (publicPem, text, signature) =>
    new Promise(resolve => {
      try {
        const bytes = signatureBytes(signature)
        if (bytes === undefined) resolve(false)
        else verify(null, Buffer.from(text), keyOf(publicPem), bytes, (error, isValid) => resolve(error === null && isValid))
      } catch {
        resolve(false)
      }
    })
}

const keyCache = ({ maxKeys = 10_000 }: VerifyOptions): (pem: string) => KeyObject => {
  /** By the PEM as given; the key used last stands last. */
  const keys = new Map<string, KeyObject>()
  return pem => {
    const key = keys.get(pem) ?? parsePublicKey(pem)
    keys.delete(pem)
    keys.set(pem, key)
    if (keys.size > maxKeys) keys.delete(keys.keys().next().value!)
    return key
  }
}

const signatureBytes = (signature: string): Buffer | undefined => {
  const bytes = signature.length === signatureChars ? Buffer.from(signature, 'base64') : undefined
  return bytes?.length === 64 && bytes.toString('base64') === signature ? bytes : undefined
}

/** 64 bytes in base64. */
const signatureChars = 88

/**
 * Node alone would read certificates and private keys too, and take keys that anyone can sign for. From a PEM it takes ten
 * times as long as from the bytes.
 */
const parsePublicKey = (pem: string): KeyObject =>
  createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKeyBytes(pem)).toString('base64url') } })

const parsePrivateKey = (pem: string): KeyObject => {
  let key: KeyObject | undefined
  try {
    key = createPrivateKey(pem)
  } catch {
    // Told below, in the same words for every kind of "not a key".
  }
  if (key?.asymmetricKeyType !== 'ed25519') throw new IdentityError('BAD_KEY', 'Not an Ed25519 private key in PEM')
  return key
}
