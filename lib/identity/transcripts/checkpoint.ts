// What a relay signs of a tree: a checkpoint (https://c2sp.org/tlog-checkpoint), which is a signed note (https://c2sp.org/signed-note).
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { serverIdOf } from '../agent-id.ts'
import { IdentityError } from '../errors.ts'
import { fromBase64, publicKeyBytes, toBase64 } from '../pem.ts'
import { verify as ownVerify, type Verify } from '../verify.ts'
import { hashBytes, type TreeHead } from './tree.ts'

/** More than any that a relay and its witnesses write. */
export const maxCheckpointChars = 16 * 1024
const maxSignatures = 32
/** Signatures that hold against quantum computers are longer than ours. */
const maxSignatureChars = 8 * 1_024

export const keyIdBytes = 4
export const signatureBytes = 64
/** The kind of signature of whoever signs for himself. */
export const ed25519 = 0x01

/** Which tree it is: of which relay, in which life of its log, and of which stream (`#general`, or `@a|@b`). */
export interface TranscriptName {
  readonly relay: string
  readonly epoch: string
  readonly stream: string
}

/** What a head says: of which tree, how many leaves there are, and the root. */
export interface Checkpoint extends TranscriptName {
  readonly size: number
  readonly root: Uint8Array
}

const refuse = (why: string) => new IdentityError('BAD_TRANSCRIPT', `Not a signed head: ${why}`)

/** The name under which a relay signs, by its id. */
export const keyNameOf = (relay: string): string => `agentchat/${relay}`
/** By which a signature in a note is told: of a name, a kind of signature and a key. */
export const keyIdOf = (name: string, type: number, publicPem: string): Uint8Array =>
  sha256(concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(type), publicKeyBytes(publicPem))).subarray(0, keyIdBytes)

const bodyOf = ({ relay, epoch, stream, size, root }: Checkpoint): string =>
  `agentchat/${relay}/${epoch}/${stream}\n${size}\n${toBase64(root)}\n`

/** What is signed; `sign` gives base64. @param publicKey the relay's, PEM */
export const signCheckpoint = (
  checkpoint: Checkpoint,
  { publicKey, sign }: { readonly publicKey: string, sign(text: string): string },
): string => {
  const body = bodyOf(checkpoint)
  const name = keyNameOf(checkpoint.relay)
  return `${body}\n— ${name} ${toBase64(concatBytes(keyIdOf(name, ed25519, publicKey), fromBase64(sign(body))!))}\n`
}

/** What is signed, and each line of signature under it. */
export interface Note {
  readonly body: string
  readonly signatures: readonly { readonly name: string, readonly bytes: Uint8Array }[]
}

/** @throws IdentityError BAD_TRANSCRIPT */
export const noteOf = (text: string): Note => {
  if (text.length > maxCheckpointChars) throw refuse('too long')
  const end = text.indexOf('\n\n')
  if (end === -1 || !text.endsWith('\n')) throw refuse('it has no signature')
  const lines = text.slice(end + 2, -1).split('\n')
  if (lines.length > maxSignatures) throw refuse('too many signatures')
  const signatures = lines.map(line => {
    const [dash, name, signature, ...more] = line.slice(0, maxSignatureChars).split(' ')
    const bytes = signature === undefined ? undefined : fromBase64(signature)
    if (dash !== '—' || !name || name.includes('+') || more.length > 0 || bytes === undefined || bytes.length <= keyIdBytes)
      throw refuse('a signature that cannot be read')
    return { name, bytes }
  })
  return { body: text.slice(0, end + 1), signatures }
}

/** What a checkpoint says, of whatever log it is. */
export interface LogHead extends TreeHead {
  /** By which the log is told from others: the first line. */
  readonly origin: string
  /** How many lines there are: those behind the third mean something to the log alone. */
  readonly lines: number
}

/** A checkpoint, unchecked. @throws IdentityError BAD_TRANSCRIPT where it is none */
export const readLogHead = ({ body }: Note): LogHead => {
  const lines = body.slice(0, -1).split('\n')
  const [origin = '', sizeLine = '', rootLine] = lines
  if (rootLine === undefined || origin === '') throw refuse('it has not three lines')
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(sizeLine) ? Number(sizeLine) : NaN
  if (!Number.isSafeInteger(size)) throw refuse('its size is no number')
  const root = fromBase64(rootLine)
  if (root?.length !== hashBytes) throw refuse('its root is no hash')
  return { origin, size, root, lines: lines.length }
}

/** What a checkpoint of a relay says, whoever signed it. @throws IdentityError BAD_TRANSCRIPT */
export const readCheckpoint = (text: string): Checkpoint => {
  const { origin, size, root, lines } = readLogHead(noteOf(text))
  if (lines !== 3) throw refuse('it has not three lines')
  const [, relay, epoch, stream] = /^agentchat\/([0-9a-f]{64})\/([0-9a-f]{1,64})\/([!-~]{2,200})$/.exec(origin) ?? []
  if (relay === undefined || epoch === undefined || stream === undefined) throw refuse('it names no stream of a relay')
  return { relay, epoch, stream, size, root }
}

export const hasId = (bytes: Uint8Array, id: Uint8Array): boolean => id.every((byte, i) => bytes[i] === byte)

/** The line by which a key signed a note, where it did; of a key the first line counts, so that a note costs one look for each. @param publicKey PEM */
export const signatureBy = (
  { body, signatures }: Note,
  { name, publicKey }: { readonly name: string, readonly publicKey: string },
  verify: Verify,
): string | undefined => {
  const id = keyIdOf(name, ed25519, publicKey)
  const bytes = signatures.find(each => each.name === name && hasId(each.bytes, id))?.bytes
  const isSigned = bytes?.length === keyIdBytes + signatureBytes && verify(publicKey, body, toBase64(bytes.subarray(keyIdBytes)))
  return isSigned ? `— ${name} ${toBase64(bytes)}\n` : undefined
}

/**
 * A head that the relay of this key signed.
 * @param publicKey PEM @throws IdentityError BAD_TRANSCRIPT where it is none, or is of another relay
 */
export const openCheckpoint = (text: string, publicKey: string, verify: Verify = ownVerify): Checkpoint => {
  const checkpoint = readCheckpoint(text)
  if (checkpoint.relay !== serverIdOf(publicKey)) throw refuse('it is of another relay')
  if (signatureBy(noteOf(text), { name: keyNameOf(checkpoint.relay), publicKey }, verify) === undefined)
    throw refuse('the relay did not sign it')
  return checkpoint
}
