// What of a stored event is under the tree: its number, time, parties and id in the clear, and everything else as a hash. So an event whose
// text is erased keeps its place, and the root stays as it was.
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { IdentityError } from '../errors.ts'
import { fromBase64, toBase64 } from '../pem.ts'
import { hashBytes, leafOf, type Hash } from './tree.ts'

/** What a stored text says in the clear. */
export interface Stub {
  readonly type: string
  /** ms */
  readonly ts: number
  readonly from?: string | undefined
  readonly by?: string | undefined
  readonly to?: string | undefined
  readonly msg_id?: string | undefined
  readonly seq: number
  /** The message that it edits … */
  readonly edit?: { readonly of: string } | undefined
  /** … or takes back. */
  readonly retract?: { readonly of: string } | undefined
}

/** In this order, as far as they are there. */
const stubFields = ['type', 'ts', 'from', 'by', 'to', 'msg_id', 'seq'] as const
const changes = ['edit', 'retract'] as const

const refuse = (why: string) => new IdentityError('BAD_TRANSCRIPT', `Not a stored event: ${why}`)

/** Printable ASCII that JSON writes as it is: no two languages spell it differently. */
const isPlain = (value: unknown): value is string => typeof value === 'string' && value.length <= 200 && /^[ !#-[\]-~]*$/.test(value)

const stubIn = (said: Readonly<Record<string, unknown>>): Stub => {
  const stub: Record<string, unknown> = {}
  for (const name of stubFields) {
    const value = said[name]
    if (name === 'ts' || name === 'seq') {
      if (!Number.isSafeInteger(value) || Object.is(value, -0) || (value as number) < 0) throw refuse(`${name} is no number`)
    } else if (value === undefined && name !== 'type') continue
    else if (!isPlain(value)) throw refuse(`${name} is no name`)
    stub[name] = value
  }
  for (const name of changes) {
    const change = said[name] as { readonly of?: unknown } | null | undefined
    if (change === undefined) continue
    if (typeof change !== 'object' || change === null || !isPlain(change.of)) throw refuse(`${name} names no message`)
    stub[name] = { of: change.of }
  }
  return stub as unknown as Stub
}

/** What is left of an erased event, in its one spelling. @param hash base64 of the SHA-256 of its former text */
export const blankText = ({ type, ts, from, to, msg_id, seq, edit, retract }: Stub, hash: string): string =>
  JSON.stringify({
    ...{ type, ts, from, from_name: '', to, content: '', msg_id, seq, erased: true },
    ...(edit !== undefined && { edit: { of: edit.of } }),
    ...(retract !== undefined && { retract: { of: retract.of } }),
    hash,
  })

/** A stored event as a leaf of its stream's tree. */
export interface Entry {
  readonly seq: number
  readonly ts: number
  readonly stub: Stub
  /** The lines that the leaf is the hash of. */
  readonly text: string
  readonly leaf: Uint8Array
  readonly isBlank: boolean
}

/** base64 of a text's SHA-256. */
export const textHashOf = (text: string, hash: Hash = sha256): string => toBase64(hash(utf8ToBytes(text)))

/**
 * The entry of a stored text: one line that says number, time, parties and id, and one with the hash of the text. A blank brings the hash of
 * what it was, and is refused unless it is spelled exactly as a blank is: nothing can hide in one.
 * @throws IdentityError BAD_TRANSCRIPT
 */
export const entryOf = (text: string, hash: Hash = sha256): Entry => {
  let said: Readonly<Record<string, unknown>>
  try {
    said = JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    throw refuse('not JSON')
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw refuse('not an object')
  const stub = stubIn(said)
  const isBlank = said['erased'] === true && said['hash'] !== undefined
  if (isBlank) {
    const former = said['hash']
    if (typeof former !== 'string' || fromBase64(former)?.length !== hashBytes) throw refuse('the hash of a blank is none')
    if (blankText(stub, former) !== text) throw refuse('a blank that is spelled otherwise than blanks are')
  }
  const lines = `${JSON.stringify(stub)}\n${isBlank ? said['hash'] as string : textHashOf(text, hash)}\n`
  return { seq: stub.seq, ts: stub.ts, stub, text: lines, leaf: leafOf(utf8ToBytes(lines), hash), isBlank }
}
