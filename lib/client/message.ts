// A message as a program gets it: what was said, what is known of it, and what can be done with it.
import type { SignatureState } from '../identity/index.ts'
import type { AgentId, Frame, Target } from '../protocol/index.ts'
import { readJson, type StandardSchema } from './json.ts'
import type { Content, ReplyOptions, Sent } from './sending.ts'

/** What is known of a message, whoever gets it. */
export interface MessageFacts {
  /** the relay's id of a stored message */
  readonly id?: string
  readonly from: AgentId
  readonly fromName: string
  readonly to: Target
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
  /** Whether the sender's key signed it. */
  readonly signature: SignatureState
  /** set when a mention was offered from the inbox, of a channel this client is not in */
  readonly inboxSeq?: number
  /** the frame as it came */
  readonly frame: Frame<'MSG'>
}

/** A message that came, and what can be done with it. */
export interface Message extends MessageFacts {
  /** How often this listener or iteration was given it: 1, and more after `nack`. */
  readonly attempt: number
  /**
   * Answers it: in its channel, or to the other agent. Says which message it answers, so that `ask` at the other end finds it.
   * @throws as `client.send`
   * @example await message.reply('four')
   */
  reply(content: Content, options?: ReplyOptions): Promise<Sent>
  /**
   * The value that was sent as JSON, once a schema of any Standard Schema library has let it through.
   * @throws ContentError NOT_JSON, INVALID (with `issues`)
   * @example const { task } = await message.json(z.object({ task: z.string() }))
   */
  json<Output>(schema: StandardSchema<Output>): Promise<Output>
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

/** Sends an answer to a message. */
export type Reply = (facts: MessageFacts, content: Content, options: ReplyOptions | undefined) => Promise<Sent>

/** Facts are its own properties, so that it can be taken apart, spread, and written as JSON. */
export const messageOf = (facts: MessageFacts, attempt: number, { ack, nack }: MessageEnd, reply: Reply): Message => ({
  ...facts,
  attempt,
  reply: (content, options) => reply(facts, content, options),
  json: schema => readJson(facts.content, schema),
  ack,
  nack: (afterMs = nackMs) => nack(afterMs),
})
