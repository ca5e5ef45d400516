// What is brought to a witness (https://c2sp.org/tlog-witness, add-checkpoint): a head, and the proof that it goes on behind what that witness cosigned
// last.
import { IdentityError } from '../errors.ts'
import { fromBase64, toBase64 } from '../pem.ts'
import { maxCheckpointChars } from './checkpoint.ts'
import { hashBytes } from './tree.ts'

const maxHashes = 63
const maxHashChars = 44
/** What stands before the head. */
const maxProofChars = 'old 9007199254740991\n'.length + maxHashes * (maxHashChars + 1)

/** A head for a witness to cosign. */
export interface Submission {
  /** How large the tree was that it cosigned last; 0: it has not yet. */
  readonly old: number
  /** That the tree of that size is the beginning (RFC 6962, 2.1.2). */
  readonly proof: readonly Uint8Array[]
  /** Signed by its log. */
  readonly checkpoint: string
}

/** The body of a request. */
export const writeSubmission = ({ old, proof, checkpoint }: Submission): string =>
  [`old ${old}`, ...proof.map(toBase64), '', checkpoint].join('\n')

/** What was sent, unchecked. @throws IdentityError BAD_TRANSCRIPT where it is nothing of the kind */
export const readSubmission = (text: string): Submission => {
  const refuse = (why: string) => new IdentityError('BAD_TRANSCRIPT', `Not a head for a witness: ${why}`)
  const end = text.slice(0, maxProofChars + 1).indexOf('\n\n')
  if (end === -1) throw refuse(`no empty line behind its proof, of ${maxHashes} hashes at most`)
  const [first = '', ...hashes] = text.slice(0, end).split('\n')
  const [, digits] = /^old (0|[1-9][0-9]{0,15})$/.exec(first) ?? []
  const old = digits === undefined ? NaN : Number(digits)
  if (!Number.isSafeInteger(old)) throw refuse('its first line is not "old SIZE"')
  if (hashes.length > maxHashes) throw refuse(`more than ${maxHashes} hashes`)
  const proof = hashes.map(each => {
    const bytes = fromBase64(each)
    if (bytes?.length !== hashBytes) throw refuse('a hash that is none')
    return bytes
  })
  const checkpoint = text.slice(end + 2)
  if (checkpoint.length > maxCheckpointChars) throw refuse('the head is too long')
  return { old, proof, checkpoint }
}
