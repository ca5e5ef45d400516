// Channels and agents where a program has a mere text: typed in by a person, or read from a file.
import { AgentAddress, ChannelAddress } from '../protocol/fields.ts'
import type { AgentId, ChannelName, Target } from '../protocol/index.ts'
import { ContentError } from './errors.ts'

/** Whether a text is a channel: `#general`, or `#general@chat.example` for one at another relay. */
export const isChannel = (text: string): text is ChannelName => ChannelAddress.safeParse(text).success

/** Whether a text is the id of an agent: `@8addfe276526c9f6`, or `@8addfe276526c9f6@chat.example` for one at another relay. */
export const isAgent = (text: string): text is AgentId => AgentAddress.safeParse(text).success

/** Whether a text is something that a message can be sent to. */
export const isTarget = (text: string): text is Target => isChannel(text) || isAgent(text)

/**
 * The channel that a text names, with or without its `#`.
 * @throws ContentError BAD_NAME
 * @example await client.join(channelName(process.argv[2] ?? 'general'))
 */
export const channelName = (text: string): ChannelName => {
  const name = text.startsWith('#') ? text : `#${text}`
  if (!isChannel(name)) throw new ContentError('BAD_NAME', `${JSON.stringify(text)} is not a channel: they are written like #general`)
  return name
}

/**
 * The agent that a text names, with or without the `@`: as in an identity file.
 * @throws ContentError BAD_NAME
 * @example await client.dm(agentId('8addfe276526c9f6'), 'are you there?')
 */
export const agentId = (text: string): AgentId => {
  const id = text.startsWith('@') ? text : `@${text}`
  if (!isAgent(id)) throw new ContentError('BAD_NAME', `${JSON.stringify(text)} is not an agent: ids are written like @8addfe276526c9f6`)
  return id
}
