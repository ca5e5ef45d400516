// One text for one value: canonical JSON (RFC 8785), and the texts of the second form that are signed over it.
import { IdentityError } from './errors.ts'

/** Deeper values are refused: nothing that is signed needs them. */
const maxDepth = 64

/**
 * The canonical JSON of a value: keys sorted, no white space, numbers and strings as ECMAScript writes them. Keys whose value
 * is undefined are left out.
 * @throws IdentityError on what JSON cannot say: numbers that are none, lone surrogates, functions, and values nested more than 64 deep
 * @example canonicalJson({ b: 1, a: 'x' }) // '{"a":"x","b":1}'
 */
export const canonicalJson = (value: unknown): string => write(value, maxDepth)

const write = (value: unknown, depth: number): string => {
  if (depth < 0) throw new IdentityError('NOT_SIGNABLE', 'Nested too deep to be signed')
  switch (typeof value) {
    case 'string':
      if (/\p{Surrogate}/u.test(value)) throw new IdentityError('NOT_SIGNABLE', 'Half a character cannot be signed')
      return JSON.stringify(value)
    case 'boolean':
      return String(value)
    case 'number':
      if (!Number.isFinite(value)) throw new IdentityError('NOT_SIGNABLE', `${value} cannot be signed`)
      return JSON.stringify(value)
    case 'object': {
      if (value === null) return 'null'
      if (Array.isArray(value)) return `[${value.map(item => write(item, depth - 1)).join(',')}]`
      const entries = Object.entries(value).filter(([, field]) => field !== undefined).sort(([a], [b]) => a < b ? -1 : 1)
      return `{${entries.map(([key, field]) => `${write(key, depth)}:${write(field, depth - 1)}`).join(',')}}`
    }
    default:
      throw new IdentityError('NOT_SIGNABLE', `A ${typeof value} cannot be signed`)
  }
}

/**
 * A text of the second or third form: what kind of statement it is, then every field of it. No two statements share a text.
 * @throws IdentityError as canonicalJson
 * @example signedText('RECEIPT', { amount: 5 }) // 'AGENTCHAT_RECEIPT_V2|{"amount":5}'
 */
export const signedText = (type: Uppercase<string>, fields: object, version: 2 | 3 = 2): string =>
  `AGENTCHAT_${type}_V${version}|${canonicalJson(fields)}`
