// The proof of one message as a file (https://c2sp.org/tlog-proof): its text, its place, the hashes beside its way to the root, and the signed head.
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { IdentityError } from '../errors.ts'
import { fromBase64, toBase64 } from '../pem.ts'
import { verify as ownVerify, type Verify } from '../verify.ts'
import { maxCheckpointChars, openCheckpoint, readCheckpoint, type Checkpoint } from './checkpoint.ts'
import { entryOf, type Entry } from './entry.ts'
import { hashBytes, isIncluded } from './tree.ts'

const mark = 'c2sp.org/tlog-proof@v1'
/** One hash for each doubling of what a number can count. */
const maxHashes = 53
const maxProofChars = 4 * 1024 * 1024

/** A file that proves one event. */
export interface SingleProof {
  /** The event, as it is stored. */
  readonly text: string
  /** From 0 on. */
  readonly index: number
  readonly proof: readonly Uint8Array[]
  readonly checkpoint: string
}

const refuse = (why: string) => new IdentityError('BAD_TRANSCRIPT', `Not a proof of one message: ${why}`)

const pieceBytes = 3 * 4_096
/** Long texts in pieces: what is given to a function at once has a limit. */
const longBase64 = (bytes: Uint8Array): string => {
  let text = ''
  for (let at = 0; at < bytes.length; at += pieceBytes) text += toBase64(bytes.subarray(at, at + pieceBytes))
  return text
}

const textIn = (base64: string): string => {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw refuse('the text is not base64')
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(atob(base64), char => char.charCodeAt(0)),
    )
    if (longBase64(utf8ToBytes(text)) === base64) return text
  } catch { /* told below */ }
  throw refuse('the text is not base64 of UTF-8')
}

/** The file of a proof. */
export const writeProof = ({ text, index, proof, checkpoint }: SingleProof): string =>
  [mark, `extra ${longBase64(utf8ToBytes(text))}`, `index ${index}`, ...proof.map(toBase64), '', checkpoint].join('\n')

/** What a file says, unproved: see `checkProof`. @throws IdentityError BAD_TRANSCRIPT */
export const readProof = (file: string): SingleProof => {
  const end = file.length > maxProofChars ? -1 : file.indexOf('\n\n')
  if (end === -1) throw refuse('no head in it')
  const [first, extra = '', place = '', ...hashes] = file.slice(0, end).split('\n', maxHashes + 4)
  if (first !== mark) throw refuse('another kind of file')
  if (!extra.startsWith('extra ') || !/^index (?:0|[1-9][0-9]{0,15})$/.test(place)) throw refuse('it has no text or no index')
  if (hashes.length > maxHashes) throw refuse('too many hashes')
  const proof = hashes.map(each => {
    const bytes = fromBase64(each)
    if (bytes?.length !== hashBytes) throw refuse('a hash that is none')
    return bytes
  })
  const checkpoint = file.slice(end + 2)
  if (checkpoint.length > maxCheckpointChars) throw refuse('its head is too long')
  return { text: textIn(extra.slice('extra '.length)), index: Number(place.slice('index '.length)), proof, checkpoint }
}

/**
 * What a file proves: that the relay of this key signed a head under which this event is. Without a key, that whoever signs next for the relay
 * that the head names would have to.
 * @throws IdentityError BAD_TRANSCRIPT where it proves nothing
 */
export const checkProof = (
  file: string,
  publicKey: string | undefined,
  verify: Verify = ownVerify,
): { readonly head: Checkpoint, readonly entry: Entry, readonly text: string } => {
  const { text, index, proof, checkpoint } = readProof(file)
  const head = publicKey === undefined ? readCheckpoint(checkpoint) : openCheckpoint(checkpoint, publicKey, verify)
  const entry = entryOf(text)
  if (entry.seq !== index + 1) throw refuse('the event has another number')
  if (!isIncluded({ leaf: entry.leaf, index, size: head.size, proof, root: head.root })) throw refuse('the event is not under that head')
  return { head, entry, text }
}
