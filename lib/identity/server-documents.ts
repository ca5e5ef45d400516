// What a relay signs about itself, and what is wrong with a description that somebody shows.
import { limits, type Frame } from '../protocol/index.ts'
import { serverIdOf } from './agent-id.ts'
import { signedText } from './canonical.ts'
import { rotationText } from './texts.ts'
import { verify as verifyHere, type Verify } from './verify.ts'

/** A description, as far as it says who its relay is. */
type Signed = Frame<'HOME'>['document']

/** What a relay signs: all of its description but the signature. @throws IdentityError on what has no exact JSON */
export const serverDocumentText = ({ sig: _, ...document }: Omit<Signed, 'sig'> & { readonly sig?: unknown }): string =>
  signedText('SERVER', document)

/** key: the id is not that of the key; signature: the key did not sign it; early: from the future; expired: no longer good. */
export type ServerDocumentProblem = 'key' | 'signature' | 'early' | 'expired'

/**
 * What is wrong with a relay's description; undefined: the relay of this key signed it, and it is good at `now` (ms since
 * 1970). Never throws.
 * @example const problem = serverDocumentProblem(ServerDocument.parse(await response.json()), { now: Date.now() })
 */
export const serverDocumentProblem = (
  document: Signed,
  { now, verify = verifyHere }: { readonly now: number, readonly verify?: Verify },
): ServerDocumentProblem | undefined => {
  try {
    if (serverIdOf(document.pubkey) !== document.server_id) return 'key'
    if (!verify(document.pubkey, serverDocumentText(document), document.sig)) return 'signature'
    if (document.issued_at > now + limits.maxClockSkewMs) return 'early'
    return now < document.expires_at && document.issued_at < document.expires_at ? undefined : 'expired'
  } catch {
    return 'key'
  }
}

/**
 * The ids that the relay of a description had before, newest first: each key in between signed over to the next. What comes before one that
 * did not says nothing. The description itself is checked by `serverDocumentProblem`. Never throws.
 */
export const formerIds = (
  { server_id, rotations = [] }: Pick<Signed, 'server_id' | 'rotations'>,
  verify: Verify = verifyHere,
): readonly string[] => {
  const ids: string[] = []
  try {
    let next = server_id
    for (const { signature, ...rotation } of [...rotations].reverse()) {
      if (serverIdOf(rotation.new_pubkey) !== next || !verify(rotation.old_pubkey, rotationText(rotation), signature)) break
      ids.push(next = serverIdOf(rotation.old_pubkey))
    }
  } catch {
    // What is no key ends it too.
  }
  return ids
}

/** Whether the key of a description follows from the one that a relay was known by. Never throws. */
export const succeeds = (document: Signed, known: string, verify: Verify = verifyHere): boolean =>
  formerIds(document, verify).includes(known)
