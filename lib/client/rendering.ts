// Messages as text for a model or a program: with what is known of who wrote them, in a fence that they cannot close.
import {
  authorOf,
  cut,
  fenced,
  fenceNote,
  markBeyond,
  provenanceOf,
  randomNonce,
  renderEvent,
  type Author,
  type Provenance,
  type RenderOptions,
  type SignatureState,
  word,
} from '../identity/index.ts'
import type { AgentId, Frame, Told } from '../protocol/index.ts'
import type { AgentChatClient } from './client.ts'
import { RelayError } from './errors.ts'

/** How long what the relay said of an author is taken to be so, and of how many. */
const freshMs = 5 * 60_000
const maxAuthors = 1_000

/** What the relay says of authors, asked once in a while. */
export class Authors {
  readonly #ask: (agent: AgentId) => Promise<Frame<'WHOIS'>>
  readonly #now: () => number
  readonly #known = new Map<string, { readonly at: number, readonly author: Promise<Author | undefined> }>()

  /** `ask`: WHOIS; `now`: ms since 1970. */
  constructor(ask: (agent: AgentId) => Promise<Frame<'WHOIS'>>, now: () => number = Date.now) {
    this.#ask = ask
    this.#now = now
  }

  /** undefined: the relay knows none of that id, or cannot be asked. Never rejects. */
  of(id: unknown): Promise<Author | undefined> {
    if (typeof id !== 'string') return Promise.resolve(undefined)
    const now = this.#now()
    const known = this.#known.get(id)
    if (known !== undefined && now - known.at < freshMs) return known.author
    const author = this.#ask(id as AgentId).then(told => authorOf(id, told)).catch((error: unknown) => {
      // That there is none stays so for a while, too: much of what was said is by guests who are gone.
      if (!(error instanceof RelayError) || error.shouldRetry()) this.#known.delete(id)
      return undefined
    })
    this.#known.delete(id)
    if (this.#known.size >= maxAuthors) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(id, { at: now, author })
    return author
  }
}

/** A message as `client.messages` gives it, a `Job`, or an event of a page. */
export type Renderable =
  | { readonly frame: Frame<'MSG'> | Frame<'HISTORY'>['events'][number], readonly signature?: SignatureState | undefined }
  | { readonly event: Frame<'HISTORY'>['events'][number], readonly signature?: SignatureState | undefined }

/** What `renderer` gives. */
export interface Renderer {
  /** Where it comes from: who signed it, how long that key is known, what its author is trusted with. Never rejects. */
  provenance(message: Renderable): Promise<Provenance>
  /**
   * The message as text: who signed it, the age of the key, trust, hops; and what it says as data between marks that it cannot close, with
   * control characters, marks of direction and hidden characters written out.
   */
  render(message: Renderable, options?: RenderOptions): Promise<string>
}

/**
 * Shows messages to a model, or to a program that reads text. What the relay knows of an author is asked once in five minutes.
 * @example
 * const { render } = renderer(client)
 * for await (const message of client.messages()) await model.answer(await render(message))
 */
export const renderer = (
  client: Pick<AgentChatClient, 'request' | 'signatureOf'>,
  { now = Date.now }: { readonly now?: () => number } = {},
): Renderer => {
  const authors = new Authors(agent => client.request('WHOIS', { agent }), now)
  const eventOf = (message: Renderable) => ('frame' in message ? message.frame : message.event) as Frame<'HISTORY'>['events'][number]
  const signatureOf = async (message: Renderable) => {
    const event = eventOf(message)
    return message.signature ?? (event.type === 'MSG' ? await client.signatureOf({ frame: event }) : undefined)
  }
  const provenance = async (message: Renderable, signature?: SignatureState) => {
    const event = eventOf(message)
    return provenanceOf(event, signature ?? await signatureOf(message), await authors.of(event['by'] ?? event['from']))
  }
  return {
    provenance: message => provenance(message),
    async render(message, options) {
      const signature = await signatureOf(message)
      return renderEvent(eventOf(message), signature, await provenance(message, signature), options)
    },
  }
}

/**
 * A digest as text for a model: what was said in which channel, how much and by whom; names and beginnings of messages as data between marks
 * that they cannot close.
 * @example client.on('DIGEST', async digest => { await model.read(renderDigest(digest)) })
 */
export const renderDigest = (
  { frame: { ts, channel, from_seq, to_seq, count, senders, others, excerpts } }: Pick<Told<'DIGEST'>, 'frame'>,
  { maxChars = Infinity, draw = () => randomNonce().slice(0, 12) }: RenderOptions = {},
): string => {
  const { text, rest } = cut(JSON.stringify({ senders, others, excerpts }, undefined, 1), maxChars)
  const mark = markBeyond([text], draw)
  return [
    fenceNote(mark),
    `DIGEST channel=${word(channel)} at=${Math.abs(ts) < 8.64e15 ? new Date(ts).toISOString() : '?'} numbers=${word(from_seq)}-${
      word(to_seq)
    } messages=${word(count)}`,
    `${fenced(`\n${text}\n`, mark)}${rest === 0 ? '' : ` …${rest} more characters`}`,
    '',
  ].join('\n')
}
