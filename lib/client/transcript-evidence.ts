// What a client checks of transcripts, what it may find, and what shows it to others.

/** off: nothing is checked. check: what does not fit is told (`status`). strict: … and the client closes, but for what an author can do. */
export type TranscriptMode = 'off' | 'check' | 'strict'

/**
 * - fork: the relay signed two histories of one channel
 * - crossed: the author of a signed message says to have seen another history than came here: the relay shows two, or the author lies
 * - rewritten: what the relay signs is not what it sent, or not what it signed before with more behind it, or it does not prove that though it could
 * - rolled-back: it signs less than it did
 * - unsigned: what should be a signed head is none, or there is none at all
 * - duplicated: a message that is signed for one place stands in two; its author can have sent it twice
 * - unwitnessed: fewer witnesses than are asked for have cosigned what was heard, in the time that they have
 */
export type TranscriptProblem = 'fork' | 'crossed' | 'rewritten' | 'rolled-back' | 'unsigned' | 'duplicated' | 'unwitnessed'

/** What shows it: JSON for `agentchat verify --evidence`. */
export interface TranscriptEvidence {
  readonly format: 'agentchat-evidence/1'
  readonly problem: TranscriptProblem
  /** as it is called at the relay that signs it */
  readonly stream: string
  /** … and at another one, where it is mirrored and was heard */
  readonly mirror?: string | undefined
  /** of the relay, PEM */
  readonly relay_pubkey?: string | undefined
  /** signed heads, the earlier first */
  readonly heads: readonly string[]
  /** stored events, as they came */
  readonly texts?: readonly string[] | undefined
  /** of who signed the first of them, PEM */
  readonly author_pubkey?: string | undefined
  /** what this client has of it */
  readonly own?: { readonly size: number, readonly root: string } | undefined
  /** what the first events of the larger head hash to, as many as the smaller one has (base64), and proof of that */
  readonly proof?: { readonly root: string, readonly consistency: readonly string[] } | undefined
}
