// What handlers may see: the agents, the channels, and the connection that asked. Types and one rule, no state.
import type { Frame } from '../../lib/protocol/index.ts'
import type { ChannelInfo, ChannelSettings } from '../store/channels.ts'
import type { Held } from '../store/shares.ts'

export type { ChannelInfo, ChannelSettings }

export interface Agent {
  readonly id: string
  readonly name: string
  /** The name that it logged in with, by which it is mentioned. */
  readonly loginName: string
  readonly pubkey: string | null
  readonly verified: boolean
  readonly admin: boolean
  /** It needs no approval: an admin, or one that showed the admin key. */
  readonly exempt: boolean
  readonly presence: Frame<'PRESENCE_CHANGED'>['presence']
  readonly statusText: string | null
  readonly nickAt: number
  /** Channels a keyed agent belongs to whether connected to them or not. */
  readonly memberships: ReadonlySet<string>
  /** Channels one of its sessions is subscribed to. */
  readonly channels: ReadonlySet<Channel>
}

export interface Channel {
  readonly info: ChannelInfo
  /** Connected members, and how many of their sessions are subscribed. */
  readonly agents: ReadonlyMap<Agent, number>
  /** Agents whose coming was announced, so that their going is too. */
  readonly announced: ReadonlySet<Agent>
  /** Floor claims by message. */
  readonly floor: ReadonlyMap<string, FloorClaim>
  /** In slow mode: until when who waits. */
  readonly slow: ReadonlyMap<string, number> | undefined
}

/** How the relay is: what /health tells. Existing clients' discovery reads this shape. */
export interface Health {
  /** degraded: it cannot write now, or soon will not */
  readonly status: 'healthy' | 'degraded' | 'draining'
  /** why it is degraded */
  readonly reason?: string
  readonly server: string
  readonly version: string
  readonly uptime_seconds: number
  /** ISO 8601, as is `timestamp` */
  readonly started_at: string
  readonly agents: { readonly connected: number, readonly with_identity: number }
  readonly channels: { readonly total: number, readonly public: number }
  readonly proposals: { readonly total: number, readonly byStatus: Readonly<Record<string, number>>, readonly agents: number }
  /** Where several processes serve the relay: those that are known to run, and what they told and is not known here yet. */
  readonly nodes?: { readonly live: number, readonly behind: number, readonly bus: 'up' | 'down' }
  readonly timestamp: string
}

/** What handlers may ask. */
export interface RosterView {
  readonly motd: string | null
  agent(id: string): Agent | undefined
  channel(name: string): Channel | undefined
  /** A channel that the agent may know of: a private one is there for whoever belongs to it only. */
  known(agent: Agent, name: string): Channel | undefined
  /** Connected members of a channel, ordered by id: those after one, and whether there are more. */
  agentsAfter(channel: string, after: string, limit: number): { readonly page: readonly Agent[], readonly more: boolean }
  /** The same of all that are connected. */
  connectedAfter(after: string, limit: number): { readonly page: readonly Agent[], readonly more: boolean }
  readonly agentCount: number
  channels(): Iterable<Channel>
  /** Those without an owner first, then by name; behind one. */
  channelsAfter(name?: string): Iterable<Channel>
  readonly channelCount: number
  /** Whether it belongs there, and its standing still lets it in. */
  isMember(agent: Agent, channel: Channel): boolean
  /** How many live sessions the agent has, and whether one carries this label. */
  sessions(id: string): { readonly count: number, has(session: string): boolean }
  /** The addresses that the agent's sessions come from. */
  addressesOf(id: string): readonly string[]
  /** Agents of which a session comes from one of these addresses: all are looked at. */
  agentsAt(addresses: readonly string[]): readonly Agent[]
  /** Displacements of this agent's sessions within the last minute. */
  takeovers(id: string, now: number): number
  /** When a session of the agent was heard last; undefined when it has none. */
  heardAt(id: string): number | undefined
  /** How many agents are watched: by all sessions of who asks, from its address, and in all. */
  watchedBy(asker: Asker): Held
}

/** What a handler may know of the connection that asked. */
export interface Asker {
  readonly address: string
  readonly host: string | undefined
  readonly agent: Agent | undefined
  readonly challenge: Challenge | undefined
  /** Inbox mode of the session; `none` gets no direct messages. */
  readonly inbox: InboxMode
  /** Agents whose comings, goings and presence it is told. */
  readonly watching: ReadonlySet<string>
  /** Channels of which not everything comes to it. */
  readonly filters: Pick<ReadonlyMap<string, { readonly isWanted: boolean }>, 'get' | 'values'> | undefined
  /** Where its socket arrived: the relay's own end of it. */
  readonly arrival: Arrival
  /** The door it came in by; undefined: a socket. */
  readonly doorway: Doorway | undefined
  /** What the login was bound to; undefined where it was by an older text, or by none. */
  readonly binding: Binding | undefined
}

/** The door that a session came in by, and by what it proved itself; absent: its own key. */
export interface Doorway {
  readonly via: 'http' | 'mcp' | 'a2a' | 'hook'
  readonly auth?: 'token' | 'guest'
}

export interface Arrival {
  readonly address: string | undefined
  readonly port: number | undefined
}

/** The session as signatures in it name it. */
export interface Binding {
  /** scheme, host and port that the client dialled */
  readonly origin: string
  /** the relay's nonce, of CHALLENGE */
  readonly relayNonce: string
}

export type InboxMode = 'auto' | 'manual' | 'none'

/** A login under way on one connection: what was asked, and what was claimed. */
export interface Challenge {
  readonly kind: 'key' | 'captcha'
  readonly id: string
  readonly secret: string
  readonly expiresAt: number
  readonly login: Login
  readonly attempts: number
}

/** What IDENTIFY claimed, kept until it is proved. */
export interface Login {
  readonly name: string
  readonly pubkey?: string
  readonly session: string
  readonly inbox: InboxMode
  readonly autojoin: boolean
  /** Of its key, or the one that a resume token keeps; a new one is made where there is none. */
  readonly id?: string
  /** Of a login with a key that asked for the relay's proof: what the third form of its text names. */
  readonly asked?: { readonly origin: string, readonly nonce: string, /** fingerprint of its key */ readonly key: string }
  /** Of a login without one: the relay's proof, for WELCOME. */
  readonly relaySig?: string
  /** The admin key was shown with it. */
  readonly exempt?: boolean
  /** Once it was proved by the third form. */
  readonly binding?: Binding
}

/** What a session starts with. */
export interface AgentFacts {
  readonly id: string
  readonly name: string
  readonly pubkey: string | null
  readonly verified: boolean
  readonly admin: boolean
  readonly exempt: boolean
  readonly memberships: readonly string[]
}

/** What a request changes of a connected agent. */
export interface AgentChange {
  readonly name?: string
  readonly nickAt?: number
  readonly presence?: Agent['presence']
  readonly statusText?: string | null
  readonly admin?: boolean
  /** Channels it belongs to beside those it had. */
  readonly memberships?: readonly string[]
}

/** "I am answering this": who, since when, until when. One that is stored holds, whoever began earlier. */
export interface FloorClaim {
  readonly holder: string
  readonly startedAt: number
  readonly until: number
  readonly isStored?: true
}

/** How an agent stands now. Who says it is offline is taken at its word: nothing tells when it was heard. */
export const presenceOf = (
  roster: RosterView,
  id: string,
  lastSeen: number | null,
): { readonly presence: Agent['presence'], readonly status_text: string | null, readonly last_seen: number | null } => {
  const agent = roster.agent(id)
  if (agent === undefined || agent.presence === 'offline')
    return { presence: 'offline', status_text: agent?.statusText ?? null, last_seen: lastSeen }
  return { presence: agent.presence, status_text: agent.statusText, last_seen: roster.heardAt(id) ?? lastSeen }
}

/** Whether an agent's standing lets it into a channel. */
export const mayEnter = (agent: Agent, { verifiedOnly }: ChannelInfo): boolean => !verifiedOnly || agent.verified

/** Whether an agent may see what is in a channel: its members, and everyone where it is open to them. */
export const mayRead = (agent: Agent, channel: Channel, roster: RosterView): boolean =>
  roster.isMember(agent, channel) || (!channel.info.private && mayEnter(agent, channel.info))

/** The same of any stream of talk: of a pair, each of the two. */
export const mayReadStream = (agent: Agent, stream: string, roster: RosterView): boolean => {
  if (!stream.startsWith('#')) return stream.startsWith('@') && stream.split('|').includes(agent.id)
  const channel = roster.known(agent, stream)
  return channel !== undefined && mayRead(agent, channel, roster)
}
