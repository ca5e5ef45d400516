// Signatures of HTTP requests (RFC 9421), in one strict profile: one signature, Ed25519, of what a request does and to whom. What the
// standard allows beside it is refused.
import { sha256 } from '@noble/hashes/sha2.js'
import type { LocalIdentity } from './keys.ts'
import { randomNonce } from './nonce.ts'

/** What a signature says of itself, so that one made for something else is none here. */
const tag = 'agentchat'
/** How far the signed time may be off, in seconds. */
export const maxHttpSignatureAgeS = 300
const maxInputChars = 2_048
const maxComponents = 32

/** An HTTP request, as far as it is signed. */
export interface SignableRequest {
  readonly method: string
  /** Host and port as they are dialled; without the port where it is the scheme's own. */
  readonly authority: string
  readonly path: string
  /** With its question mark; empty where there is none. */
  readonly query: string
  /** A header by its name in small letters; `undefined` where it was not sent. Of several of one name: their values, joined by `, `. */
  readonly header: (name: string) => string | undefined
  /** Empty where there is none. `later`: it is still to come, and whoever reads it compares its digest, also if it turns out empty. */
  readonly body: Uint8Array | 'later'
}

/** A signature of the profile, of which all is checked but the key: whether `signature` is that of `keyId` over `text`. */
export interface HttpSignature {
  /** The agent id of the key. */
  readonly keyId: string
  /** Unix time, in seconds. */
  readonly createdS: number
  /** 16 to 64 of `A–Z a–z 0–9 _ -`: taken once from each key. */
  readonly nonce: string
  /** The text that is signed. */
  readonly text: string
  /** Standard base64. */
  readonly signature: string
  /** The `Content-Digest` that was signed, of a body that comes later. */
  readonly contentDigest?: string
}

/** The text of RFC 9421 §2.5 over these components. @throws Error where one of them is not in the request, or is none of the profile */
export const httpSignatureText = (request: SignableRequest, components: readonly string[], parameters: string): string => {
  const lines = components.map(name => `"${name}": ${valueOf(request, name)}`)
  return [...lines, `"@signature-params": ${parameters}`].join('\n')
}

/** `Content-Digest` of a body (RFC 9530). */
export const contentDigestOf = (body: Uint8Array): string => `sha-256=:${base64(sha256(body))}:`

/**
 * Signs a request: gives the headers to add.
 * @param now Unix time, in ms
 * @example const headers = signHttpRequest(me, { method: 'GET', authority: 'relay.example', path: '/v1/me', query: '', header, body }, Date.now())
 */
export const signHttpRequest = (
  identity: LocalIdentity,
  request: SignableRequest & { readonly body: Uint8Array },
  now: number,
  nonce: string = randomNonce(),
): Readonly<Record<string, string>> => {
  const digest = request.body.length > 0 ? contentDigestOf(request.body) : undefined
  const signed: SignableRequest = { ...request, header: name => name === 'content-digest' ? digest : request.header(name) }
  const components = needed(signed)
  const parameters = `(${components.map(name => `"${name}"`).join(' ')});created=${
    Math.floor(now / 1_000)
  };keyid="${identity.agentId}";nonce="${nonce}";alg="ed25519";tag="${tag}"`
  const signature = identity.sign(httpSignatureText(signed, components, parameters))
  return {
    ...(digest !== undefined && { 'content-digest': digest }),
    'signature-input': `agentchat=${parameters}`,
    signature: `agentchat=:${signature}:`,
  }
}

/**
 * Reads the signature of a request, and checks all of it but the key. In linear time.
 * @param now Unix time, in ms
 * @returns the signature, or what is wrong, for its sender
 */
export const readHttpSignature = (request: SignableRequest, now: number): HttpSignature | { readonly problem: string } => {
  const input = inputOf(request.header('signature-input') ?? '')
  if (input === undefined)
    return {
      problem: 'Signature-Input: one signature, as sig=("@method" "@authority" "@path" "@query");created=…;keyid="…";nonce="…";tag="…"',
    }
  const { label, components, parameters, text } = input
  const sent = /^([a-z][a-z0-9_-]{0,31})=:([A-Za-z0-9+/]{86}==):$/.exec(request.header('signature') ?? '')
  if (sent === null || sent[1] !== label) return { problem: `Signature: ${label}=:…:, 64 bytes in base64` }
  const missing = needed(request).find(name => !components.includes(name))
  if (missing !== undefined) return { problem: `Signature-Input: "${missing}" has to be among what is signed` }
  const created = Number(parameters.get('created'))
  const keyId = parameters.get('keyid')
  const nonce = parameters.get('nonce')
  const expires = parameters.get('expires')
  if (parameters.get('tag') !== `"${tag}"`) return { problem: `Signature-Input: tag="${tag}" is missing` }
  if (parameters.has('alg') && parameters.get('alg') !== '"ed25519"') return { problem: 'Signature-Input: alg may only be "ed25519"' }
  if (keyId === undefined || !/^"@[0-9a-f]{16}"$/.test(keyId)) return { problem: 'Signature-Input: keyid is the agent id of the key' }
  if (nonce === undefined || !/^"[\w-]{16,64}"$/.test(nonce)) return { problem: 'Signature-Input: nonce, 16 to 64 of A–Z a–z 0–9 _ -' }
  if (!Number.isSafeInteger(created)) return { problem: 'Signature-Input: created, a Unix time in seconds' }
  if (Math.abs(now / 1_000 - created) > maxHttpSignatureAgeS)
    return { problem: `Signature-Input: created is more than ${maxHttpSignatureAgeS} s off; check the clock` }
  if (expires !== undefined && !(Number(expires) >= now / 1_000)) return { problem: 'Signature-Input: it has expired' }
  const { body } = request
  const contentDigest = request.header('content-digest')
  // Also of an empty body: what was signed may have been left out on the way.
  if (body !== 'later' && components.includes('content-digest') && contentDigest !== contentDigestOf(body))
    return { problem: 'Content-Digest: not the sha-256 of this body' }
  try {
    return {
      keyId: keyId.slice(1, -1),
      createdS: created,
      nonce: nonce.slice(1, -1),
      text: httpSignatureText(request, components, text),
      signature: sent[2]!,
      ...(body === 'later' && contentDigest !== undefined && { contentDigest }),
    }
  } catch (error) {
    return { problem: `Signature-Input: ${(error as Error).message}` }
  }
}

/** What must be signed of a request. */
const needed = ({ body, header }: SignableRequest): readonly string[] => [
  '@method',
  '@authority',
  '@path',
  '@query',
  ...(body.length > 0 ? ['content-digest'] : []),
  ...(header('idempotency-key') === undefined ? [] : ['idempotency-key']),
]

const valueOf = ({ method, authority, path, query, header }: SignableRequest, name: string): string => {
  switch (name) {
    case '@method':
      return method
    case '@authority':
      return authority.toLowerCase()
    case '@path':
      return path === '' ? '/' : path
    case '@query':
      return query === '' ? '?' : query
    default: {
      if (name.startsWith('@')) throw new Error(`"${name}" is not signed here`)
      const value = header(name)?.trim()
      if (value === undefined) throw new Error(`"${name}" was not sent`)
      if (!isVisible(value)) throw new Error(`"${name}" has characters that a header has not`)
      return value
    }
  }
}

interface Input {
  readonly label: string
  readonly components: readonly string[]
  /** By name, as they are written. */
  readonly parameters: ReadonlyMap<string, string>
  /** All behind the label. */
  readonly text: string
}

/** One signature, in the one spelling that the text has too. */
const inputOf = (header: string): Input | undefined => {
  if (header.length > maxInputChars) return undefined
  const outer = /^([a-z][a-z0-9_-]{0,31})=(\(([^()]*)\)([^()]*))$/.exec(header)
  if (outer === null) return undefined
  const [, label, text, list, rest] = outer as unknown as readonly [string, string, string, string, string]
  const names = list.split(' ')
  if (names.length > maxComponents || new Set(names).size < names.length) return undefined
  if (!names.every(name => /^"@?[a-z][a-z0-9-]*"$/.test(name))) return undefined
  const parameters = new Map<string, string>()
  for (const parameter of rest.split(';').slice(1)) {
    const written = /^([a-z]+)=(\d{1,15}|"[!#-:<-[\]-~]*")$/.exec(parameter)
    if (written === null || parameters.has(written[1]!)) return undefined
    parameters.set(written[1]!, written[2]!)
  }
  if (rest !== '' && !rest.startsWith(';')) return undefined
  return { label, components: names.map(name => name.slice(1, -1)), parameters, text }
}

/** What a header may hold, and a line of the text: no line of its own. */
const isVisible = (value: string): boolean => /^[\t\x20-\x7e]*$/.test(value)

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
