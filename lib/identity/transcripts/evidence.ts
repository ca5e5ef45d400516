// What two signed heads, or a head and a signed message, show of a relay; by nothing but the texts themselves.
import { agentIdOf, serverIdOf } from '../agent-id.ts'
import { signedTextOf, type SignedMessage } from '../message-signatures.ts'
import { fromBase64, toBase64 } from '../pem.ts'
import { verify as ownVerify, type Verify } from '../verify.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { isConsistent, isSameHash, TranscriptRange } from './tree.ts'

/** Texts that are held against a relay: of a client's `status`, or put together by hand. */
export interface Evidence {
  readonly stream: string
  /** of the relay, PEM */
  readonly relay_pubkey?: string | undefined
  readonly heads: readonly string[]
  readonly texts?: readonly string[] | undefined
  /** of who signed the first of them, PEM */
  readonly author_pubkey?: string | undefined
  /** Of two heads of different sizes: what the first events of the larger one hash to, as many as the smaller one has (base64) */
  readonly proof?: { readonly root: string, readonly consistency: readonly string[] } | undefined
}

/**
 * - fork: the relay signed two histories: two heads of one size, or a larger one that is proved to begin otherwise than the smaller one
 * - crossed: what the author of a signed message had seen is not what the relay signed of that size: one of the two lies
 * - shorter, longer: the relay signed both, the later of which is smaller, or larger; whether the one is the beginning of the other they do not say
 * - nothing: it shows nothing, or is not signed
 */
export interface Finding {
  readonly finding: 'fork' | 'crossed' | 'shorter' | 'longer' | 'nothing'
  readonly why: string
  readonly heads: readonly Checkpoint[]
}

/** Never throws: what cannot be read shows nothing. */
export const findingOf = (
  { stream, relay_pubkey: key, heads: texts, texts: events = [], author_pubkey: author, proof }: Evidence,
  verify: Verify = ownVerify,
): Finding => {
  const heads: Checkpoint[] = []
  const nothing = (why: string): Finding => ({ finding: 'nothing', why, heads })
  if (key === undefined) return nothing('it does not name the key of the relay')
  for (const text of texts) {
    try {
      heads.push(openCheckpoint(text, key, verify))
    } catch (error) {
      return nothing((error as Error).message)
    }
  }
  const [first, second] = heads
  if (heads.some(head => head.stream !== stream || head.epoch !== first!.epoch)) return nothing('the heads are not of one stream and epoch')
  if (first !== undefined && second !== undefined) {
    const [smaller, larger] = first.size < second.size ? [first, second] : [second, first]
    if (proof !== undefined && smaller.size < larger.size && isOther(smaller, larger, proof))
      return { finding: 'fork', why: `the relay signed two histories of ${smaller.size} events`, heads: [smaller, larger] }
    if (first.size !== second.size) {
      const isShorter = second.size < first.size
      return {
        finding: isShorter ? 'shorter' : 'longer',
        why: `the relay signed ${first.size} events, and ${isShorter ? 'later ' : ''}${second.size}`,
        heads,
      }
    }
    return isSameHash(first.root, second.root)
      ? nothing('both heads are the same')
      : { finding: 'fork', why: `the relay signed two histories of ${first.size} events`, heads }
  }
  const [event] = events
  const said = event === undefined || author === undefined ? undefined : signedBy(event, author, key, verify)
  const seen = said?.seen
  if (first === undefined || said === undefined || seen === undefined)
    return nothing('there are not two heads, nor a head and a signed message that says what was seen')
  if (said.to !== stream || seen.seq !== first.size) return nothing('the message says nothing of what that head is of')
  return seen.root === toBase64(first.root)
    ? nothing('its author had seen what the relay signed')
    : { finding: 'crossed', why: `${said.from} had seen another history of ${first.size} events than the relay signed`, heads }
}

const bytesOf = (hash: string): Uint8Array => fromBase64(hash) ?? new Uint8Array(0)

/** Whether a tree is proved to begin otherwise than with a smaller one. */
const isOther = (smaller: Checkpoint, larger: Checkpoint, { root, consistency }: NonNullable<Evidence['proof']>): boolean => {
  const begins = { size: smaller.size, root: bytesOf(root) }
  return !isSameHash(begins.root, smaller.root) && isConsistent(begins, larger, consistency.map(bytesOf))
}

/** What a relay answers to HEAD with `from` and `peaks`. */
export interface HeadAnswer {
  readonly checkpoint: string
  readonly consistency?: readonly string[] | undefined
  readonly peaks?: readonly string[] | undefined
}

/**
 * What a head of before is to one that the relay signs now, by its answer to HEAD with `from` (the size of the former) and `peaks`: its
 * beginning, or not; and where the relay shows by that how the other one begins, the proof that makes of both evidence of a fork.
 * @throws IdentityError BAD_TRANSCRIPT where the answer has no head of the relay
 */
export const comparedHeads = (
  former: Checkpoint,
  { checkpoint, consistency = [], peaks = [] }: HeadAnswer,
  key: string,
  verify: Verify = ownVerify,
): { readonly isBeginning: boolean, readonly proof?: NonNullable<Evidence['proof']> } => {
  const later = openCheckpoint(checkpoint, key, verify)
  if (isConsistent(former, later, consistency.map(bytesOf))) return { isBeginning: true }
  try {
    const root = TranscriptRange.of(former.size, peaks.map(bytesOf)).root
    const proof = { root: toBase64(root), consistency }
    return isOther(former, later, proof) ? { isBeginning: false, proof } : { isBeginning: false }
  } catch {
    return { isBeginning: false }
  }
}

type Said = SignedMessage & { readonly seen?: { readonly seq: number, readonly root: string } }

/** A message, where it holds what its author signed for this relay. */
const signedBy = (text: string, author: string, relay: string, verify: Verify): Said | undefined => {
  try {
    const said = JSON.parse(text) as Said
    const signed = said.sig_v === 2 ? signedTextOf(said) : undefined
    const isTheirs = signed !== undefined && agentIdOf(author) === said.from && said.relay === serverIdOf(relay)
    return isTheirs && typeof said.seen?.seq === 'number' && typeof said.seen.root === 'string' && verify(author, signed, said.sig ?? '')
      ? said
      : undefined
  } catch {
    return undefined
  }
}
