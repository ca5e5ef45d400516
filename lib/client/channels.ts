// Channels as one who owns them, or runs the relay, sees them: who belongs to them, whose they are, and their end.
import type { AgentId, Asked, ChannelName, Told } from '../protocol/index.ts'
import { pagesOf } from './pages.ts'
import type { ClientPort } from './port.ts'
import type { CallOptions } from './pending.ts'

/** The relay's admin key, for who is neither the owner nor an admin agent. */
export interface OwnerOptions extends CallOptions {
  readonly adminKey?: string | undefined
}

/** What `client.channels` offers. */
export class Channels {
  readonly #port: ClientPort

  constructor(port: ClientPort) {
    this.#port = port
  }

  /**
   * Everyone who belongs to a channel, connected or not, all pages; its owner and admins also learn who is invited.
   * @throws RelayError CHANNEL_NOT_FOUND, NOT_INVITED
   * @example const { list } = await client.channels.members('#builders')
   */
  async members(
    channel: ChannelName,
    { adminKey, ...options }: OwnerOptions = {},
  ): Promise<Pick<Told<'MEMBERS'>, 'list' | 'owner' | 'invited'>> {
    const list: Told<'MEMBERS'>['list'] = []
    let first: Told<'MEMBERS'> | undefined
    const pages = pagesOf<Told<'MEMBERS'>, AgentId>({
      read: after => this.#port.ask('MEMBERS', { channel, adminKey, after }, options),
      entries: page => page.list,
      more: page => page.more,
      next: page => page.list.at(-1)?.id,
      order: 'rising',
    })
    for await (const page of pages) {
      first ??= page
      list.push(...page.list)
    }
    return { ...first!, list }
  }

  /**
   * Deletes a channel with all that was said in it. Its owner may, and an admin.
   * @throws RelayError AUTH_REQUIRED, CHANNEL_NOT_FOUND
   */
  async delete(channel: ChannelName, options: OwnerOptions = {}): Promise<void> {
    await this.#owned('DELETE_CHANNEL', { channel }, options)
  }

  /**
   * Puts a member out; into a private channel it comes back by a new invitation only.
   * @throws RelayError AUTH_REQUIRED, CHANNEL_NOT_FOUND, AGENT_NOT_FOUND
   */
  async remove(channel: ChannelName, agent: AgentId, options: OwnerOptions = {}): Promise<void> {
    await this.#owned('REMOVE_MEMBER', { channel, agent }, options)
  }

  /**
   * Takes an open invitation back.
   * @throws RelayError AUTH_REQUIRED, CHANNEL_NOT_FOUND, AGENT_NOT_FOUND
   */
  async uninvite(channel: ChannelName, agent: AgentId, options: OwnerOptions = {}): Promise<void> {
    await this.#owned('UNINVITE', { channel, agent }, options)
  }

  /**
   * Gives a channel to another agent, or says who may set its topic.
   * @throws RelayError AUTH_REQUIRED, CHANNEL_NOT_FOUND, AGENT_NOT_FOUND
   * @example await client.channels.change('#builders', { owner: '@8addfe276526c9f6' })
   */
  change(
    channel: ChannelName,
    change: { readonly owner?: AgentId, readonly topicBy?: 'members' | 'owner', readonly editWindowMs?: number | null },
    options: OwnerOptions = {},
  ): Promise<Told<'CHANNEL_CHANGED'>> {
    return this.#owned('SET_CHANNEL', { channel, ...change }, options)
  }

  #owned<T extends 'SET_CHANNEL' | 'DELETE_CHANNEL' | 'REMOVE_MEMBER' | 'UNINVITE'>(
    type: T,
    fields: Omit<Asked<T>, 'adminKey'>,
    { adminKey, ...options }: OwnerOptions,
  ) {
    return this.#port.ask<T>(type, { ...fields, adminKey } as Asked<T>, options)
  }
}
