// Channels: who is in, who may come in, what they are about.
import { hasHost } from '../../../../lib/protocol/index.ts'
import { askerFacts, type Policies } from '../../../domain/policies.ts'
import { planReplay } from '../../../domain/replay-plan.ts'
import {
  addInvitation,
  addMembership,
  countInvitations,
  forgetMemberships,
  isInvited,
  removeInvitation,
  removeMembership,
} from '../../../store/agents.ts'
import { addChannel, changeChannel } from '../../../store/channels.ts'
import { isBlocked } from '../../../store/blocks.ts'
import { isEnding } from '../../../store/endings.ts'
import { positionNow } from '../../../store/lives.ts'
import { pairStream, type Head } from '../../../store/log.ts'
import { invitationName, membershipName } from '../../../store/shares.ts'
import { goneReasonOf, standingOf } from '../../../store/standing.ts'
import type { TableReader } from '../../../store/store.ts'
import {
  againstPolicy,
  checkOpen,
  checkRight,
  Fail,
  mayEnter,
  mayRead,
  noChannel,
  notify,
  pageOf,
  reply,
  statusNotices,
  type Agent,
  type Append,
  type Channel,
  type ChannelInfo,
  type Effect,
  type Feature,
  type Reply,
  type Shares,
  type WriteCtx,
} from '../../../relay/feature.ts'
import { settingsOf } from './settings.ts'
import { IdleChannels, type IdleOptions } from './idle.ts'
import { ownership, type OwnershipOptions } from './ownership.ts'

/** Agents that one sweep looks at. */
const agedAtOnce = 100

export interface ChannelOptions extends OwnershipOptions, IdleOptions {
  /** Messages replayed by a JOIN that names no position. */
  readonly joinReplay: number
  readonly shares: Shares
  /** Time after which lasting memberships of agents that are away end, where there is little room. */
  readonly skillsAgeMs: number
  readonly maxMembersPerChannel: number
  readonly maxInvitationsPerChannel: number
  readonly maxJoinedAgents: number
  readonly maxChannelsPage: number
  readonly policies: Policies
  readonly createChannels: 'anyone' | 'keyed' | 'verified'
  /** Since when (ms) the home of a channel that is mirrored here is not heard. */
  readonly staleSince: (db: TableReader, channel: string, now: number) => Promise<number | undefined>
}

type Requests =
  | 'JOIN'
  | 'LEAVE'
  | 'LIST_CHANNELS'
  | 'LIST_AGENTS'
  | 'CREATE_CHANNEL'
  | 'INVITE'
  | 'SET_TOPIC'
  | 'SET_CHANNEL'
  | 'DELETE_CHANNEL'
  | 'MEMBERS'
  | 'REMOVE_MEMBER'
  | 'UNINVITE'

export const channels = (options: ChannelOptions): Feature<Requests> => {
  const idle = new IdleChannels(options)
  /** Only a place in the round: a sweep that is undone costs an agent one round. */
  let agedUpTo = ''
  const listed = ({ id, name, verified }: Agent) => ({ id, name, verified })

  /** JOINED, with the newcomer first: it is not on the roster yet. */
  const joined = (
    { me, epoch }: WriteCtx,
    { info, agents }: Pick<Channel, 'info' | 'agents'>,
    head: Head,
    recovered: boolean,
    { since, stale_since }: { readonly since?: number | undefined, readonly stale_since?: number | undefined } = {},
  ): Reply<'JOINED'> => {
    const list = [listed(me)]
    for (const agent of agents.keys()) {
      if (list.length >= options.maxJoinedAgents) break
      if (agent !== me) list.push(listed(agent))
    }
    return reply('JOINED', {
      channel: info.name,
      agents: list,
      count: agents.size + (agents.has(me) ? 0 : 1),
      seq: head.seq,
      oldest: head.oldest,
      epoch,
      recovered,
      ...(since !== undefined && { since }),
      ...(stale_since !== undefined && { stale_since }),
      ...about(info),
      ...(info.topicBy === 'owner' && { topic_by: 'owner' as const }),
      ...(info.editWindowMs !== null && { edit_window_ms: info.editWindowMs }),
      ...settingsOf(info),
    })
  }

  /** A membership that survives the connection: of keyed agents, and of anybody in a private channel. */
  const lasts = (me: Agent, info: ChannelInfo): boolean => me.pubkey !== null || info.private

  /** @throws Fail LIMIT_REACHED */
  const belong = async ({ me, tx, asker }: WriteCtx, channel: string, head: Head): Promise<void> => {
    await options.shares.take(tx, 'memberships', membershipName(me.id, channel), { agent: me.id, address: asker.address })
    // Another process may have deleted it a moment ago.
    if (!await addMembership(tx, me.id, channel, head.seq)) throw noChannel(channel)
  }

  const admit = async ({ me, roster, tx, asker }: WriteCtx, channel: Channel): Promise<void> => {
    const { name, private: isPrivate, owner } = channel.info
    if (roster.isMember(me, channel)) return
    // A private channel does not show itself to whoever is not invited.
    const isInvitee = isPrivate && owner !== me.id && roster.known(me, name) === undefined
    if (isInvitee && !await isInvited(tx, me.id, name)) throw noChannel(name)
    if (!mayEnter(me, channel.info)) throw new Fail('AUTH_REQUIRED', `${name} is for verified agents`)
    const { join: mayJoin } = options.policies
    if (mayJoin !== undefined && !me.admin && !mayJoin(askerFacts(me, asker, name))) throw againstPolicy('policyJoin')
    // It may be taken back at another process at this moment.
    if (isInvitee && !await removeInvitation(tx, me.id, name)) throw noChannel(name)
    const { maxMembersPerChannel: most } = options
    if (channel.agents.size >= most)
      throw new Fail('LIMIT_REACHED', `${name} has ${most} members connected, as many as a channel may (maxMembersPerChannel)`)
  }

  const found = (name: string, channel: Channel | undefined): Channel => {
    if (channel === undefined) throw noChannel(name)
    return channel
  }

  return {
    async sweep(ctx) {
      const { tx, now } = ctx
      agedUpTo = await options.shares.isNearlyFull(tx, 'memberships')
        ? await forgetMemberships(tx, agedUpTo, agedAtOnce, now - options.skillsAgeMs) ?? ''
        : ''
      return idle.sweep(ctx)
    },
    tick: ctx => idle.tick(ctx),
    handlers: {
      ...ownership(options),
      JOIN: {
        async write(ctx, { channel: name, since, limit, epoch }) {
          const { me, tx } = ctx
          const channel = found(name, ctx.roster.channel(name))
          await admit(ctx, channel)
          const lasting = lasts(me, channel.info)
          const head = await tx.log.head(name)
          if (lasting && !me.memberships.has(name)) await belong(ctx, name, head)
          const isFormer = since !== undefined && epoch !== undefined && epoch !== ctx.epoch
          const position = isFormer ? await positionNow(tx.log, { stream: name, head, epoch: ctx.epoch }, { seq: since, epoch }) : since
          const { after, recovered } = planReplay({ head, since: position, limit, defaultLimit: options.joinReplay })
          const stale = hasHost(name) ? await options.staleSince(tx, name, ctx.now) : undefined
          return {
            reply: joined(ctx, channel, head, recovered, { since: isFormer ? position : undefined, stale_since: stale }),
            effects: [{ kind: 'subscribe', channel: name, after, last: head.seq, lasting }],
          }
        },
      },
      LEAVE: {
        async write({ me, roster, tx, now }, { channel: name }) {
          const { info } = found(name, roster.known(me, name))
          const isKnown = me.memberships.has(name)
          // Another process may know of one that this one does not know of yet, or that it has ended.
          const wasMember = (me.pubkey !== null || isKnown) && await removeMembership(tx, me.id, name)
          if (info.private && isKnown && !wasMember) throw noChannel(name)
          const withdrawn = info.private && wasMember ? await tx.keep.withdraw(me.id, [name], now) : []
          const effects = [{ kind: 'unsubscribe', channel: name, agent: me.id }] as const
          return { reply: reply('LEFT', { channel: name }), notify: statusNotices(withdrawn), effects }
        },
      },
      LIST_CHANNELS: {
        read({ me, roster, isAdmin, passkeyAsked }, { after, limit = options.maxChannelsPage, all }) {
          if (all && !isAdmin) throw passkeyAsked ?? new Fail('AUTH_REQUIRED', 'Only an admin sees every channel')
          const { list, more } = pageOf(roster.channelsAfter(after), limit, channel => {
            const { info, agents } = channel
            if (info.private && !all && (me === undefined || !roster.isMember(me, channel))) return undefined
            return {
              name: info.name,
              agents: agents.size,
              ...(info.verifiedOnly && { verifiedOnly: true as const }),
              ...(info.private && { private: true as const }),
              ...about(info),
              ...(info.settings !== null && listedSettings(info.settings)),
            }
          })
          return { ...reply('CHANNELS', { list, ...(more && { more }) }), ...(all && { byRight: true as const }) }
        },
      },
      LIST_AGENTS: {
        read({ me, roster }, { channel: name, after = '', limit = options.maxAgentsPage }) {
          const channel = found(name, roster.known(me, name))
          if (!mayRead(me, channel, roster)) throw noChannel(name)
          const { page, more } = roster.agentsAfter(name, after, limit)
          const list = page.map(agent => ({ ...listed(agent), presence: agent.presence, status_text: agent.statusText }))
          const { owner } = channel.info
          return reply('AGENTS', { channel: name, ...(owner !== null && { owner }), list, more })
        },
      },
      CREATE_CHANNEL: {
        async write(
          ctx,
          { channel: name, invite_only = false, verified_only = false, topic = '', description = '', topic_by: topicBy = 'members' },
        ) {
          const { me, roster, tx, now, asker } = ctx
          const { create: mayCreate } = options.policies
          if (mayCreate !== undefined && !me.admin && !mayCreate(askerFacts(me, asker, name))) throw againstPolicy('policyCreate')
          if (options.createChannels === 'keyed' && me.pubkey === null)
            throw new Fail('AUTH_REQUIRED', 'Only agents with a key create channels here')
          if (options.createChannels === 'verified' && !me.verified)
            throw new Fail('AUTH_REQUIRED', 'Only verified agents create channels here')
          if (invite_only && me.pubkey === null)
            throw new Fail('SIGNATURE_REQUIRED', 'Only agents with a key make private channels: who makes one has to be known again')
          if (verified_only && !me.verified) throw new Fail('AUTH_REQUIRED', 'Only verified agents create channels for verified agents')
          if (roster.channel(name) !== undefined) throw channelExists(name)
          if (await isEnding(tx, name)) throw clearing(name)
          await options.shares.take(tx, 'channels', name, { agent: me.id, address: asker.address }, { all: roster.channelCount })
          const info: ChannelInfo = {
            name,
            private: invite_only,
            verifiedOnly: verified_only,
            topic,
            description,
            owner: me.id,
            topicBy,
            editWindowMs: null,
            settings: null,
            groups: null,
            version: now,
          }
          if (!await addChannel(tx, info, me.id, now)) throw channelExists(name)
          // One of that name may have been deleted at another process at this moment.
          if (await isEnding(tx, name)) throw clearing(name)
          const lasting = lasts(me, info)
          // Where a channel of that name was deleted, numbers go on behind its last one.
          const head = await tx.log.head(name)
          if (lasting) await belong(ctx, name, head)
          const effects: readonly Effect[] = [
            { kind: 'channel', info },
            { kind: 'subscribe', channel: name, after: head.seq, last: head.seq, lasting },
          ]
          return { reply: joined(ctx, { info, agents: new Map() }, head, true), effects }
        },
      },
      INVITE: {
        async write({ me, channel, tx, now, roster, asker, isAdmin }, { agent }) {
          const { name } = channel.info
          checkRight('inviteBy', me, channel, isAdmin)
          await options.shares.checkInbox(tx, agent, { agent: me.id, address: asker.address })
          // Into a channel that is open nobody needs one.
          if (channel.info.private && !await isInvited(tx, agent, name)) {
            if (await countInvitations(tx, name) >= options.maxInvitationsPerChannel)
              throw new Fail('LIMIT_REACHED', `${name} has ${options.maxInvitationsPerChannel} open invitations, as many as it may `
                + '(maxInvitationsPerChannel); UNINVITE makes room')
            await options.shares.take(tx, 'invitations', invitationName(name, agent), { agent: me.id, address: asker.address })
            await addInvitation(tx, { channel: name, agent, by: me.id, at: now })
          }
          const online = roster.agent(agent)
          const isKeyed = online === undefined ? goneReasonOf(agent, await standingOf(tx, agent)) === undefined : online.pubkey !== null
          // Of a stranger nothing is known, so nothing is said; the invitation waits.
          const append: Append | undefined = online === undefined && !isKeyed ? undefined : {
            stream: pairStream(me.id, agent),
            type: 'MSG',
            agents: [agent],
            ...(isKeyed && { inbox: [agent] }),
            ...(isKeyed && await isBlocked(tx, me.id, agent) && { muted: [agent] }),
            body: {
              from: me.id,
              from_name: me.name,
              to: agent,
              content: `You have been invited to ${name}`,
              verified: me.verified,
              invite: name,
            },
          }
          return { reply: reply('OK', {}), ...(append !== undefined && { append }) }
        },
      },
      SET_TOPIC: {
        async write({ me, channel, tx, isAdmin }, { topic }) {
          const { info } = channel
          checkOpen(channel)
          if (info.topicBy === 'owner' && info.owner !== me.id && !isAdmin)
            throw new Fail('AUTH_REQUIRED', `The topic of ${info.name} is set by its owner and by admins`)
          const now = await changeChannel(tx, info.name, { topic })
          if (now === undefined) throw noChannel(info.name)
          const changed = { channel: info.name, topic, by: me.id, by_name: me.name }
          return {
            reply: reply('TOPIC_CHANGED', changed),
            notify: [notify({ kind: 'channel', channel: info.name, exceptAsker: true }, 'TOPIC_CHANGED', changed)],
            effects: [{ kind: 'channel', info: now }],
          }
        },
      },
    },
  }
}

const channelExists = (name: string): Fail => new Fail('CHANNEL_EXISTS', `${name} exists already`)

const about = ({ topic, description, owner }: ChannelInfo) => ({
  ...(topic !== '' && { topic }),
  ...(description !== '' && { description }),
  ...(owner !== null && { owner }),
})

const listedSettings = ({ archived, category }: NonNullable<ChannelInfo['settings']>) => ({
  ...(archived && { archived }),
  ...(category !== '' && { category }),
})

/** When to ask again for a name that is being cleared. */
const clearingMs = 1_000

const clearing = (name: string): Fail =>
  new Fail('BUSY', `${name} was deleted and is being cleared away; its name is free again when that is done`, clearingMs)
