// What the owner of a channel may do beside its members: give it away, delete it, put members out, take invitations back.
import { findAgent, invitationsOf, isInvited, isMember, removeInvitation, removeMembership } from '../../../store/agents.ts'
import { changeChannel, membersAfter } from '../../../store/channels.ts'
import { endChannel } from '../../../store/endings.ts'
import { settingsGiven, settingsOf } from './settings.ts'
import { channelOfInsider, Fail, noChannel, notify, reply, statusNotices, type Agent, type Feature } from '../../../relay/feature.ts'

export interface OwnershipOptions {
  readonly maxAgentsPage: number
  /** Channels of the configuration: they are made at each start, so that nothing deletes them for good. */
  readonly channels: readonly string[]
  readonly autoJoin: readonly string[]
}

type Requests = 'SET_CHANNEL' | 'DELETE_CHANNEL' | 'MEMBERS' | 'REMOVE_MEMBER' | 'UNINVITE'

/** Who acts: an admin may have no session. */
const by = (me: Agent | undefined): string => me?.id ?? '@server'

const notIn = (agent: string, channel: string): Fail => new Fail('AGENT_NOT_FOUND', `${agent} is not in ${channel}`)

export const ownership = ({ maxAgentsPage, channels, autoJoin }: OwnershipOptions): Feature<Requests>['handlers'] => ({
  SET_CHANNEL: {
    async write(
      { me, channel: { info }, tx },
      { owner: newOwner, topic_by: newTopicBy, edit_window_ms: newEditWindowMs, ...given },
    ) {
      const isGiven = newOwner !== undefined && newOwner !== info.owner
      // Whoever rotates its key at another process waits, and takes it along.
      if (isGiven) await tx.lockedOut([newOwner])
      if (isGiven && (await findAgent(tx, newOwner))?.revoked_at !== null)
        throw new Fail('AGENT_NOT_FOUND', `No agent ${newOwner} with a key that is good is known here`)
      const changed = await changeChannel(tx, info.name, {
        ...(newOwner !== undefined && { owner: newOwner }),
        ...(newTopicBy !== undefined && { topicBy: newTopicBy }),
        ...(newEditWindowMs !== undefined && { editWindowMs: newEditWindowMs }),
        settings: settingsGiven(given),
      })
      if (changed === undefined) throw noChannel(info.name)
      const { owner, topicBy, editWindowMs } = changed
      const frame = {
        channel: info.name,
        ...(owner !== null && { owner }),
        topic_by: topicBy,
        ...settingsOf(changed),
        ...(editWindowMs !== null && { edit_window_ms: editWindowMs }),
        by: by(me),
      }
      return {
        reply: reply('CHANNEL_CHANGED', frame),
        notify: [notify({ kind: 'channel', channel: info.name, exceptAsker: true }, 'CHANNEL_CHANGED', frame)],
        effects: [{ kind: 'channel', info: changed }],
      }
    },
  },
  DELETE_CHANNEL: {
    async write({ me, channel: { info: { name } }, tx }) {
      if (channels.includes(name) || autoJoin.includes(name))
        throw new Fail('INVALID_MSG', `${name} is a channel of the configuration: take it out of \`channels\` and \`autoJoin\` first`)
      const version = await endChannel(tx, name)
      if (version === undefined) throw noChannel(name)
      return { reply: reply('OK', {}), effects: [{ kind: 'channelEnds', channel: name, by: by(me), version }] }
    },
  },
  MEMBERS: {
    async read(ctx, { channel: name, after = '', limit = maxAgentsPage }) {
      const { db, roster } = ctx
      const { channel, isRuler } = channelOfInsider(ctx, name)
      const { owner } = channel.info
      const members = await membersAfter(db, name, after, limit + 1)
      return reply('MEMBERS', {
        channel: name,
        ...(owner !== null && { owner }),
        list: members.slice(0, limit).map(({ agent: id, name }) => {
          const here = roster.agent(id)
          return { id, name: here?.name ?? name, connected: here !== undefined }
        }),
        more: members.length > limit,
        ...(isRuler && after === '' && { invited: (await invitationsOf(db, name)).map(({ agent, by, at }) => ({ id: agent, by, at })) }),
      })
    },
  },
  REMOVE_MEMBER: {
    async write({ me, channel, tx, roster, now }, { agent }) {
      const { name, private: isPrivate } = channel.info
      const here = roster.agent(agent)
      // Who is there for as long as it is connected is in no table.
      const isHere = here !== undefined && channel.agents.has(here) && !here.memberships.has(name)
      const isLasting = await isMember(tx, agent, name)
      if (!isHere && !isLasting) throw notIn(agent, name)
      // Another owner's session may put it out at another process at this moment.
      if (isLasting && !await removeMembership(tx, agent, name)) throw notIn(agent, name)
      await removeInvitation(tx, agent, name)
      // What waits for it from there it may not read any more.
      const withdrawn = isPrivate ? await tx.keep.withdraw(agent, [name], now) : []
      const effects = [{ kind: 'remove', channel: name, agent, by: by(me) }] as const
      return { reply: reply('OK', {}), notify: statusNotices(withdrawn), effects }
    },
  },
  UNINVITE: {
    async write({ channel: { info: { name } }, tx }, { agent }) {
      // It may be followed, or taken back, at another process at this moment.
      if (!await isInvited(tx, agent, name) || !await removeInvitation(tx, agent, name))
        throw new Fail('AGENT_NOT_FOUND', `${agent} has no open invitation to ${name}`)
      return { reply: reply('OK', {}) }
    },
  },
})
