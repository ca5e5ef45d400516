// Who is here: agents and their sessions, wherever those are connected; channels and who is in them. Handlers see the read-only view;
// effects change it.
import { ById } from './by-id.ts'
import type { Connection } from './connection.ts'
import { none, withMember, withoutMember } from './lean-set.ts'
import type { Held } from '../store/shares.ts'
import { RemoteSession, type Session } from './session.ts'
import {
  mayEnter,
  type Agent,
  type AgentChange,
  type AgentFacts,
  type Asker,
  type Channel,
  type ChannelInfo,
  type FloorClaim,
  type RosterView,
} from './view.ts'

interface LiveAgent extends Agent {
  name: string
  loginName: string
  verified: boolean
  admin: boolean
  exempt: boolean
  presence: Agent['presence']
  statusText: string | null
  nickAt: number
  memberships: ReadonlySet<string>
  channels: ReadonlySet<LiveChannel>
  /** Its connections to this process, by label; and what it has elsewhere, if anything. */
  readonly own: Map<string, Connection>
  remote: Map<string, RemoteSession> | undefined
}

interface LiveChannel extends Channel {
  info: ChannelInfo
  /** Its place among the channels. */
  id: string
  readonly agents: Map<Agent, number>
  readonly announced: Set<Agent>
  readonly floor: Map<string, FloorClaim>
  slow: Map<string, number> | undefined
  /** Its agents in order, from when somebody first asks for them. */
  byId: ById<Agent> | undefined
}

/** Those who wait in one channel, in slow mode. */
const maxWaiting = 20_000
const takeoverWindowMs = 60_000
const nobody: ReadonlySet<Connection> = new Set()

/** Where a channel stands among them: those without an owner first, so that nobody's crowd them out of the first page. */
const placeOf = ({ name, owner }: Pick<ChannelInfo, 'name' | 'owner'>): string => `${owner === null ? 0 : 1}${name}`

/** Whether an agent has come in, by its standing or not. */
const belongs = (agent: Agent, channel: Channel): boolean => channel.agents.has(agent) || agent.memberships.has(channel.info.name)

const sessionCount = ({ own, remote }: LiveAgent): number => own.size + (remote?.size ?? 0)

export class Roster implements RosterView {
  motd: string | null = null
  readonly #agents = new Map<string, LiveAgent>()
  readonly #channels = new Map<string, LiveChannel>()
  readonly #inOrder = new ById<LiveChannel>([])
  /** All agents, once somebody has asked for them in order. */
  #byId: ById<Agent> | undefined
  readonly #takeovers = new Map<string, number[]>()
  /** Agent → who watches it, whether it is here or not. */
  readonly #watchers = new Map<string, Set<Connection>>()
  /** How many agents are watched from an address. */
  readonly #watchedFrom = new Map<string, number>()
  #watched = 0
  // Counted as they come and go: anybody may ask for /health, as often as they like.
  #keyed = 0
  #private = 0
  #here = 0
  /** Sessions that other processes told of, by their addresses. */
  readonly #elsewhereFrom = new Map<string, number>()

  get agentCount(): number {
    return this.#agents.size
  }

  get channelCount(): number {
    return this.#channels.size
  }

  /** Channels that are listed. */
  get publicCount(): number {
    return this.#channels.size - this.#private
  }

  get keyedCount(): number {
    return this.#keyed
  }

  /** Sessions that are connected to this process. */
  get hereCount(): number {
    return this.#here
  }

  agent(id: string): Agent | undefined {
    return this.#agents.get(id)
  }

  channel(name: string): Channel | undefined {
    return this.#channels.get(name)
  }

  agentsAfter(name: string, after: string, limit: number): { readonly page: readonly Agent[], readonly more: boolean } {
    const channel = this.#channels.get(name)
    if (channel === undefined) return { page: [], more: false }
    channel.byId ??= new ById(channel.agents.keys())
    return channel.byId.after(after, limit)
  }

  connectedAfter(after: string, limit: number): { readonly page: readonly Agent[], readonly more: boolean } {
    this.#byId ??= new ById(this.#agents.values())
    return this.#byId.after(after, limit)
  }

  channels(): Iterable<Channel> {
    return this.#channels.values()
  }

  channelsAfter(name?: string): Iterable<Channel> {
    if (name === undefined) return this.#inOrder.from('')
    // Of one that has gone meanwhile, the place it had: only those with an owner go.
    return this.#inOrder.from(this.#channels.get(name)?.id ?? placeOf({ name, owner: name }))
  }

  known(agent: Agent, name: string): Channel | undefined {
    const channel = this.#channels.get(name)
    return channel !== undefined && channel.info.private && !belongs(agent, channel) ? undefined : channel
  }

  isMember(agent: Agent, channel: Channel): boolean {
    return belongs(agent, channel) && mayEnter(agent, channel.info)
  }

  sessions(id: string): { readonly count: number, has(session: string): boolean } {
    const agent = this.#agents.get(id)
    return {
      count: agent === undefined ? 0 : sessionCount(agent),
      has: session => agent?.own.has(session) === true || agent?.remote?.has(session) === true,
    }
  }

  addressesOf(id: string): readonly string[] {
    return [...new Set([...this.sessionsOf(id)].map(({ address }) => address))]
  }

  agentsAt(addresses: readonly string[]): readonly Agent[] {
    if (addresses.length === 0) return []
    const isThere = ({ address }: Session) => addresses.includes(address)
    return [...this.#agents.values()].filter(({ own, remote }) =>
      [...own.values()].some(isThere) || (remote !== undefined && [...remote.values()].some(isThere))
    )
  }

  takeovers(id: string, now: number): number {
    return this.#takeovers.get(id)?.filter(at => now - at < takeoverWindowMs).length ?? 0
  }

  heardAt(id: string): number | undefined {
    let newest: number | undefined
    for (const { heardAt } of this.sessionsOf(id)) newest = Math.max(heardAt, newest ?? 0)
    return newest
  }

  /** Agents with a key that say they are here, and when this process heard them last. */
  *heard(): Iterable<readonly [agent: string, at: number]> {
    for (const { id, pubkey, presence, own } of this.#agents.values()) {
      if (pubkey === null || presence === 'offline' || own.size === 0) continue
      let newest = 0
      for (const { heardAt } of own.values()) newest = Math.max(heardAt, newest)
      yield [id, newest]
    }
  }

  watchersOf(id: string): ReadonlySet<Connection> {
    return this.#watchers.get(id) ?? nobody
  }

  watchedBy({ agent, address }: Asker): Held {
    let own = 0
    for (const { watching } of this.connectionsOf(agent?.id ?? '')) own += watching.size
    return { agent: own, address: this.#watchedFrom.get(address) ?? 0, all: this.#watched }
  }

  watch(connection: Connection, id: string): void {
    if (connection.watching.has(id)) return
    this.#countWatched(connection.address, 1)
    connection.watching = withMember(connection.watching, id)
    const watchers = this.#watchers.get(id)
    if (watchers === undefined) this.#watchers.set(id, new Set([connection]))
    else watchers.add(connection)
  }

  unwatch(connection: Connection, id: string): void {
    if (!connection.watching.has(id)) return
    this.#countWatched(connection.address, -1)
    connection.watching = withoutMember(connection.watching, id)
    const watchers = this.#watchers.get(id)
    if (watchers?.delete(connection) === true && watchers.size === 0) this.#watchers.delete(id)
  }

  #countWatched(address: string, change: 1 | -1): void {
    const count = (this.#watchedFrom.get(address) ?? 0) + change
    if (count === 0) this.#watchedFrom.delete(address)
    else this.#watchedFrom.set(address, count)
    this.#watched += change
  }

  /** What can be written to: an agent's connections to this process. */
  connectionsOf(id: string): Iterable<Connection> {
    return this.#agents.get(id)?.own.values() ?? []
  }

  isConnected(id: string): boolean {
    return (this.#agents.get(id)?.own.size ?? 0) > 0
  }

  /** All of an agent's sessions, wherever they are. */
  *sessionsOf(id: string): Iterable<Session> {
    const agent = this.#agents.get(id)
    if (agent === undefined) return
    yield* agent.own.values()
    if (agent.remote !== undefined) yield* agent.remote.values()
  }

  /** A session that another process told of. */
  remote(id: string, session: string, node: string): RemoteSession | undefined {
    const remote = this.#agents.get(id)?.remote?.get(session)
    return remote?.node === node ? remote : undefined
  }

  /** Whether an agent has a session of another process. */
  isElsewhere(id: string): boolean {
    return (this.#agents.get(id)?.remote?.size ?? 0) > 0
  }

  /** How many sessions of other processes come from an address. */
  elsewhereFrom(address: string): number {
    return this.#elsewhereFrom.get(address) ?? 0
  }

  /** All sessions that other processes told of. */
  elsewhere(): readonly RemoteSession[] {
    return [...this.#agents.values()].flatMap(({ remote }) => [...remote?.values() ?? []])
  }

  /** When an agent's session of a label was opened, and where; undefined: there is none. */
  opened(id: string, label: string): { readonly since: number, readonly node: string | undefined } | undefined {
    const agent = this.#agents.get(id)
    const own = agent?.own.get(label)
    return own === undefined ? agent?.remote?.get(label) : { since: own.since, node: undefined }
  }

  /** The connections to this process, and whose they are. */
  *here(): Iterable<readonly [Agent, Connection]> {
    for (const agent of this.#agents.values()) for (const connection of agent.own.values()) yield [agent, connection]
  }

  /** Whether the members of a channel were told that the agent came. */
  isAnnounced(agent: Agent, name: string): boolean {
    return this.#channels.get(name)?.announced.has(agent) === true
  }

  /** Creates a channel, or changes what is said of it; what is older than that says nothing. */
  setChannel(info: ChannelInfo): void {
    const channel = this.#channels.get(info.name)
    if (channel !== undefined && info.version < channel.info.version) return
    this.#private += Number(info.private) - Number(channel?.info.private ?? false)
    const id = placeOf(info)
    if (channel === undefined) {
      const made: LiveChannel = { info, id, agents: new Map(), announced: new Set(), floor: new Map(), slow: undefined, byId: undefined }
      this.#channels.set(info.name, made)
      this.#inOrder.add(made)
      return
    }
    channel.info = info
    if (channel.id === id) return
    this.#inOrder.delete(channel)
    channel.id = id
    this.#inOrder.add(channel)
  }

  /** The channel is no more: nobody is in it, and nobody belongs to it. */
  removeChannel(name: string): void {
    const channel = this.#channels.get(name)
    if (channel === undefined) return
    for (const agent of channel.agents.keys() as Iterable<LiveAgent>) {
      agent.channels = withoutMember(agent.channels, channel)
      for (const { channels } of agent.remote?.values() ?? []) channels.delete(name)
    }
    for (const agent of this.#agents.values()) agent.memberships = withoutMember(agent.memberships, name)
    this.#channels.delete(name)
    this.#inOrder.delete(channel)
    if (channel.info.private) this.#private--
  }

  /** Opens a session; gives the one of the same label that was open before. */
  attach(session: Session, label: string, facts: AgentFacts, now: number): Session | undefined {
    let agent = this.#agents.get(facts.id)
    if (agent === undefined) {
      const { id, name, pubkey, verified, admin, exempt, memberships } = facts
      // Field by field: spreading gave each agent a hidden class of its own, and every reader of agents a slow path.
      agent = {
        id,
        name,
        loginName: name,
        pubkey,
        verified,
        admin,
        exempt,
        presence: 'online',
        statusText: null,
        nickAt: 0,
        memberships: this.#existing(memberships).reduce(withMember<string>, none),
        channels: none,
        own: new Map(),
        remote: undefined,
      }
      this.#agents.set(facts.id, agent)
      this.#byId?.add(agent)
      if (pubkey !== null) this.#keyed++
    } else {
      const { name, verified, admin } = facts
      Object.assign(agent, { name, loginName: name, verified, admin, exempt: agent.exempt || facts.exempt })
    }
    const former = agent.own.get(label) ?? agent.remote?.get(label)
    if (former !== undefined) this.#takeovers.set(facts.id, [...(this.#takeovers.get(facts.id) ?? []).slice(-9), now])
    if (session instanceof RemoteSession) {
      if (agent.own.delete(label)) this.#here--
      ;(agent.remote ??= new Map<string, RemoteSession>()).set(label, session)
      this.#elsewhereFrom.set(session.address, this.elsewhereFrom(session.address) + 1)
    } else {
      agent.remote?.delete(label)
      if (!agent.own.has(label)) this.#here++
      agent.own.set(label, session)
    }
    session.agent = agent
    return former
  }

  /** Ends a session. The agent is gone with its last one, wherever that was. */
  detach(session: Session): void {
    const agent = session.agent as LiveAgent | undefined
    if (agent === undefined) return
    session.agent = undefined
    // Its label may be another session's by now.
    if (session instanceof RemoteSession) {
      const count = this.elsewhereFrom(session.address) - 1
      if (count > 0) this.#elsewhereFrom.set(session.address, count)
      else this.#elsewhereFrom.delete(session.address)
      if (agent.remote?.get(session.session) === session) agent.remote.delete(session.session)
    } else {
      for (const id of session.watching) this.unwatch(session, id)
      if (agent.own.get(session.session) === session) {
        agent.own.delete(session.session)
        this.#here--
      }
    }
    if (sessionCount(agent) > 0 || this.#agents.get(agent.id) !== agent) return
    this.#agents.delete(agent.id)
    this.#byId?.delete(agent)
    if (agent.pubkey !== null) this.#keyed--
  }

  /** One more session of the agent is in the channel; false where there is none. */
  enter(agent: Agent, name: string, announced: boolean): boolean {
    const channel = this.#channels.get(name)
    if (channel === undefined) return false
    const count = channel.agents.get(agent)
    channel.agents.set(agent, (count ?? 0) + 1)
    if (count === undefined) channel.byId?.add(agent)
    if (announced) channel.announced.add(agent)
    const live = agent as LiveAgent
    live.channels = withMember(live.channels, channel)
    return true
  }

  /** The agent's coming is told now: it was there silently before. */
  announce(agent: Agent, name: string): void {
    this.#channels.get(name)?.announced.add(agent)
  }

  /** One session fewer; true when that was the agent's last one there. */
  exit(agent: Agent, name: string): boolean {
    const channel = this.#channels.get(name)
    const count = channel?.agents.get(agent)
    if (channel === undefined || count === undefined) return false
    if (count > 1) {
      channel.agents.set(agent, count - 1)
      return false
    }
    channel.agents.delete(agent)
    channel.byId?.delete(agent)
    channel.announced.delete(agent)
    const live = agent as LiveAgent
    live.channels = withoutMember(live.channels, channel)
    for (const [msgId, { holder, isStored }] of channel.floor) if (holder === agent.id && isStored !== true) channel.floor.delete(msgId)
    return true
  }

  setMembership(agent: Agent, name: string, member: boolean): void {
    const live = agent as LiveAgent
    live.memberships = (member ? withMember : withoutMember)(live.memberships, name)
  }

  change(id: string, change: AgentChange): void {
    const agent = this.#agents.get(id)
    if (agent === undefined) return
    const { memberships, ...fields } = change
    Object.assign(agent, fields)
    agent.memberships = this.#existing(memberships ?? []).reduce(withMember<string>, agent.memberships)
  }

  /** A channel that was deleted may not be cleared away yet: who belonged to it does not belong to the next one of that name. */
  #existing(memberships: readonly string[]): readonly string[] {
    return memberships.filter(name => this.#channels.has(name))
  }

  setVerified(id: string, verified: boolean): void {
    const agent = this.#agents.get(id)
    if (agent !== undefined) agent.verified = verified
  }

  setFloor(name: string, msgId: string, claim: FloorClaim | undefined): void {
    const floor = this.#channels.get(name)?.floor
    if (claim === undefined) floor?.delete(msgId)
    else floor?.set(msgId, claim)
  }

  /** Who spoke in slow mode waits until a time. Of very many the first are forgotten. */
  setSlow(name: string, who: string, until: number): void {
    const channel = this.#channels.get(name)
    if (channel === undefined) return
    const slow = channel.slow ??= new Map<string, number>()
    slow.delete(who)
    slow.set(who, until)
    if (slow.size > maxWaiting) { for (const [first] of slow) return void slow.delete(first) }
  }

  sweep(now: number): void {
    for (const [id, times] of this.#takeovers) if (times.every(at => now - at >= takeoverWindowMs)) this.#takeovers.delete(id)
    for (const channel of this.#channels.values()) {
      for (const [msgId, claim] of channel.floor) if (claim.until <= now) channel.floor.delete(msgId)
      const { slow } = channel
      if (slow === undefined) continue
      for (const [who, until] of slow) if (until <= now) slow.delete(who)
      if (slow.size === 0) channel.slow = undefined
    }
  }
}
