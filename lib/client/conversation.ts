// What happens to messages after they were said: edits, retractions, answers. Apart from the client, so that a page that needs none of it carries none.
import {
  agentIdOf,
  changeTextOf,
  contentHashOf,
  editText,
  randomNonce,
  retractText,
  verify as verifyHere,
  type Identity,
  type SignatureState,
} from '../identity/index.ts'
import { fieldLimits } from '../protocol/field-limits.ts'
import { told, type Asked, type Frame, type Told } from '../protocol/index.ts'
import type { AgentChatClient } from './client.ts'
import { firstOf } from './pages.ts'
import type { CallOptions } from './pending.ts'
import { contentText, type Content, type Sent } from './sending.ts'
import type { VerifySignature } from './signature-check.ts'

/** How a conversation is led. */
export interface ConversationOptions {
  /** What edits and retractions are signed with, where the relay has proved who it is; without it they are not signed. */
  readonly identity?: Identity | undefined
  /** Checks a signature; default: the library's own, in JavaScript. */
  readonly verify?: VerifySignature | undefined
}

/** How to edit a message. */
export interface EditOptions extends CallOptions {
  /** Those of its files that stay, as they are there; without it all of them do. */
  readonly files?: Asked<'EDIT'>['files']
}

/** A message of one's own, as it came, or an edit of it. */
export interface Changed {
  readonly id?: string
  readonly content: string
  readonly frame?: Frame<'MSG'>
}

/** What can be done with messages that were said. */
export interface Conversation {
  /**
   * Says a message of one's own anew. `message` is what is replaced, as it says now; of an id alone the relay is asked for that.
   * @throws RelayError EDIT_CONFLICT (it says something else meanwhile), AUTH_REQUIRED, MESSAGE_NOT_FOUND, LIMIT_REACHED …
   * @example await conversation(client).edit(sent.msgId, 'Hello.')
   */
  edit(message: string | Changed, content: Content, options?: EditOptions): Promise<Sent>
  /**
   * Takes a message back, named by its own id: what it said, and what its edits said, is gone from the relay. Its author may; in a channel
   * the owner too.
   * @throws RelayError AUTH_REQUIRED, MESSAGE_NOT_FOUND
   */
  retract(id: string, options?: CallOptions): Promise<Sent>
  /** What a message said at first, and all that became of it, oldest first. @throws RelayError MESSAGE_NOT_FOUND */
  edits(id: string, options?: CallOptions): Promise<Told<'EDITS'>['events']>
  /**
   * A page of a thread, which any message of it names: the first one with the message that it begins with; the next one is `after` the last
   * `seq` of this. @throws RelayError MESSAGE_NOT_FOUND
   */
  thread(id: string, page?: { readonly after?: number, readonly limit?: number }, options?: CallOptions): Promise<Told<'THREAD'>>
  /** Keeps what mentions this agent in a thread out of its inbox, or lets it in again. @throws RelayError SIGNATURE_REQUIRED, MESSAGE_NOT_FOUND */
  muteThread(id: string, muted?: boolean, options?: CallOptions): Promise<void>
  /**
   * Whether its author signed an edit or a retraction, for this relay. The key is asked of the relay. Of other messages
   * `client.signatureOf` tells.
   */
  signatureOf(frame: Frame<'MSG'>, options?: CallOptions): Promise<SignatureState>
}

/**
 * Edits, retractions and threads, by way of a client.
 * @example const { edit, retract } = conversation(client, { identity })
 */
export const conversation = (
  client: Pick<AgentChatClient, 'request' | 'relayId' | 'whois'>,
  { identity, verify = verifyHere }: ConversationOptions = {},
): Conversation => {
  /** Signed where it is known for whom. */
  const signed = async (textOf: (stamp: { by: string, relay: string, ts: number, nonce: string }) => string) => {
    const relay = client.relayId
    if (identity === undefined || relay === undefined) return {}
    const [ts, nonce] = [Date.now(), randomNonce()]
    return { ts, nonce, sig: await identity.sign(textOf({ by: identity.agentId, relay, ts, nonce })) }
  }

  const edits = (id: string, options?: CallOptions): Promise<Told<'EDITS'>['events']> =>
    firstOf(Infinity, {
      read: async (after: number | undefined) =>
        told(await client.request('EDITS', { msg_id: id, ...(after !== undefined && { after }) }, options)),
      entries: ({ events }) => events,
      more: ({ more }) => more,
      next: ({ events }) => events.at(-1)?.seq,
      order: 'rising',
    })

  /** Whether another agent said it, as far as can be read: only its author signs that a message is taken back. */
  const isOfOther = async (msg_id: string, options: CallOptions | undefined): Promise<boolean> => {
    if (identity === undefined) return false
    const page = await client.request('EDITS', { msg_id, limit: 1 }, options).catch(() => undefined)
    return page !== undefined && page.events[0]?.['from'] !== identity.agentId
  }

  return {
    edits,
    async edit(message, content, { files, ...options } = {}) {
      const text = contentText(content)
      const { id: msg_id = '', content: replaced } = typeof message === 'string' ? newestOf(await edits(message, options)) : itself(message)
      const prev = contentHashOf(replaced)
      return told(
        await client.request('EDIT', {
          msg_id,
          content: text,
          prev,
          ...(files !== undefined && { files: [...files] }),
          ...await signed(stamp => editText({ ...stamp, msg_id, content: text, prev, files })),
        }, options),
      )
    },
    async retract(msg_id, options) {
      const signature = await isOfOther(msg_id, options) ? {} : await signed(stamp => retractText({ ...stamp, msg_id }))
      return told(await client.request('RETRACT', { msg_id, ...signature }, options))
    },
    async thread(msg_id, page = {}, options) {
      return told(await client.request('THREAD', { msg_id, ...page }, options))
    },
    async muteThread(msg_id, muted = true, options) {
      await client.request('MUTE_THREAD', { msg_id, muted }, options)
    },
    async signatureOf(frame, options) {
      const { sig, relay, sig_ts = 0 } = frame.edit ?? frame.retract ?? {}
      if (sig === undefined) return 'none'
      const { pubkey } = await client.whois(frame.from, options)
      // The id is the hash of the key: a relay cannot pass off another one.
      if (pubkey === null || agentIdOf(pubkey) !== frame.from) return 'unknown-key'
      const text = changeTextOf(frame)
      if (text === undefined || !await verify(pubkey, text, sig)) return 'invalid'
      if (relay !== client.relayId) return 'foreign'
      return Math.abs(frame.ts - sig_ts) <= fieldLimits.maxClockSkewMs ? 'valid' : 'stale'
    },
  }
}

/** Whether a message is in the thread that begins with one, or is that one, or changes it. */
export const isInThread = ({ msg_id, in_reply_to, thread, edit, retract }: Frame<'MSG'>, root: string): boolean =>
  msg_id === root || (edit ?? retract)?.of === root || (thread ?? in_reply_to) === root

/** The message itself, of an edit too: what is signed names that. */
const itself = ({ id, content, frame }: Changed) => ({ id: frame?.edit?.of ?? id, content })

const newestOf = (events: Told<'EDITS'>['events']): { readonly id: string, readonly content: string } => ({
  id: String(events[0]?.frame['msg_id']),
  content: String(events.at(-1)?.frame['content']),
})
