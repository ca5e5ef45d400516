// What is unread, what others think of messages, and what is pinned. Apart from the client, so that a page that needs none of it carries none.
import { told, type AgentId, type ChannelName, type Frame, type Target, type Told } from '../protocol/index.ts'
import type { AgentChatClient } from './client.ts'
import { pagesOf } from './pages.ts'
import type { CallOptions } from './pending.ts'

type Asker = Pick<AgentChatClient, 'request'>
type Unread = Told<'UNREAD'>

/**
 * How much is unread, in each channel the agent belongs to and of each agent that wrote to it: all pages.
 * @throws RelayError
 * @example for (const { channel, unread } of (await unreadIn(client)).channels) console.log(channel, unread)
 */
export const unreadIn = async (client: Asker, options?: CallOptions): Promise<Pick<Unread, 'channels' | 'direct'>> => {
  const channels: Unread['channels'] = []
  const direct: Unread['direct'] = []
  const pages = pagesOf({
    read: async (after: ChannelName | undefined) =>
      told(await client.request('UNREAD', { ...(after !== undefined && { after }) }, options)),
    entries: page => page.channels,
    more: ({ more }) => more === true,
    next: page => page.channels.at(-1)?.channel,
    order: 'rising',
  })
  for await (const page of pages) {
    channels.push(...page.channels)
    direct.push(...page.direct)
  }
  return { channels, direct }
}

/**
 * Says that a channel, or what an agent wrote, is read: up to a number, or all of it. The agent's other sessions hear of it (event `READ`).
 * @throws RelayError NOT_INVITED, SIGNATURE_REQUIRED (an agent without a key), INVALID_MSG
 */
export const markRead = async (client: Asker, place: Target, seq?: number, options?: CallOptions): Promise<void> => {
  await client.request('READ', { ...placeOf(place), ...(seq !== undefined && { seq }) }, options)
}

/**
 * Reacts to a message; gives how it stands then.
 * @throws RelayError MESSAGE_NOT_FOUND, NOT_INVITED, LIMIT_REACHED …
 * @example await react(client, message.id, '👍')
 */
export const react = async (client: Asker, msgId: string, kind: string, options?: CallOptions): Promise<Told<'REACTED'>> =>
  told(await client.request('REACT', { msg_id: msgId, kind }, options))

/** Takes a reaction back. @throws as `react` */
export const unreact = async (client: Asker, msgId: string, kind: string, options?: CallOptions): Promise<Told<'REACTED'>> =>
  told(await client.request('UNREACT', { msg_id: msgId, kind }, options))

/** How a message stands. */
export type ReactedMessage = Told<'REACTIONS'>['list'][number]

/** Messages whose reactions are kept; beyond, those that changed longest ago go. */
const maxKept = 10_000

/**
 * How the messages of a channel, or with an agent, stand: from what is heard (event `REACTED`), and after a gap from what changed meanwhile.
 * @example
 * const reactions = new ReactionsTo(client, '#general')
 * await reactions.catchUp() // at first, and after each reconnect
 * client.on('REACTED', ({ frame }) => reactions.hear(frame))
 */
export class ReactionsTo {
  readonly #client: Asker
  readonly #place: Target
  readonly #messages = new Map<string, ReactedMessage>()
  #newest = 0

  constructor(client: Asker, place: Target) {
    this.#client = client
    this.#place = place
  }

  /** A frame that was heard; of other places it is passed over, and one that is older than what is known too. */
  hear(frame: Frame<'REACTED'>): void {
    if ((frame.channel ?? frame.with) !== this.#place) return
    const { msgId, seq, changed, sums } = told(frame)
    const known = this.#messages.get(msgId)
    // What was told here is no sign that all before it was.
    if (known === undefined || known.changed < changed) this.#keep({ ...known, msgId, seq, changed, sums } as ReactedMessage)
  }

  /** Asks what changed since it was asked last. */
  async catchUp(options?: CallOptions): Promise<void> {
    for (let more = true; more;) {
      const page = told(await this.#client.request('REACTIONS', { ...placeOf(this.#place), since: this.#newest }, options))
      for (const each of page.list) {
        this.#newest = Math.max(this.#newest, each.changed)
        if ((this.#messages.get(each.msgId)?.changed ?? 0) <= each.changed) this.#keep(each)
      }
      more = page.more && page.list.length > 0
    }
  }

  /** How a message stands; undefined: nobody reacted, as far as is known. */
  of(msgId: string): ReactedMessage | undefined {
    const found = this.#messages.get(msgId)
    return found === undefined || found.sums.length === 0 ? undefined : found
  }

  #keep(message: ReactedMessage): void {
    this.#messages.delete(message.msgId)
    this.#messages.set(message.msgId, message)
    if (this.#messages.size > maxKept) { for (const [first] of this.#messages) return void this.#messages.delete(first) }
  }
}

const placeOf = (place: Target): { readonly with: AgentId } | { readonly channel: ChannelName } =>
  place.startsWith('@') ? { with: place as AgentId } : { channel: place as ChannelName }
