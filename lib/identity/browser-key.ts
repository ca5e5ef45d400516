// A key that a browser keeps and does not show: Ed25519 by WebCrypto, not extractable. Who reads the page's memory or storage can use
// it while he is there, and cannot take it along.
import { agentIdOf } from './agent-id.ts'
import { IdentityError } from './errors.ts'
import { identityFrom, type Identity } from './keys.ts'
import { publicKeyPem, toBase64 } from './pem.ts'

type WebKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** What a browser stores of a key: both fit into IndexedDB as they are. */
export interface BrowserKey {
  /** canonical PEM */
  readonly publicKey: string
  /** signs, and cannot be exported */
  readonly privateKey: WebKey
}

const algorithm = { name: 'Ed25519' } as const

/**
 * A new key. `seal` is shown its PKCS #8 bytes once, and its public half, to wrap it for another browser; the bytes are overwritten when it is done.
 * @throws IdentityError BAD_KEY where this browser knows no Ed25519
 * @example const key = await makeBrowserKey(); const me = browserKey(key, { name: 'ada' })
 */
export const makeBrowserKey = async (seal?: (pkcs8: Uint8Array<ArrayBuffer>, publicKey: string) => unknown): Promise<BrowserKey> => {
  const subtle = (globalThis.crypto as typeof crypto | undefined)?.subtle
  // Only pages by https and of this machine have it.
  if (subtle === undefined) throw new IdentityError('BAD_KEY', 'There are no keys for pages that come over plain http: open it by https')
  let pair: { readonly publicKey: WebKey, readonly privateKey: WebKey }
  try {
    pair = await subtle.generateKey(algorithm, true, ['sign', 'verify']) as typeof pair
  } catch (error) {
    throw new IdentityError('BAD_KEY', `This browser makes no Ed25519 keys: ${(error as Error).message}`)
  }
  const publicKey = publicKeyPem(new Uint8Array(await subtle.exportKey('raw', pair.publicKey)))
  const pkcs8 = new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey))
  try {
    await seal?.(pkcs8, publicKey)
    return await importBrowserKey(pkcs8)
  } finally {
    pkcs8.fill(0)
  }
}

/** A key from its PKCS #8 bytes, as `seal` was shown them; overwrite them behind it. @throws IdentityError on what is no such key */
export const importBrowserKey = async (pkcs8: Uint8Array<ArrayBuffer>): Promise<BrowserKey> => {
  const pem = `-----BEGIN PRIVATE KEY-----\n${toBase64(pkcs8)}\n-----END PRIVATE KEY-----\n`
  const { publicKey } = identityFrom(pem)
  try {
    return { publicKey, privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']) }
  } catch (error) {
    throw new IdentityError('BAD_KEY', `No Ed25519 private key: ${(error as Error).message}`)
  }
}

/** The identity of a key that a browser keeps. @throws IdentityError when the public half is none */
export const browserKey = ({ publicKey, privateKey }: BrowserKey, { name }: { readonly name?: string } = {}): Identity => ({
  publicKey,
  agentId: agentIdOf(publicKey),
  ...(name !== undefined && { name }),
  sign: async text => toBase64(new Uint8Array(await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(text)))),
})
