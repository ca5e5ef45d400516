// The processes of one relay: who of them runs, what each has told, and whether something of it was missed. Events are numbered in the log and
// repaired by it; what is told of sessions is numbered here, and whoever misses a number asks its sender for all of its sessions.
import type { Logger } from '../base/logger.ts'
import { everyone, processNamed, type Subject } from '../bus/bus.ts'
import { loadChannels } from '../store/channels.ts'
import { endNode, forgetNodes, liveNodes, renewNode, type NodeRow } from '../store/nodes.ts'
import type { Db, Tx } from '../store/store.ts'
import type { Effects } from './effects.ts'
import type { Duty } from './feature.ts'
import type { Hub } from './hub.ts'
import type { Roster } from './roster.ts'
import type { BusMessage, RelayBus, SessionFacts, Told } from './told.ts'

/** How long a process is believed to run after it said so, and how often it does. */
const leaseMs = 10_000
const renewMs = 3_000
/** For how long it is told again which channels and inboxes were written to. */
const toldAgain = 3
/** In one message. */
const maxHeads = 2_000
/** After that what is left of a process that ended without a word is removed. */
const forgetMs = 24 * 60 * 60_000

/** The bus, with a number on what is told to all; and what was written to of late. */
export class NumberedBus implements RelayBus {
  readonly #bus: RelayBus
  /** Of what was told last to all. */
  told = 0
  /** By second, the newest first: channels and inboxes, and how far they are. */
  readonly #recent: Map<Subject, number>[] = [new Map()]

  constructor(bus: RelayBus) {
    this.#bus = bus
  }

  get node(): string {
    return this.#bus.node
  }

  get isAlone(): boolean {
    return this.#bus.isAlone
  }

  get isUp(): boolean {
    return this.#bus.isUp
  }

  publish(subject: Subject, message: BusMessage): void {
    if (message.kind === 'events') this.#recent[0]!.set(message.channel, message.last)
    else if (message.kind === 'direct' && message.inboxSeq !== undefined) this.#recent[0]!.set(message.agent, message.inboxSeq)
    this.#bus.publish(subject, message.kind === 'told' && subject === everyone ? { ...message, n: ++this.told } : message)
  }

  follow(subject: Subject): void | Promise<void> {
    return this.#bus.follow(subject)
  }

  unfollow(subject: Subject): void {
    this.#bus.unfollow(subject)
  }

  hear(listener: (message: BusMessage, from: string) => void): void {
    this.#bus.hear(listener)
  }

  missed(listener: () => void): void {
    this.#bus.missed(listener)
  }

  close(): Promise<void> {
    return this.#bus.close()
  }

  /** A second is over: what was written to in the last few, the newest number of each. */
  heads(): readonly (readonly [Subject, number])[] {
    const all = new Map<Subject, number>()
    for (const second of [...this.#recent].reverse())
      for (const [subject, seq] of second) all.set(subject, Math.max(seq, all.get(subject) ?? 0))
    this.#recent.unshift(new Map())
    this.#recent.splice(toldAgain)
    return [...all]
  }
}

export interface NodesOptions {
  /** Another one each time the process starts. */
  readonly incarnation: string
  readonly version: string
  /** Says whether the settings that have to be the same are. */
  readonly configHash: string
}

export interface NodesDeps {
  readonly bus: NumberedBus
  readonly effects: Effects
  readonly hub: Hub
  readonly roster: Roster
  readonly log: Logger
  readonly read: Db
}

export class Nodes {
  readonly #options: NodesOptions
  readonly #deps: NodesDeps
  /** By process: the number of what it told last to all. */
  readonly #heard = new Map<string, number>()
  #renewedAt = -Infinity
  #differs = new Set<string>()

  constructor(options: NodesOptions, deps: NodesDeps) {
    this.#options = options
    this.#deps = deps
    const { bus, log } = deps
    bus.hear((message, from) => {
      try {
        this.#hear(message, from)
      } catch (error) {
        log.error({ err: error, kind: message.kind, from }, 'what another process told could not be applied')
      }
    })
    bus.missed(() => this.#missed())
    void bus.follow(everyone)
    void bus.follow(processNamed(bus.node))
  }

  /** Hears of those who were here before, and of what changed while it began to listen. */
  async start(): Promise<void> {
    const { bus } = this.#deps
    if (bus.isAlone) return
    await bus.follow(everyone)
    await bus.follow(processNamed(bus.node))
    bus.publish(everyone, this.#sessions())
    bus.publish(everyone, { kind: 'ask' })
    await this.#reread()
  }

  /** Once a second: it runs; who else does; what was written to. */
  readonly duty: Duty = {
    name: 'nodes',
    scope: undefined,
    isOnce: false,
    run: async ({ tx, now }) => {
      const { bus } = this.#deps
      if (bus.isAlone) return undefined
      const heads = bus.heads()
      for (let at = 0; at === 0 || at < heads.length; at += maxHeads)
        bus.publish(everyone, { kind: 'heads', heads: heads.slice(at, at + maxHeads), n: bus.told })
      if (now < this.#renewedAt + renewMs && now >= this.#renewedAt) return undefined
      this.#renewedAt = now
      await this.#renew(tx)
      const live = await liveNodes(tx)
      return { committed: () => this.#seen(live) }
    },
  }

  /** It stops: the others need not wait for the end of its lease. */
  async end(tx: Tx): Promise<void> {
    if (!this.#deps.bus.isAlone) await endNode(tx, this.#deps.bus.node, this.#options.incarnation)
  }

  async #renew(tx: Tx): Promise<void> {
    const { bus, log } = this.#deps
    const { incarnation, version, configHash: config } = this.#options
    const at = await renewNode(tx, { name: bus.node, incarnation, version, config, state: 'serving', leaseMs })
    if (at === undefined) log.error({ node: bus.node }, 'another process runs under the name of this one: give each its own --node')
    await forgetNodes(tx, forgetMs)
  }

  /** Those that are not there any more took their sessions with them. */
  #seen(live: readonly NodeRow[]): void {
    const { roster, effects, log, bus } = this.#deps
    const names = new Set(live.map(({ name }) => name))
    for (const { name, config, version } of live) {
      if (config === this.#options.configHash || this.#differs.has(name)) continue
      this.#differs.add(name)
      log.warn({ node: name, version }, 'another process of this relay has other settings: agentchat config shows those of each')
    }
    for (const { agent, session, node, heardAt } of roster.elsewhere()) {
      if (!names.has(node) && agent !== undefined) effects.hear({ kind: 'closed', agent: agent.id, session, lastSeen: heardAt }, node)
    }
    for (const name of this.#heard.keys()) if (!names.has(name) && name !== bus.node) this.#heard.delete(name)
  }

  #hear(message: BusMessage, from: string): void {
    const { hub, effects, bus } = this.#deps
    switch (message.kind) {
      case 'events':
        return hub.publish(message.channel, message.first, message.last, message.frames)
      case 'direct':
        return effects.direct(message.agent, message.stream, message.frame, message.inboxSeq, message.isKept)
      case 'told':
        return this.#told(message.told, message.n, from)
      case 'ask':
        return bus.publish(processNamed(from), this.#sessions())
      case 'sessions':
        return this.#reconcile(message.sessions, message.n, from)
      case 'heads': {
        for (const [subject, seq] of message.heads) {
          if (subject.startsWith('#')) hub.noteStored(subject, seq)
          else effects.hear({ kind: 'inbox', agent: subject, newest: seq }, from)
        }
        if (message.n !== this.#heard.get(from)) this.#ask(from)
        return
      }
      case 'missed': {
        hub.lookAhead()
        return this.#ask(from)
      }
      default:
        // A newer version says more.
        message satisfies never
    }
  }

  #told(told: Told, n: number | undefined, from: string): void {
    if (n !== undefined) {
      const last = this.#heard.get(from)
      if (last !== undefined && n <= last) return
      // What was told before is not known: all of it is asked for, and this is part of it.
      if (last === undefined || n > last + 1) this.#ask(from)
      this.#heard.set(from, n)
    }
    this.#deps.effects.hear(told, from)
  }

  #ask(node: string): void {
    this.#deps.bus.publish(processNamed(node), { kind: 'ask' })
  }

  /** For a while nothing was heard, and what this process said was not. */
  #missed(): void {
    const { bus, hub, log } = this.#deps
    hub.lookAhead()
    bus.publish(everyone, { kind: 'missed' })
    bus.publish(everyone, this.#sessions())
    bus.publish(everyone, { kind: 'ask' })
    this.#reread().catch((error: unknown) => log.error({ err: error }, 'the channels could not be read'))
  }

  /** Channels are rows: what was told of them is there. */
  async #reread(): Promise<void> {
    const { read, effects, roster, bus } = this.#deps
    const before = new Set([...roster.channels()].map(({ info }) => info.name))
    for (const info of await loadChannels(read)) {
      before.delete(info.name)
      effects.hear({ kind: 'channel', info }, bus.node)
    }
    for (const channel of before) effects.hear({ kind: 'channelEnds', channel, by: '@server' }, bus.node)
  }

  /** All sessions of this process. */
  #sessions(): BusMessage {
    const sessions: SessionFacts[] = []
    for (const [agent, connection] of this.#deps.roster.here()) {
      const { id, name, pubkey, verified, admin, exempt, memberships, presence, statusText } = agent
      const announced: string[] = []
      const silent: string[] = []
      for (const channel of connection.channels) (this.#deps.roster.isAnnounced(agent, channel) ? announced : silent).push(channel)
      sessions.push({
        session: connection.session,
        address: connection.address,
        heardAt: connection.heardAt,
        facts: { id, name, pubkey, verified, admin, exempt, memberships: [...memberships] },
        change: { presence, statusText },
        announced,
        silent,
      })
    }
    return { kind: 'sessions', sessions, n: this.#deps.bus.told }
  }

  /** What a process says of all its sessions is so: those of it that are known and not among them are over. */
  #reconcile(sessions: readonly SessionFacts[], n: number, from: string): void {
    const { roster, effects } = this.#deps
    this.#heard.set(from, n)
    const named = new Set(sessions.map(({ facts, session }) => `${facts.id} ${session}`))
    for (const { agent, session, node, heardAt } of roster.elsewhere()) {
      if (node === from && agent !== undefined && !named.has(`${agent.id} ${session}`))
        effects.hear({ kind: 'closed', agent: agent.id, session, lastSeen: heardAt }, from)
    }
    for (const { session, address, heardAt, facts, change, announced, silent } of sessions) {
      const { id } = facts
      const known = roster.remote(id, session, from)
      if (known === undefined) effects.hear({ kind: 'opened', session, address, heardAt, facts, autojoin: silent }, from)
      else
        for (const channel of [...known.channels])
          if (!announced.includes(channel) && !silent.includes(channel)) effects.hear({ kind: 'unsubscribe', agent: id, channel }, from)
      for (const channel of announced)
        if (known?.channels.has(channel) !== true) effects.hear({ kind: 'joined', agent: id, session, channel, lasting: false }, from)
      effects.hear({ kind: 'agent', agent: id, change: { ...change, name: facts.name, memberships: facts.memberships } }, from)
    }
  }
}
