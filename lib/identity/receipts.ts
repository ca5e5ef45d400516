// Receipts: the text that both parties and the relay sign, and checking one without a network, years later.
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { ReceiptDocument, type Receipt } from '../protocol/receipts.ts'
import { agentIdOf, serverIdOf } from './agent-id.ts'
import { signedText } from './canonical.ts'
import type { Awaitable } from './awaitable.ts'
import type { Identity } from './keys.ts'
import { verify } from './verify.ts'
import { IdentityError } from './errors.ts'
import type { SignatureState } from './signature-state.ts'

/** What is signed: every field of the receipt, those of later versions too. @throws IdentityError on what cannot be signed */
export const receiptText = (receipt: Receipt): string => signedText('RECEIPT', receipt)

/** "rcpt_" and 32 hex digits: names a receipt by what it says. @throws IdentityError on what cannot be signed */
export const receiptIdOf = (receipt: Receipt): string => `rcpt_${bytesToHex(sha256(utf8ToBytes(receiptText(receipt)))).slice(0, 32)}`

/** What one is in a receipt. */
export type ReceiptRole = 'client' | 'provider'

/** Which side of a receipt an agent is on. */
export const roleIn = (receipt: Receipt, agentId: string): ReceiptRole | undefined =>
  receipt.client.agent === agentId ? 'client' : receipt.provider.agent === agentId ? 'provider' : undefined

/**
 * A party's signature under a receipt. Look at what it says first: it is what you will be held to.
 * @throws IdentityError when the identity is not a party of it
 * @example await client.request('RECEIPT_SIGN', { receipt_id, sig: signReceipt(me, receipt) })
 */
export const signReceipt = <S extends Awaitable<string>>(
  identity: Omit<Identity, 'sign'> & { readonly sign: (text: string) => S },
  receipt: Receipt,
): S => {
  if (roleIn(receipt, identity.agentId) === undefined)
    throw new IdentityError('NOT_A_PARTY', `${identity.agentId} is not a party of this receipt`)
  return identity.sign(receiptText(receipt))
}

/** Of what is in one's hands: a receipt, or an old completion. */
export type ReceiptSignature = Extract<SignatureState, 'valid' | 'invalid' | 'none'>

/** What a receipt shows: whether it is proven, and what is wrong with it. */
export interface ReceiptCheck {
  /** Both parties and the relay signed exactly this. */
  readonly proven: boolean
  /** Nothing about it is false; a party's signature may be missing. */
  readonly valid: boolean
  readonly signatures: Readonly<Record<ReceiptRole | 'relay', ReceiptSignature>>
  /** What is wrong or missing, in words. */
  readonly problems: readonly string[]
  /** There when it could be read at all. */
  readonly receipt?: Receipt
  readonly receiptId?: string
}

const unsigned = { relay: 'none', client: 'none', provider: 'none' } as const

/**
 * Checks a receipt by itself: keys, ids and signatures; no network, no server. Never throws.
 * It cannot know whether you trust that relay: `relayId` names the one that it has to be from.
 * @example verifyReceipt(JSON.parse(text)).proven // true
 */
export const verifyReceipt = (document: unknown, { relayId }: { readonly relayId?: string } = {}): ReceiptCheck => {
  const parsed = ReceiptDocument.safeParse(document)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return {
      proven: false,
      valid: false,
      signatures: unsigned,
      problems: [`not a receipt: ${issue === undefined ? 'unreadable' : `${issue.path.join('.')}: ${issue.message}`}`],
    }
  }
  const { receipt_id, receipt, signatures: given } = parsed.data
  let text: string
  let receiptId: string
  try {
    text = receiptText(receipt)
    receiptId = receiptIdOf(receipt)
  } catch (error) {
    return { proven: false, valid: false, signatures: unsigned, problems: [(error as Error).message], receipt }
  }

  const wrong: string[] = []
  const lacking: string[] = []
  if (receipt_id !== receiptId) wrong.push(`receipt_id: what it says is ${receiptId}`)
  if (receipt.client.agent === receipt.provider.agent) wrong.push('client and provider are the same agent')
  const checked = (who: string, pubkey: string, sig: string | undefined): ReceiptSignature => {
    if (sig === undefined) {
      lacking.push(`${who}: has not signed`)
      return 'none'
    }
    if (verify(pubkey, text, sig)) return 'valid'
    wrong.push(`${who}: the signature is not over this receipt`)
    return 'invalid'
  }
  const party = (role: ReceiptRole): ReceiptSignature => {
    const { agent, pubkey } = receipt[role]
    if (safely(() => agentIdOf(pubkey)) !== agent) wrong.push(`${role}: the key is not that of ${agent}`)
    return checked(role, pubkey, given[role])
  }
  const signatures = { client: party('client'), provider: party('provider'), relay: checked('relay', given.relay.pubkey, given.relay.sig) }
  if (safely(() => serverIdOf(given.relay.pubkey)) !== receipt.relay_id)
    wrong.push('relay: the '
      + 'key is not that of relay_id')
  if (relayId !== undefined && receipt.relay_id !== relayId) wrong.push(`relay: it is from ${receipt.relay_id}, not from ${relayId}`)

  const valid = wrong.length === 0
  return { proven: valid && lacking.length === 0, valid, signatures, problems: [...wrong, ...lacking], receipt, receiptId }
}

const safely = <T>(read: () => T): T | undefined => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The text that a completion of the first form was signed over: the proposal's id and the proof, nothing else. */
export const completionText = (proposalId: string, proof: string | null | undefined): string => `COMPLETE|${proposalId}|${proof ?? ''}`

/** What a signature of an older client over a finished deal shows. */
export interface CompletionCheck {
  /** valid: the completer signed these. unknown-key: the key is not at hand. */
  readonly signature: ReceiptSignature | Extract<SignatureState, 'unknown-key'>
  readonly completedBy: string | undefined
  readonly problems: readonly string[]
}

/** What such a line never proves, whoever signed it. */
const uncovered = 'parties, task, amount and time are not signed, and the other party signed nothing'

/**
 * Checks a COMPLETE frame, as older clients keep it in receipts.jsonl, as far as it goes: it holds one signature, over proposal
 * id and proof,
 * and no key. `keyOf` gives the PEM of an agent, if you have it. Never throws.
 */
export const verifyCompletion = (
  frame: Readonly<Record<string, unknown>>,
  keyOf: (agent: string) => string | undefined,
): CompletionCheck => {
  const { proposal_id, proof, completed_by, sig } = frame
  const completedBy = typeof completed_by === 'string' ? completed_by : undefined
  if (typeof proposal_id !== 'string' || completedBy === undefined)
    return { signature: 'none', completedBy, problems: ['proposal_id or completed_by is missing'] }
  if (typeof sig !== 'string') return { signature: 'none', completedBy, problems: ['it holds no signature', uncovered] }
  const key = keyOf(completedBy)
  if (key === undefined)
    return { signature: 'unknown-key', completedBy, problems: [`the key of ${completedBy} is needed to check its signature`, uncovered] }
  if (safely(() => agentIdOf(key)) !== completedBy)
    return { signature: 'unknown-key', completedBy, problems: [`the key is not that of ${completedBy}`, uncovered] }
  return verify(key, completionText(proposal_id, typeof proof === 'string' ? proof : ''), sig)
    ? { signature: 'valid', completedBy, problems: [uncovered] }
    : { signature: 'invalid', completedBy, problems: [`${completedBy} did not sign this completion`, uncovered] }
}
