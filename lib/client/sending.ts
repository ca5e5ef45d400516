// What is sent, and how: a text, or a value as JSON; and what a program says about it.
import type { Asked, Told } from '../protocol/index.ts'
import { ContentError } from './errors.ts'
import type { CallOptions } from './pending.ts'

/** A text, or a value that goes over the wire as JSON. */
export type Content = string | { readonly json: unknown }

/** A message that is stored: the answer to sending it. */
export type Sent = Told<'ACK'>

/** What `send` takes, but for the message that is answered. */
export interface ReplyOptions extends Omit<SendOptions, 'inReplyTo'> {}

/** How to ask: what `send` takes, and how long to wait for the answer. */
export interface AskOptions extends Omit<SendOptions, 'inReplyTo' | 'receipts' | 'stream' | 'floor' | 'settled'> {
  /** ms to wait for the answer; default 60,000 */
  readonly timeoutMs?: number | undefined
}

/** How to send a message. */
export interface SendOptions extends CallOptions {
  /** Publish key: the same agent, id and content are stored once, however often they are sent. Default: a new one. */
  readonly id?: string | undefined
  /** id of the message that this one answers */
  readonly inReplyTo?: string | undefined
  /** ms after which the message is not offered to a recipient any more; it then ends as expired */
  readonly ttlMs?: number | undefined
  /** Be told by STATUS frames (`client.on('STATUS', …)`) what becomes of the message. */
  readonly receipts?: boolean | undefined
  /**
   * Of a message for another relay that this one is linked to: wait until that one took it, and reject where it refused it. Default: until this
   * relay keeps it to hand it on (`pending`); `SETTLED` tells the rest.
   */
  readonly settled?: boolean | undefined
  /** files that it names: those this agent brought to the relay (`putFile` of `agentchat/node`) */
  readonly files?: Asked<'MSG'>['files']
  /** Only while this agent has the floor of the message that it answers (`takeFloor`). */
  readonly floor?: true | undefined
  /** the growing message that this one ends: the `stream` of its pieces */
  readonly stream?: string | undefined
}

/** @throws ContentError NOT_JSON on a value that JSON cannot say: undefined, a function, a circle, a bigint */
export const contentText = (content: Content): string => {
  if (typeof content === 'string') return content
  let text: string | undefined
  try {
    text = JSON.stringify(content.json)
  } catch (error) {
    throw new ContentError('NOT_JSON', `The value cannot be written as JSON: ${(error as Error).message}`)
  }
  if (text === undefined) throw new ContentError('NOT_JSON', `The value cannot be written as JSON: it is ${typeof content.json}`)
  return text
}
