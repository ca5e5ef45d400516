// JSON with one spelling (RFC 8785), so that what is signed can be written down again from the value alone.
import { IdentityError } from './pem.ts'

/** Levels that are written; what is deeper is no record of ours. */
const maxDepth = 64

/**
 * The canonical text of a JSON value: keys sorted by their UTF-16 code units, no spaces, `undefined` fields left out.
 * @throws IdentityError on what JSON cannot say exactly: other values, infinite numbers, half a surrogate pair, a value nested too deep
 * @example canonicalJson({ b: 1, a: [true] }) // '{"a":[true],"b":1}'
 */
export const canonicalJson = (value: unknown, depth = 0): string => {
  if (depth > maxDepth) throw new IdentityError('nested too deep to be signed')
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (typeof value === 'string') {
    // Half a pair has no UTF-8 of its own: another one would make the same bytes.
    if (/\p{Surrogate}/u.test(value)) throw new IdentityError('text with half a character cannot be signed')
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item, depth + 1)).join(',')}]`
  if (typeof value !== 'object') throw new IdentityError(`a ${typeof value} cannot be signed`)
  const fields = Object.entries(value).filter(([, field]) => field !== undefined).sort(([a], [b]) => a < b ? -1 : 1)
  return `{${fields.map(([key, field]) => `${canonicalJson(key, depth + 1)}:${canonicalJson(field, depth + 1)}`).join(',')}}`
}
