// Groups of a channel: names that mention several of its members. What a channel has of them it knows in memory, so that a message that
// names none asks nothing.
import { changeChannel } from '../../../store/channels.ts'
import { groupsIn, setGroup } from '../../../store/groups.ts'
import { channelOfInsider, checkRight, Fail, noChannel, notify, reply, type Feature } from '../../../relay/feature.ts'

export interface GroupOptions {
  readonly maxGroupsPerChannel: number
}

type AgentIds = `@${string}`[]

export const groups = ({ maxGroupsPerChannel }: GroupOptions): Feature<'SET_GROUP' | 'GROUPS'> => ({
  scope: 'talk',
  handlers: {
    SET_GROUP: {
      async write({ me, channel, tx, isAdmin }, { group, members: given }) {
        checkRight('groupBy', me, channel, isAdmin)
        const { info } = channel
        const members = [...new Set(given)].sort()
        const others = (await groupsIn(tx, info.name)).filter(each => each.group !== group)
        if (members.length > 0 && others.length >= maxGroupsPerChannel)
          throw new Fail('LIMIT_REACHED',
            `${info.name} has ${maxGroupsPerChannel} groups, as many as it may (maxGroupsPerChannel); a group without members is none`)
        await setGroup(tx, info.name, group, members)
        const changed = await changeChannel(tx, info.name, {})
        if (changed === undefined) throw noChannel(info.name)
        const frame = { channel: info.name as `#${string}`, group, members, by: me.id as `@${string}` }
        return {
          reply: reply('GROUP_CHANGED', frame),
          notify: [notify({ kind: 'channel', channel: info.name, exceptAsker: true }, 'GROUP_CHANGED', frame)],
          effects: [{ kind: 'channel', info: changed }],
        }
      },
    },
    GROUPS: {
      async read(ctx, { channel }) {
        channelOfInsider(ctx, channel)
        const list = await groupsIn(ctx.db, channel)
        return reply('GROUPS', { channel, list: list.map(({ group, members }) => ({ group, members: [...members] as AgentIds })) })
      },
    },
  },
})
