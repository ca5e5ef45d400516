// What is kept in tables and known in memory, read anew: after something that another process told of it was missed.
import { loadMemberships } from '../store/agents.ts'
import { loadChannel, loadChannels } from '../store/channels.ts'
import { readMeta } from '../store/meta.ts'
import { keptSeats } from '../store/seats.ts'
import { addressBans, standingsOf } from '../store/standing.ts'
import type { Db } from '../store/store.ts'
import { memberThing } from './changes.ts'
import type { Connection } from './connection.ts'
import type { Effects } from './effects.ts'
import type { Gate } from './gate.ts'
import type { Roster } from './roster.ts'
import { displace } from './seats.ts'
import type { RelayBus } from './told.ts'

/** Agents that are asked about at once. */
const maxAtOnce = 500

export interface RereadOptions {
  /** Under which the message of the day is kept; undefined: it is a setting. */
  readonly motdKey: string | undefined
  /** An address as limits and bans count it. */
  readonly addressOf: (text: string) => string
}

export interface RereadDeps {
  readonly bus: RelayBus
  readonly effects: Pick<Effects, 'hear' | 'send' | 'depart' | 'end'>
  readonly gate: Gate
  readonly roster: Roster
}

/** @param fresh what changes meanwhile (Changes): of that more is known already */
export const reread = async (
  db: Db,
  { motdKey, addressOf }: RereadOptions,
  { effects, roster, gate, bus: { node } }: RereadDeps,
  fresh: ReadonlySet<string>,
): Promise<void> => {
  const before = new Set([...roster.channels()].map(({ info }) => info.name))
  for (const info of await loadChannels(db)) {
    before.delete(info.name)
    if (!fresh.has(info.name)) effects.hear({ kind: 'channel', info }, node)
  }
  for (const channel of before)
    if (!fresh.has(channel)) effects.hear({ kind: 'channelEnds', channel, by: '@server', version: Infinity }, node)
  const motd = motdKey === undefined ? undefined : await readMeta(db, motdKey) ?? null
  if (motd !== undefined && !fresh.has('motd')) effects.hear({ kind: 'motd', motd }, node)
  const bans = await addressBans(db, addressOf)
  gate.setAddressBans(bans, fresh)
  // Whoever came from there meanwhile hears of it as it would have.
  for (const { of: address, reason } of bans) if (!fresh.has(address)) effects.hear({ kind: 'addressBan', address, ban: { reason } }, node)
  // Tokens and admissions are asked anew.
  effects.hear({ kind: 'tokens', agent: '@server' }, node)
  await rereadAgents(db, { effects, roster, node }, fresh, new Set([...roster.here()].map(([{ id }]) => id)))
  await rereadSeats(db, effects, [...roster.here()].map(([, connection]) => connection))
}

/** A connection whose session was ended elsewhere, or is another one's, hears so. */
const rereadSeats = async (db: Db, effects: RereadDeps['effects'], connections: readonly Connection[]): Promise<void> => {
  for (let at = 0; at < connections.length; at += maxAtOnce) {
    const some = connections.slice(at, at + maxAtOnce)
    const seats = some.flatMap(({ seat }) => seat ?? [])
    if (seats.length === 0) continue
    const kept = await keptSeats(db, seats)
    for (const connection of some)
      if (connection.open && connection.seat !== undefined && !kept.has(connection.seat)) displace(connection, effects)
  }
}

/** One channel, and where one agent belongs; whether that was not known. */
export const rereadOne = async (
  db: Db,
  { effects, roster, bus: { node } }: RereadDeps,
  fresh: ReadonlySet<string>,
  channel: string | undefined,
  agent: string | undefined,
): Promise<boolean> => {
  const known = channel === undefined ? undefined : roster.channel(channel)?.info
  const info = channel === undefined ? undefined : await loadChannel(db, channel)
  const isNews = info?.version !== known?.version
  if (isNews && !fresh.has(channel!)) {
    effects.hear(
      info === undefined ? { kind: 'channelEnds', channel: channel!, by: '@server', version: known!.version } : { kind: 'channel', info },
      node,
    )
  }
  const belongs = agent === undefined ? undefined : roster.agent(agent)?.memberships
  if (belongs === undefined) return isNews
  // The set itself changes.
  const before = new Set(belongs)
  await rereadAgents(db, { effects, roster, node }, fresh, new Set([agent!]))
  const after = roster.agent(agent!)?.memberships
  return isNews || after?.size !== before.size || [...before].some(each => !after.has(each))
}

/** What agents are and where they belong, of those that are connected to this process. */
export const rereadAgents = async (
  db: Db,
  deps: { readonly effects: Pick<Effects, 'hear'>, readonly roster: Roster, readonly node: string },
  fresh: ReadonlySet<string>,
  agents: ReadonlySet<string>,
): Promise<void> => {
  const here = [...agents].filter(id => deps.roster.isConnected(id))
  for (let at = 0; at < here.length; at += maxAtOnce) await rereadSome(db, deps, fresh, here.slice(at, at + maxAtOnce))
}

const rereadSome = async (
  db: Db,
  { effects, roster, node }: Parameters<typeof rereadAgents>[1],
  fresh: ReadonlySet<string>,
  ids: readonly string[],
): Promise<void> => {
  const here = ids.flatMap(id => roster.isConnected(id) ? roster.agent(id) ?? [] : [])
  if (here.length === 0) return
  for (const [id, standing] of await standingsOf(db, here.map(({ id }) => id)))
    if (!fresh.has(id)) effects.hear({ kind: 'standing', agent: id, standing }, node)
  const known = here.map(({ id, memberships }) => ({ agent: id, memberships }))
  const rows = await loadMemberships(db, here.map(({ id }) => id))
  for (const { agent, memberships } of known) {
    const belongs = rows.get(agent) ?? new Set<string>()
    const isStale = (channel: string) => !fresh.has(memberThing(agent, channel))
    for (const channel of memberships)
      if (!belongs.has(channel) && isStale(channel)) effects.hear({ kind: 'unsubscribe', agent, channel }, node)
    const more = [...belongs].filter(channel => !memberships.has(channel) && isStale(channel))
    if (more.length > 0) effects.hear({ kind: 'agent', agent, change: { memberships: more } }, node)
  }
}
