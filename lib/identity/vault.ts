// A person's key for the vault of a relay: closed in the browser, by what the relay never has, so that it keeps what it cannot open.
// HKDF-SHA-256 makes an AES-256-GCM key of a secret; whose key it is, and at which relay, is bound to both.
import { canonicalJson } from './canonical.ts'
import { IdentityError } from './errors.ts'
import { fromBase64Url, toBase64Url } from './base64url.ts'

/** By what it is closed: the output of a passkey's PRF, a recovery code, or a browser that hands it to another. */
export type WrapKind = 'prf' | 'recovery' | 'link'

/** Whose key it is. A wrap that the relay shows to somebody else, or as somebody else's, does not open. */
export interface WrapContext {
  /** The relay's id, as WELCOME tells it. */
  readonly relay: string
  /** "~" and 16 hex digits. */
  readonly account: string
  /** Whose key it is: "@" and 16 hex digits. */
  readonly agent: string
}

interface Wrap {
  readonly v: 1
  readonly kind: WrapKind
  readonly salt: string
  readonly iv: string
  readonly data: string
}

/** Far above what a key takes. */
const maxWrapChars = 2_048
const minSecretBytes = 16

/**
 * What a passkey's PRF is asked of, for keys of a relay: the same for every account, because who signs in is not known before.
 * @example extensions: { prf: { eval: { first: prfInput(relayId) } } }
 */
export const prfInput = (relay: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`AGENTCHAT_PRF_V1|${relay}`)

/**
 * Closes a key. Keep `pkcs8` no longer than this takes, and the secret nowhere.
 * @param pkcs8 the private key, DER of PKCS #8, at most 1,024 bytes
 * @param secret 16 bytes or more that cannot be guessed: the 32 of a PRF, the ones of a recovery code
 * @throws IdentityError UNSAFE: a secret that is too short
 */
export const wrapKey = async (pkcs8: Uint8Array, secret: Uint8Array, kind: WrapKind, context: WrapContext): Promise<string> => {
  const [salt, iv] = [random(32), random(12)]
  const bound = boundTo(kind, context)
  const key = await keyOf(secret, salt, bound, 'encrypt')
  const data = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: bound }, key, copyOf(pkcs8))
  const wrap: Wrap = { v: 1, kind, salt: toBase64Url(salt), iv: toBase64Url(iv), data: toBase64Url(new Uint8Array(data)) }
  return canonicalJson(wrap)
}

/**
 * Opens what `wrapKey` closed: DER of PKCS #8, to be imported as not extractable at once, and overwritten.
 * @throws IdentityError BAD_KEY: it is no wrap, or not closed by this secret, in this way, for this account
 */
export const unwrapKey = async (
  text: string,
  secret: Uint8Array,
  kind: WrapKind,
  context: WrapContext,
): Promise<Uint8Array<ArrayBuffer>> => {
  const { salt, iv, data } = readWrap(text, kind)
  const bound = boundTo(kind, context)
  const key = await keyOf(secret, salt, bound, 'decrypt')
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: bound }, key, data))
  } catch {
    throw new IdentityError('BAD_KEY', 'The key does not open: it was closed by another secret, or for another account')
  }
}

const readWrap = (text: string, kind: WrapKind) => {
  const refuse = () => new IdentityError('BAD_KEY', `Not a key that was closed by ${kind}`)
  if (text.length > maxWrapChars) throw refuse()
  let wrap: Partial<Record<keyof Wrap, unknown>>
  try {
    wrap = Object(JSON.parse(text)) as typeof wrap
  } catch {
    throw refuse()
  }
  const [salt, iv, data] = [wrap.salt, wrap.iv, wrap.data].map(each => typeof each === 'string' ? fromBase64Url(each) : undefined)
  if (wrap.v !== 1 || wrap.kind !== kind || salt?.length !== 32 || iv?.length !== 12 || data === undefined) throw refuse()
  return { salt, iv, data }
}

const boundTo = (kind: WrapKind, { relay, account, agent }: WrapContext): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`AGENTCHAT_VAULT_V1|${canonicalJson({ account, agent, kind, relay })}`)

const keyOf = async (secret: Uint8Array, salt: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>, use: 'encrypt' | 'decrypt') => {
  if (secret.length < minSecretBytes) throw new IdentityError('UNSAFE', `A secret of ${secret.length} bytes can be guessed`)
  const base = await crypto.subtle.importKey('raw', copyOf(secret), 'HKDF', false, ['deriveKey'])
  return crypto.subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt, info }, base, { name: 'AES-GCM', length: 256 }, false, [use])
}

const random = (bytes: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(bytes))
const copyOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes)
