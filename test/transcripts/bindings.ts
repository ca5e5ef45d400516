// Placeholders: what a transcript cannot know beforehand gets a name, is bound where it first comes, and must be the same ever after.
import { canonicalJson, fingerprintOf } from '../../lib/identity/index.ts'
import { newKey, signWith, type Key } from '../kit/wire.ts'
import { openEnded } from './script.ts'

/** A whole string that is one placeholder keeps the type of what it stands for. */
const whole = /^<([\w:]+)>$/
const name = /<([\w:]+)(\|json|\|canonical)?>/g
const signature = /^<sign:(\w+) ([\s\S]*)>$/

/** What every stored event has, and what every erased one has. */
const isOfTranscripts = (key: string, value: unknown): boolean =>
  (key === 'salt' && /^[\w-]{22}$/.test(String(value))) || (key === 'hash' && /^[\w+/]{43}=$/.test(String(value)))

export class Bindings {
  readonly #values = new Map<string, unknown>()
  readonly #keys = new Map<string, Key>()

  /** Makes a key pair: binds `<pem:name>`, `<id:name>` and `<key:name>`, the fingerprint. */
  addKey(keyName: string): void {
    const key = newKey()
    this.#keys.set(keyName, key)
    this.bind(`pem:${keyName}`, key.pem)
    this.bind(`id:${keyName}`, key.id)
    this.bind(`key:${keyName}`, fingerprintOf(key.pem))
  }

  key(keyName: string): Key {
    const key = this.#keys.get(keyName)
    if (key === undefined) throw new Error(`no key ${keyName}`)
    return key
  }

  bind(placeholder: string, value: unknown): void {
    this.#values.set(placeholder, value)
  }

  /** A value with its placeholders filled in. */
  fill(value: unknown): unknown {
    if (typeof value === 'string') return this.#fillText(value)
    if (Array.isArray(value)) return value.map(item => this.fill(item))
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.fill(item)]))
    return value
  }

  /** What of `actual` is not what `pattern` says; undefined: nothing. Binds what was not bound. */
  mismatch(pattern: unknown, actual: unknown, path = ''): string | undefined {
    const placeholder = typeof pattern === 'string' ? whole.exec(pattern)?.[1] : undefined
    if (placeholder === 'ts')
      return Number.isInteger(actual) && Number(actual) > 1_600_000_000_000
        ? undefined
        : `${path}: not a time: ${JSON.stringify(actual)}`
    if (placeholder === 'any') return actual === undefined ? `${path}: missing` : undefined
    if (placeholder !== undefined && !this.#values.has(placeholder)) {
      if (actual === undefined) return `${path}: missing`
      this.bind(placeholder, actual)
      return undefined
    }
    if (Array.isArray(pattern)) {
      if (!Array.isArray(actual) || actual.length !== pattern.length)
        return `${path}: expected ${pattern.length} items, got ${JSON.stringify(actual)}`
      return pattern.map((item, i) => this.mismatch(item, actual[i], `${path}[${i}]`)).find(found => found !== undefined)
    }
    if (typeof pattern === 'object' && pattern !== null) return this.#objectMismatch(pattern, actual, path)
    const expected = this.fill(pattern)
    return Object.is(expected, actual) ? undefined : `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`
  }

  #objectMismatch(pattern: object, actual: unknown, path: string): string | undefined {
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return `${path}: not an object: ${JSON.stringify(actual)}`
    const fields = Object.entries(pattern).filter(([key]) => key !== openEnded)
    if (!Object.hasOwn(pattern, openEnded)) {
      const extra = Object.entries(actual).find(([key, value]) => !Object.hasOwn(pattern, key) && !isOfTranscripts(key, value))?.[0]
      if (extra !== undefined) return `${path}.${extra}: not expected`
    }
    return fields.map(([key, item]) => this.mismatch(item, (actual as Record<string, unknown>)[key], `${path}.${key}`)).find(found =>
      found !== undefined
    )
  }

  #fillText(text: string): unknown {
    const signed = signature.exec(text)
    if (signed !== null) return signWith(this.key(signed[1]!), String(this.#fillNames(signed[2]!)))
    const only = whole.exec(text)?.[1]
    return only === undefined ? this.#fillNames(text) : this.#valueOf(only)
  }

  #fillNames(text: string): string {
    return text.replace(name, (_, placeholder: string, form: string | undefined) => {
      const value = this.#valueOf(placeholder)
      return form === undefined ? String(value) : form === '|json' ? JSON.stringify(value) : canonicalJson(value)
    })
  }

  #valueOf(placeholder: string): unknown {
    if (!this.#values.has(placeholder)) throw new Error(`<${placeholder}> is not bound yet`)
    return this.#values.get(placeholder)
  }
}
