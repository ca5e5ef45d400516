// What witnesses add to a head that they have checked: cosignatures (https://c2sp.org/tlog-cosignature), under keys that whoever asks for them
// knows beforehand (verifier keys of https://c2sp.org/signed-note).
import { concatBytes } from '@noble/hashes/utils.js'
import { serverIdOf } from '../agent-id.ts'
import { IdentityError } from '../errors.ts'
import { canonicalPem, fromBase64, publicKeyBytes, publicKeyPem, toBase64 } from '../pem.ts'
import { verify as ownVerify, type Verify } from '../verify.ts'
import { ed25519, hasId, keyIdBytes, keyIdOf, keyNameOf, noteOf, openCheckpoint, signatureBytes, type Checkpoint } from './checkpoint.ts'

/** Witnesses of one head, and keys of such that are asked for: more of them say no more. */
export const maxWitnesses = 16

const cosignature = 0x04
const timeBytes = 8
const maxKeyChars = 1_024
const kinds: Readonly<Record<number, string>> = { [ed25519]: 'heads (Ed25519, 0x01)', [cosignature]: 'cosignatures (Ed25519, 0x04)' }
const keyPattern = /^([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/

/** Whose cosignatures count. */
export interface WitnessKey {
  readonly name: string
  /** PEM */
  readonly publicKey: string
}

/** The key under which a relay cosigns heads of others. @param publicKey the relay's, PEM @throws IdentityError BAD_KEY */
export const relayWitness = (publicKey: string): WitnessKey => ({
  name: keyNameOf(serverIdOf(publicKey)),
  publicKey: canonicalPem(publicKey),
})

const hex = (bytes: Uint8Array): string => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')

/** A key in one line: name, id and key. */
const keyText = (type: number, { name, publicKey }: WitnessKey): string =>
  `${name}+${hex(keyIdOf(name, type, publicKey))}+${toBase64(concatBytes(Uint8Array.of(type), publicKeyBytes(publicKey)))}`

/** @throws IdentityError BAD_KEY */
const readKeyText = (type: number, text: string, refuse: (why: string) => IdentityError): WitnessKey => {
  const [, name, id, key] = keyPattern.exec(text.trim()) ?? []
  if (name === undefined || id === undefined || key === undefined) throw refuse('neither NAME+ID+KEY nor a public key in PEM')
  const bytes = fromBase64(key)
  if (bytes?.[0] !== type) throw refuse(`another kind of key than that of ${kinds[type]}`)
  const read = { name, publicKey: canonicalPem(publicKeyPem(bytes.subarray(1))) }
  if (hex(keyIdOf(name, type, read.publicKey)) !== id) throw refuse('its id is that of another')
  return read
}

/** A key in one line, as tools for C2SP write it: name, id and key. */
export const witnessKeyText = (key: WitnessKey): string => keyText(cosignature, key)

/**
 * A witness by what is known of it: one line of C2SP, or the public key of a relay (PEM).
 * @throws IdentityError BAD_KEY
 * @example readWitnessKey('witness.example/w1+d9ed62c5+BO1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR')
 */
export const readWitnessKey = (text: string): WitnessKey => {
  const refuse = (why: string) => new IdentityError('BAD_KEY', `Not the key of a witness: ${why}`)
  if (text.length > maxKeyChars) throw refuse('too long')
  return text.trimStart().startsWith('-----BEGIN') ? relayWitness(text) : readKeyText(cosignature, text, refuse)
}

/** Whether a text is such a line, as far as its form goes. */
export const isWitnessKey = (text: string): boolean => text.length <= maxKeyChars && keyPattern.test(text)

/** A log that is witnessed: what its heads begin with, and a key that signs them. */
export interface LogKey extends WitnessKey {
  readonly origin: string
}

/** The key by which a relay signs its heads, in one line as tools for C2SP write it. @param publicKey the relay's, PEM */
export const logKeyText = (publicKey: string): string => keyText(ed25519, relayWitness(publicKey))

/**
 * A log by its key, in one line of C2SP, whose name is its origin; or by its origin, a space, and its key.
 * @throws IdentityError BAD_KEY
 * @example readLogKey('log.example/2026+9f1b2c3d+AX…'), readLogKey('agentchat/8c2d…/5b1f…/#general agentchat/8c2d…+0a1b2c3d+AX…')
 */
export const readLogKey = (text: string): LogKey => {
  const refuse = (why: string) => new IdentityError('BAD_KEY', `Not the key of a log: ${why}`)
  if (text.length > maxKeyChars) throw refuse('too long')
  const parts = text.trim().split(' ')
  if (parts.length > 2) throw refuse('neither KEY nor ORIGIN KEY')
  const key = readKeyText(ed25519, parts.at(-1)!, refuse)
  return { origin: parts.length === 2 ? parts[0]! : key.name, ...key }
}

/** So many of these have to have signed a head. */
export interface WitnessPolicy {
  readonly keys: readonly WitnessKey[]
  readonly need: number
}

/**
 * @param keys each as `readWitnessKey` reads it; one key under two names is one witness
 * @throws IdentityError BAD_KEY where it can never be met, or always is
 */
export const witnessPolicy = (keys: readonly string[], need: number): WitnessPolicy => {
  const known = new Map(keys.slice(0, maxWitnesses + 1).map(readWitnessKey).map(key => [key.publicKey, key]))
  if (known.size > maxWitnesses) throw new IdentityError('BAD_KEY', `At most ${maxWitnesses} witnesses can be asked for`)
  if (!Number.isSafeInteger(need) || need < 1 || need > known.size)
    throw new IdentityError('BAD_KEY', `${need} of ${known.size} witnesses cannot be asked for: name as many keys as are needed`)
  return { keys: [...known.values()], need }
}

const textOf = (body: string, seconds: number): string => `cosignature/v1\ntime ${seconds}\n${body}`

/** The line that a witness puts under a head. @param head whoever signed it @param seconds since 1970; `sign` gives base64 */
export const cosign = (
  head: string,
  { name, publicKey, sign }: WitnessKey & { sign(text: string): string },
  seconds: number,
): string => {
  const time = new Uint8Array(timeBytes)
  new DataView(time.buffer).setBigUint64(0, BigInt(seconds))
  const signature = fromBase64(sign(textOf(noteOf(head).body, seconds)))!
  return `— ${name} ${toBase64(concatBytes(keyIdOf(name, cosignature, publicKey), time, signature))}\n`
}

/**
 * When a witness signed a head, in seconds; undefined: it did not. Of a key the first line counts, so that a head costs one look for each key.
 * @throws IdentityError BAD_TRANSCRIPT where a line under its name and id is not its: nobody honest hands on such
 */
export const cosignedAt = (text: string, { name, publicKey }: WitnessKey, verify: Verify = ownVerify): number | undefined => {
  const { body, signatures } = noteOf(text)
  const id = keyIdOf(name, cosignature, publicKey)
  const found = signatures.find(each => each.name === name && hasId(each.bytes, id))
  if (found === undefined) return undefined
  const { bytes } = found
  const at = bytes.length === keyIdBytes + timeBytes + signatureBytes
    ? Number(new DataView(bytes.buffer, bytes.byteOffset + keyIdBytes, timeBytes).getBigUint64(0))
    : NaN
  if (Number.isSafeInteger(at) && verify(publicKey, textOf(body, at), toBase64(bytes.subarray(keyIdBytes + timeBytes)))) return at
  throw new IdentityError('BAD_TRANSCRIPT', `Not a cosignature of ${name}`)
}

/** Of these witnesses those that signed a head, and when (seconds). @throws IdentityError BAD_TRANSCRIPT */
export const cosignersOf = (
  text: string,
  keys: readonly WitnessKey[],
  verify: Verify = ownVerify,
): ReadonlyMap<WitnessKey, number> => {
  const found = new Map<WitnessKey, number>()
  for (const key of keys.slice(0, maxWitnesses)) {
    const at = cosignedAt(text, key, verify)
    if (at !== undefined) found.set(key, at)
  }
  return found
}

/** How far witnesses vouch for a tree. */
export interface Witnessed {
  /** As many as are needed cosigned this size, or a larger one; 0: fewer did. */
  readonly size: number
  /** The heads by which that is so: of each witness its largest one. They are of one tree only if each is compared with that. */
  readonly heads: readonly { readonly checkpoint: Checkpoint, readonly text: string }[]
}

/**
 * Heads as a relay shows them, counted by witness.
 * @param relayKey PEM; the relay itself is no witness
 * @throws IdentityError BAD_TRANSCRIPT where one is not signed by the relay, or has a line under the name of a witness that is not that one's
 */
export const witnessedBy = (
  texts: readonly string[],
  { keys, need }: WitnessPolicy,
  relayKey: string,
  verify: Verify = ownVerify,
): Witnessed => {
  const others = keys.filter(({ publicKey }) => publicKey !== canonicalPem(relayKey))
  const largest = new Map<WitnessKey, Witnessed['heads'][number]>()
  for (const text of texts.slice(0, maxWitnesses)) {
    const head = { checkpoint: openCheckpoint(text, relayKey, verify), text }
    for (const key of cosignersOf(text, others, verify).keys())
      if (head.checkpoint.size > (largest.get(key)?.checkpoint.size ?? 0)) largest.set(key, head)
  }
  const sorted = [...largest.values()].sort((a, b) => b.checkpoint.size - a.checkpoint.size)
  if (sorted.length < need) return { size: 0, heads: [] }
  return { size: sorted[need - 1]!.checkpoint.size, heads: [...new Set(sorted.slice(0, need))] }
}
