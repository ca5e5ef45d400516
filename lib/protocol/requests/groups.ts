// What is asked about groups of a channel.
import * as z from 'zod/mini'
import { request } from '../define.ts'
import { AgentId, ChannelAddress } from '../fields.ts'
import { limits } from '../limits.ts'

/** No other mention is called so; an agent whose id is such a name is mentioned instead of the group. */
const GroupName = z.string().check(
  z.regex(
    /^(?!(?:here|[a-z0-9]{8}|[0-9a-f]{16})$)[a-z][a-z0-9_-]{1,31}$/,
    'a group: a letter and 1–31 of a–z 0–9 _ -, but not here, nor 8 letters and digits or 16 hex digits, which are ids of agents',
  ),
)

export const requests = {
  SET_GROUP: request('channel.arrange', {
    body: { channel: ChannelAddress, group: GroupName, members: z.array(AgentId).check(z.maxLength(limits.maxGroupMembers)) },
    cost: { message: true, frames: 4, each: 'members', audience: 'members' },
    reply: 'GROUP_CHANGED',
  }),
  GROUPS: request('talk.read', {
    body: { channel: ChannelAddress },
    cost: { frames: 4 },
    reply: 'GROUPS',
  }),
}
