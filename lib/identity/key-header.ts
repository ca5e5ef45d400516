// The header by which a key shows itself to a relay that has not seen it: a byte sequence of RFC 8941, with the name beside it.
import { agentIdOf } from './agent-id.ts'
import type { Identity } from './keys.ts'
import { canonicalPem } from './pem.ts'

/** Longer than any that is right. */
const maxChars = 200
const form = /^:([A-Za-z0-9+/]{59}=):(?:;name="([A-Za-z0-9_-]{1,32})")?$/

/** What a key says of itself. */
export interface ShownKey {
  /** PEM */
  readonly publicKey: string
  /** As its agent wants to be called; undefined: it does not say. */
  readonly name?: string
  readonly agentId: string
}

/**
 * `Pubkey` of a signed HTTP request: a relay that does not know the key yet takes it from there. Others do not read it.
 * @example const headers = { ...signHttpRequest(me, request, Date.now()), pubkey: keyHeaderOf(me) }
 */
export const keyHeaderOf = ({ publicKey, name }: Pick<Identity, 'publicKey' | 'name'>): string => {
  const base64 = publicKey.split('\n')[1]!
  const header = `:${base64}:${name === undefined ? '' : `;name="${name}"`}`
  return form.test(header) ? header : `:${base64}:`
}

/** undefined: it is none, or not of an Ed25519 key. In linear time. */
export const readKeyHeader = (header: string): ShownKey | undefined => {
  const found = header.length > maxChars ? null : form.exec(header)
  if (found === null) return undefined
  try {
    const publicKey = canonicalPem(`-----BEGIN PUBLIC KEY-----\n${found[1]!}\n-----END PUBLIC KEY-----\n`)
    return { publicKey, agentId: agentIdOf(publicKey), ...(found[2] !== undefined && { name: found[2] }) }
  } catch {
    return undefined
  }
}
