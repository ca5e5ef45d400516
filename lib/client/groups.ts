// Groups of channels. Apart from the client, so that a page that needs none of it carries none.
import { told, type AgentId, type ChannelName, type Told } from '../protocol/index.ts'
import type { AgentChatClient } from './client.ts'
import type { CallOptions } from './pending.ts'

type Asker = Pick<AgentChatClient, 'request'>

/**
 * Says who is in a group of a channel: `@group` in a message there mentions those of them that are members with a key. Nobody: the group
 * is no more.
 * @throws RelayError AUTH_REQUIRED (its owner's, unless it lets its members), NOT_INVITED, INVALID_MSG (no such name), LIMIT_REACHED
 * @example await setGroup(client, '#builders', 'reviewers', ['@8addfe276526c9f6'])
 */
export const setGroup = async (
  client: Asker,
  channel: ChannelName,
  group: string,
  members: readonly AgentId[],
  options?: CallOptions,
): Promise<Told<'GROUP_CHANGED'>> => told(await client.request('SET_GROUP', { channel, group, members: [...members] }, options))

/** The groups of a channel, by name. @throws RelayError CHANNEL_NOT_FOUND, NOT_INVITED */
export const groupsOf = async (client: Asker, channel: ChannelName, options?: CallOptions): Promise<Told<'GROUPS'>['list']> =>
  told(await client.request('GROUPS', { channel }, options)).list
