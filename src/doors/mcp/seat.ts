// Where the tools sit: an agent at a relay. They are written once against this, and served by a client with the user's own key as by the
// relay's own door.
import type { Authors, SignatureState } from '../../../lib/client/index.ts'
import type { AgentId, Frame, ReplyType, RequestInput, RequestType, Target } from '../../../lib/protocol/index.ts'

export type Body<T extends RequestType> = Omit<RequestInput<T>, 'id'>

/** A message to be said. */
export interface Said {
  readonly to: Target
  readonly content: string
  /** the id it is sent under: sent twice, it is stored once */
  readonly id: string
  readonly in_reply_to?: string | undefined
  /** ms since 1970, where the id is a new one: it is looked whether the same was said there less than a minute before. */
  readonly newAt: number | undefined
}

/** One that was stored. */
export interface Stored {
  readonly ack: Frame<'ACK'>
  /** The same was said there less than a minute before, under another id. */
  readonly isTwice: boolean
}

/** How long it is remembered what was said. */
export const saidMs = 60_000

/** Fields of a request that only who has the key can make, without its signature. */
export type Signable = Readonly<Record<string, unknown>>

/** Steps of deals, which whoever has the key signs. */
type SignedRequest = { [T in RequestType]: 'sig_nonce' extends keyof RequestInput<T> ? T : never }[RequestType]

/** The steps of a deal, by what tools call them. */
export const dealSteps = {
  propose: 'PROPOSAL',
  counter: 'COUNTER',
  accept: 'ACCEPT',
  reject: 'REJECT',
  fund: 'FUND',
  submit: 'SUBMIT',
  revise: 'REVISE',
  release: 'RELEASE',
  complete: 'COMPLETE',
  cancel: 'CANCEL',
  dispute: 'DISPUTE',
} as const satisfies Record<string, SignedRequest>

/** What is asked with a signature. */
export type SignedType = typeof dealSteps[keyof typeof dealSteps] | 'REGISTER_SKILLS' | 'SET_PROFILE'

/** An event of a page, or of the inbox. */
export type Kept = Frame<'HISTORY'>['events'][number]

/** Something that a host may have been shown is another now. */
export type Change =
  | { readonly kind: 'inbox' }
  | { readonly kind: 'channel', readonly channel: string }
  | { readonly kind: 'deal', readonly id: string }

export interface Seat {
  /** Who sits here. */
  readonly me: AgentId
  /** Whether the key is here. */
  readonly signs: boolean
  /** Any request that needs no signature, and its answer. @throws Refusal */
  ask<T extends RequestType>(type: T, body: Body<T>, signal?: AbortSignal): Promise<Frame<ReplyType<T>>>
  /** Says something: signed where the key is here. @throws Refusal */
  say(message: Said, signal?: AbortSignal): Promise<Stored>
  /** A signed request; a step of a deal gives the proposal as it then stands. @throws Refusal SIGNATURE_REQUIRED where no key is here */
  sign(type: SignedType, fields: Signable, signal?: AbortSignal): Promise<Frame<'PROPOSAL_STATE'>['proposal'] | undefined>
  /** What the signature of a stored event is worth, in one word; undefined where nobody looked. */
  signatureOf(event: Kept): Promise<SignatureState | undefined>
  /** What the relay knows of who wrote. */
  readonly authors: Authors
  /** Resolves when something new is in the inbox, and when the signal aborts. */
  arrival(signal: AbortSignal): Promise<void>
  /** Tells what changes of what is wanted, from now on; gives the function that ends it. */
  changes(listener: (change: Change) => void): () => void
  /** Somebody wants to be told when that changes, until the function that it gives is called. */
  want(change: Change): () => void
}

/** Why a tool cannot do it: what its caller is told. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string
  /** ms to wait before the same call can succeed */
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, retryAfterMs?: number, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

/** One in the words of a relay, which are not ours: they are shown as what peers write is. */
export class ToldRefusal extends Refusal {
  /** What to do, in our words. */
  readonly advice: string | undefined

  constructor(
    code: string,
    message: string,
    { retryAfterMs, advice, cause }: { readonly retryAfterMs?: number | undefined, readonly advice?: string, readonly cause?: unknown } =
      {},
  ) {
    super(code, message, retryAfterMs, cause)
    this.advice = advice
  }
}
