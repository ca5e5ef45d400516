// What an author signs who changes a message: the edit names the hash of the text it replaces, so that what was signed before stays
// something that can be checked, in its order.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { signedText } from './canonical.ts'
import { IdentityError } from './errors.ts'

/** What both texts name. */
export interface ChangeText {
  /** agent id of the signer */
  readonly by: string
  /** `server_id` of the relay */
  readonly relay: string
  /** the message that is changed, by its first id */
  readonly msg_id: string
  /** the signer's own time in ms (`sig_ts` at the receiver) */
  readonly ts: number
  /** 32 hex digits, new for each change */
  readonly nonce: string
}

/** An edit as it is signed. */
export interface EditText extends ChangeText {
  /** the new text */
  readonly content: string
  /** `contentHashOf` the text that is replaced */
  readonly prev: string
  /** the files that stay, where the edit names them */
  readonly files?: readonly object[] | undefined
}

/** SHA-256 of a text's UTF-8, in hex: how an edit names the text it replaces. */
export const contentHashOf = (content: string): string => bytesToHex(sha256(utf8ToBytes(content)))

/** What covers an edit. @throws IdentityError on what has no exact JSON */
export const editText = ({ by, relay, msg_id, content, prev, files, ts, nonce }: EditText): string =>
  signedText('EDIT', { by, relay, msg_id, content, prev, ...(files !== undefined && { files }), ts, nonce })

/** What covers a retraction. @throws IdentityError on what has no exact JSON */
export const retractText = ({ by, relay, msg_id, ts, nonce }: ChangeText): string => signedText('RETRACT', { by, relay, msg_id, ts, nonce })

/** What a message says of its change, as its frame names it. */
interface Mark {
  readonly of: string
  readonly prev?: string | undefined
  /** its files are those of before, which it did not name */
  readonly kept?: boolean | undefined
  readonly relay?: string | undefined
  readonly sig_ts?: number | undefined
  readonly nonce?: string | undefined
}

/** What the signature of an edit or a retraction is over, as the message tells it; undefined where it does not hold all of it. */
export const changeTextOf = (
  { from, content, files, edit, retract }: {
    readonly from: string
    readonly content: string
    readonly files?: readonly object[] | undefined
    readonly edit?: Mark | undefined
    readonly retract?: Mark | undefined
  },
): string | undefined => {
  const mark = edit ?? retract
  if (mark?.relay === undefined || mark.sig_ts === undefined || mark.nonce === undefined || !/^[0-9a-f]{32}$/.test(mark.nonce))
    return undefined
  const { of: msg_id, relay, sig_ts: ts, nonce, prev } = mark
  const fields = { by: from, relay, msg_id, ts, nonce }
  try {
    if (edit === undefined) return retractText(fields)
    return prev === undefined ? undefined : editText({ ...fields, content, prev, ...(edit.kept !== true && { files }) })
  } catch (error) {
    if (error instanceof IdentityError) return undefined
    throw error
  }
}
