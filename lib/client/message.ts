// A message as a program gets it: what was said, what is known of it, and what can be done with it.
import type { Frame } from '../protocol/index.ts'

/** Whether the sender's key signed the message. unknown-key: signed, but the relay could not show a key that belongs to the sender's id. */
export type SignatureState = 'valid' | 'invalid' | 'none' | 'unknown-key'

/** What is known of a message, whoever gets it. */
export interface MessageFacts {
  /** the relay's id of a stored message */
  readonly id?: string
  /** "@…" */
  readonly from: string
  readonly fromName: string
  /** "#channel" or "@agent" */
  readonly to: string
  readonly content: string
  /** relay time in ms, strictly rising per stream */
  readonly ts: number
  /** position in the channel, or in the direct messages of the pair */
  readonly seq?: number
  /** read from the log, not live */
  readonly replay: boolean
  /** the operator approved the sender */
  readonly verified: boolean
  readonly mine: boolean
  readonly inReplyTo?: string
  readonly signature: SignatureState
  /** set when a mention was offered from the inbox, of a channel this client is not in */
  readonly inboxSeq?: number
  /** the frame as it came */
  readonly frame: Frame<'MSG'>
}

export interface Message extends MessageFacts {
  /** How often this listener or iteration was given it: 1, and more after `nack`. */
  readonly attempt: number
  /**
   * It was handled: it counts as received, and does not come again. With `ack: 'auto'` that is said when the loop asks for the next
   * message, or when the listener's promise settles; saying it earlier does no harm.
   */
  ack(): void
  /** It was not handled: it comes again to the same listener or iteration, after `afterMs` (default 1,000). */
  nack(afterMs?: number): void
}

/** What becomes of a message that a reader has. */
export interface MessageEnd {
  ack(): void
  nack(afterMs: number): void
}

/** When a message counts as handled: `auto` as soon as the program is done with it, `manual` when the program says so (`message.ack()`). */
export type AckMode = 'auto' | 'manual'

/** How long a message that was given back stays away. */
const nackMs = 1_000

/** Facts are its own properties, so that it can be taken apart, spread, and written as JSON. */
export const messageOf = (facts: MessageFacts, attempt: number, { ack, nack }: MessageEnd): Message => ({
  ...facts,
  attempt,
  ack,
  nack: (afterMs = nackMs) => nack(afterMs),
})
