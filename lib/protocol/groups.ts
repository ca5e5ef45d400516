// What is said of groups: names in a channel that mention several of its members.
import * as z from 'zod/mini'
import { signal } from './define.ts'
import { AgentId, ChannelName } from './fields.ts'

const Group = { group: z.string(), members: z.array(AgentId) }

export const frames = {
  GROUP_CHANGED: signal({ body: { channel: ChannelName, ...Group, by: AgentId } }),
  GROUPS: signal({ body: { channel: ChannelName, list: z.array(z.object(Group)) } }),
}
