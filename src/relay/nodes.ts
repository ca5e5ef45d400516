// The processes of one relay: who of them runs, what each has told, and whether something of it was missed. Events are numbered in the log and
// repaired by it; what is told of sessions is numbered here, and whoever misses a number asks its sender for all of its sessions, and reads
// anew what is kept in tables.
import { timerMs } from '../../lib/protocol/index.ts'
import type { Logger } from '../base/logger.ts'
import type { Counts } from '../base/metrics.ts'
import { everyone, processNamed } from '../bus/bus.ts'
import { loadChannel, type ChannelInfo } from '../store/channels.ts'
import { endNode, forgetNodes, liveNodes, renewNode, type NodeFacts, type NodeRow } from '../store/nodes.ts'
import { StorageError, type Db, type Store, type Tx } from '../store/store.ts'
import type { Effects } from './effects.ts'
import type { Duty } from './feature.ts'
import type { Gate } from './gate.ts'
import { Hearing } from './hearing.ts'
import type { Hub } from './hub.ts'
import { Interest } from './interest.ts'
import { turnBack } from './leaving.ts'
import { Neighbours } from './neighbours.ts'
import type { NumberedBus } from './numbered-bus.ts'
import { reread, rereadAgents, rereadOne, type RereadOptions } from './reread.ts'
import type { Roster } from './roster.ts'
import type { Spending } from './spending.ts'
import { isNewer, Snapshots } from './snapshots.ts'
import type { BusMessage, Told } from './told.ts'

export { NumberedBus } from './numbered-bus.ts'

/** How long a process is believed to run after it said so, and how often it does. */
const leaseMs = 10_000
const renewMs = 3_000
/** In one message. */
const maxHeads = 2_000
/** Between two questions to one process. */
const askEveryMs = 1_000
/** So long one that starts waits for those who are here to say who is connected to them. */
const introducedMs = 3_000
/** What two processes told at once is read so much later. */
const settleMs = 200
/** After that what is left of a process that ended without a word is removed. */
const forgetMs = 24 * 60 * 60_000
/** So long a process that the database does not answer keeps those who are connected to it, where another could serve them. */
const cutOffMs = 15_000
/** A clock that is further off is told; by so much and more it is no clock. */
const warnClockMs = 2_000

export interface NodesOptions extends RereadOptions {
  /** Another one each time the process starts. */
  readonly incarnation: string
  readonly version: string
  /** Says whether the settings that have to be the same are. */
  readonly configHash: string
  /** The clock that all go by said so, asked at `ownNow` and answered just now. Gives how far that is off, in ms. */
  readonly setClock: (now: number, askedAt: number) => number
  /** ms since any moment, by a clock that only goes on. */
  readonly ownNow: () => number
  /** Another process runs under the name of this one, which stood still for too long: it has to be started again. */
  readonly nameTaken: () => void
}

export interface NodesDeps {
  readonly bus: NumberedBus
  readonly effects: Effects
  readonly gate: Gate
  readonly hub: Hub
  readonly counts: Counts
  readonly roster: Roster
  readonly log: Logger
  readonly store: Store
  readonly spending: () => Pick<Spending, 'hear'>
  /** 0 ≤ random < 1 */
  readonly random: () => number
  /** Why the storage refused the last write. */
  readonly storageProblem: () => string | undefined
}

export class Nodes {
  readonly #options: NodesOptions
  readonly #deps: NodesDeps
  readonly #read: Db
  readonly #hearing: Hearing
  readonly #snapshots: Snapshots
  readonly #neighbours = new Neighbours()
  readonly #interest = new Interest()
  /** One of which the database says that it is gone may only be cut off from that, and have those who hear yet. */
  #goneUntil = -Infinity
  #sentAwayAt = -Infinity
  readonly #askedAt = new Map<string, number>()
  readonly #differs = new Set<string>()
  /** Those that were believed to run when that was asked last, each with its incarnation. */
  #live: ReadonlyMap<string, string> = new Map()
  #renewedAt = -Infinity
  #state: NodeRow['state'] = 'serving'
  /** While it could not say that it runs, nor could the others. */
  #spareUntil = -Infinity
  #resyncing: Promise<void> | undefined
  #isResyncDue = false
  #isLookDue = false
  #isLooking = false
  #onIntroduced: (() => void) | undefined
  /** Agents of which it is not sure what they are and where they belong. */
  readonly #unsure = new Set<string>()
  #settling: NodeJS.Timeout | undefined
  /** Tables could not be read. */
  #isRereadDue = false

  constructor(options: NodesOptions, deps: NodesDeps) {
    this.#options = options
    this.#deps = deps
    this.#read = deps.store.aside
    const { bus, log } = deps
    const tried = (kind: string, from: string, work: () => void): void => {
      try {
        work()
      } catch (error) {
        log.error({ err: error, kind, from }, 'what another process told could not be applied')
      }
    }
    this.#hearing = new Hearing({
      apply: (told, from) => tried(told.kind, from, () => this.#apply(told, from)),
      missed: from => this.#gap(from),
      caughtUp: (from, n) => bus.publish(processNamed(from), { kind: 'knows', n }),
    }, deps.counts)
    this.#snapshots = new Snapshots({
      ...deps,
      hearing: this.#hearing,
      interest: this.#interest,
      missed: () => this.#resyncLater(),
      settled: () => this.#resyncing,
      learned: () => this.#onIntroduced?.(),
    })
    bus.hear((message, from) => {
      bus.awaited.alive(from)
      this.#neighbours.heard(from, options.ownNow())
      deps.counts.busHeard++
      tried(message.kind, from, () => this.#hear(message, from))
    })
    bus.missed(() => this.#missed())
    bus.sparing(channel => this.#isHeard(channel))
    if (!bus.isAlone) deps.effects.changes.contested(agent => this.#contested(agent))
    void bus.follow(everyone)
    void bus.follow(processNamed(bus.node))
  }

  /** Hears of those who were here before, and of what changed while it began to listen. @throws StorageError its name is taken */
  async start(): Promise<void> {
    const { bus } = this.#deps
    if (bus.isAlone) return
    await this.#takeName()
    await bus.follow(everyone)
    await bus.follow(processNamed(bus.node))
    const others = (await liveNodes(this.#read)).flatMap(({ name }) => name === bus.node ? [] : name)
    for (const name of others) bus.awaited.alive(name)
    const introduced = this.#introduced(others)
    this.#snapshots.tell(everyone)
    bus.publish(everyone, { kind: 'ask' })
    this.#resyncLater()
    await this.#resyncing
    await introduced
  }

  /** Resolves when it is known who is connected to these processes, or they do not say. */
  #introduced(names: readonly string[]): Promise<void> {
    return new Promise(resolve => {
      const isDone = () => names.every(name => this.#hearing.lastOf(name) !== undefined)
      if (isDone()) return resolve()
      const over = () => {
        this.#onIntroduced = undefined
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(over, timerMs(introducedMs))
      this.#onIntroduced = () => isDone() && over()
    })
  }

  /** It is about to stop: the others see that it is, and do what it alone did. */
  async leave(tx: Tx): Promise<void> {
    this.#state = 'draining'
    await this.#renew(tx)
    await tx.giveUp()
  }

  /** Once a second: it runs; who else does; what was written to. */
  readonly duty: Duty = {
    name: 'nodes',
    scope: undefined,
    isOnce: false,
    run: async ({ tx }) => {
      const { bus, log, effects } = this.#deps
      if (bus.isAlone) return undefined
      const now = this.#options.ownNow()
      // What others store and change while they are not heard is in the tables.
      const isDeaf = !bus.isUp || this.#neighbours.unheard(now).length > 0
      if (isDeaf || this.#isRereadDue) {
        this.#isRereadDue = false
        this.#resyncLater()
      }
      if (isDeaf || this.#isLookDue) this.#lookAhead()
      const heads = bus.heads()
      const said = { n: bus.told, renewedMs: now - this.#renewedAt }
      for (let at = 0; at === 0 || at < heads.length; at += maxHeads)
        bus.publish(everyone, { kind: 'heads', heads: heads.slice(at, at + maxHeads), ...said })
      if (now < this.#renewedAt + renewMs) return undefined
      const at = await this.#renew(tx)
      if (at === undefined) {
        log.error({ node: bus.node }, 'another process runs under the name of this one: give each its own --node')
        this.#options.nameTaken()
        return undefined
      }
      await forgetNodes(tx, forgetMs)
      const swept = await effects.seats.sweep(tx, now)
      const live = await liveNodes(tx)
      return {
        committed: () => {
          swept()
          this.#spare(now)
          this.#renewedAt = now
          this.#seen(live, now)
        },
      }
    },
  }

  /**
   * The database was away for a while, or slow, and others could not say that they run either: for as long as a lease they are believed to.
   * Where it is always slow, the dead are seen between two such times.
   */
  #spare(now: number): void {
    const goneMs = now - this.#renewedAt
    if (goneMs > leaseMs || (goneMs > 2 * renewMs && now > this.#spareUntil + leaseMs)) this.#spareUntil = now + leaseMs
  }

  /**
   * Once a second, whether the database answers or not: where it answers another process and not this one, or nobody is heard either, those
   * who are connected here are sent to where they are served.
   */
  watch(): void {
    const { bus, effects, log, random, storageProblem } = this.#deps
    const now = this.#options.ownNow()
    if (bus.isAlone || storageProblem() === undefined || now < Math.max(this.#renewedAt, this.#sentAwayAt) + cutOffMs) return
    if (bus.isUp && !this.#neighbours.isAnyWell(now)) return
    this.#sentAwayAt = now
    log.error('the database does not answer this process, and may answer others: its clients are told to come back elsewhere')
    for (const connection of [...effects.connections]) turnBack(connection, effects, random)
  }

  /** Those who were connected here were sent away, and whoever comes is, until the database answers again. */
  get isCutOff(): boolean {
    return this.#sentAwayAt > this.#renewedAt && this.#deps.storageProblem() !== undefined
  }

  /** Whether another process may hear a channel: in doubt it does. */
  #isHeard(channel: string): boolean {
    const now = this.#options.ownNow()
    if (now < this.#goneUntil) return true
    for (const name of this.#deps.bus.awaited.names)
      if (this.#interest.hears(name, channel) || !this.#hearing.isUpToDate(name) || this.#neighbours.isUnheard(name, now)) return true
    return false
  }

  /** What it knows of the others; undefined: there can be none. */
  get facts(): NodeFacts | undefined {
    const { bus, roster, counts } = this.#deps
    if (bus.isAlone) return undefined
    const { busGaps: gaps, busHeld: held, repairedEvents: repaired, resyncs, unanswered } = counts
    const agents = roster.hereCount
    const unheard = this.#neighbours.unheard(this.#options.ownNow()).length
    return {
      bus: bus.isUp ? 'up' : 'down',
      nodes: bus.awaited.count + 1,
      behind: this.#hearing.behind + unheard + Number(this.#resyncing !== undefined),
      ...{ unheard, agents, gaps, held, repaired, resyncs, unanswered },
    }
  }

  /** It stops: the others need not wait for the end of its lease. */
  async end(tx: Tx): Promise<void> {
    if (!this.#deps.bus.isAlone) await endNode(tx, this.#deps.bus.node, this.#options.incarnation)
  }

  /** Of one that was killed a moment ago the name is free when its lease is over. */
  async #takeName(): Promise<void> {
    const { store, bus, log } = this.#deps
    const { ownNow } = this.#options
    for (const begunAt = ownNow(); await store.write(tx => this.#renew(tx)) === undefined;) {
      if (ownNow() > begunAt + leaseMs + renewMs) {
        throw new StorageError(`Another process of this relay runs under the name ${bus.node}`,
          'Give each its own: agentchat serve --node NAME. agentchat nodes tells which there are.')
      }
      log.info({ node: bus.node }, 'waits for the end of a process of the same name')
      await new Promise(resolve => setTimeout(resolve, timerMs(askEveryMs)))
    }
    this.#renewedAt = ownNow()
  }

  async #renew(tx: Tx): Promise<number | undefined> {
    const { bus, log } = this.#deps
    const { incarnation, version, configHash: config, ownNow, setClock } = this.#options
    const askedAt = ownNow()
    const facts = JSON.stringify(this.facts ?? {})
    const at = await renewNode(tx, { name: bus.node, incarnation, version, config, state: this.#state, facts, leaseMs })
    if (at === undefined) return undefined
    const offMs = setClock(at, askedAt)
    if (Math.abs(offMs) > warnClockMs && this.#renewedAt === -Infinity)
      log.warn({ offMs }, "the clock of this machine is not the database's, by which all processes go: set it (NTP)")
    return at
  }

  /** Those that are not there any more took their sessions with them, and may have stored what nobody was told of. */
  #seen(live: readonly NodeRow[], now: number): void {
    const { roster, effects, log, bus } = this.#deps
    const names = new Map(live.map(({ name, incarnation }) => [name, incarnation]))
    for (const { name, config, version } of live) {
      if (config === this.#options.configHash || this.#differs.has(name)) continue
      this.#differs.add(name)
      log.warn({ node: name, version }, 'another process of this relay has other settings')
    }
    if (now < this.#spareUntil) return
    // One that was started anew under its name is another.
    const isGone = (name: string) => !names.has(name) || (this.#live.has(name) && this.#live.get(name) !== names.get(name))
    const gone = [...new Set([...this.#live.keys(), ...this.#hearing.names])].filter(isGone)
    this.#live = names
    this.#neighbours.run([...names.keys()].filter(name => name !== bus.node), now)
    for (const { agent, session, node, heardAt } of roster.elsewhere())
      if (!names.has(node) && agent !== undefined) effects.hear({ kind: 'closed', agent: agent.id, session, lastSeen: heardAt }, node)
    // Of one that says something still, all is asked for: its sessions were ended here.
    for (const name of gone) this.#forget(name)
    for (const name of [...bus.awaited.names]) if (!names.has(name)) bus.awaited.gone(name)
    if (gone.length === 0) return
    this.#goneUntil = now + cutOffMs
    this.#lookAhead()
    this.#resyncLater()
  }

  #forget(name: string): void {
    this.#hearing.forget(name)
    this.#snapshots.forget(name)
    this.#interest.forget(name)
    this.#askedAt.delete(name)
  }

  #hear(message: BusMessage, from: string): void {
    const { hub, effects } = this.#deps
    switch (message.kind) {
      case 'events':
        for (const news of message.news ?? []) effects.hear(news, from)
        return hub.publish(message.channel, message.first, message.last, message.frames)
      case 'direct': {
        const { agent, stream, seq, frame, inboxSeq, isKept, news = [] } = message
        for (const each of news) effects.hear(each, from)
        return hub.behind(seq === undefined ? undefined : { channel: stream, seq },
          () => effects.direct(agent, stream, frame, inboxSeq, isKept))
      }
      case 'told':
        if (message.n === undefined) return this.#apply(message.told, from)
        return this.#hearing.hear(message.told, message.n, message.isAwaited === true, from)
      case 'knows':
        return this.#deps.bus.awaited.knows(from, message.n)
      case 'ask':
        return this.#snapshots.tell(processNamed(from))
      case 'sessions':
        return this.#snapshots.collect(message, from)
      case 'heads': {
        for (const [subject, seq] of message.heads) {
          if (subject.startsWith('#')) hub.noteStored(subject, seq)
          else effects.hear({ kind: 'inbox', agent: subject, newest: seq }, from)
        }
        if (message.renewedMs !== undefined && message.renewedMs < 2 * renewMs) this.#neighbours.well(from, this.#options.ownNow())
        return this.#hearing.expect(from, message.n)
      }
      case 'spent':
        return this.#deps.spending().hear(message.spent)
      case 'missed': {
        this.#lookAhead()
        return this.#gap(from)
      }
      default:
        // A newer version says more.
        message satisfies never
    }
  }

  #apply(told: Told, from: string): void {
    this.#snapshots.noteTold(told, from)
    if (told.kind === 'hears') {
      this.#interest.note(from, told.channel, told.isHeard)
      if (told.isHeard) this.#deps.bus.tellHeads(from, [told.channel])
      return
    }
    const known = told.kind === 'opened' ? this.#deps.roster.opened(told.facts.id, told.session) : undefined
    if (told.kind === 'channel' && this.#deps.roster.channel(told.info.name) === undefined) this.#confirm(told.info)
    // The older of two sessions of one label does not end the newer one.
    if (told.kind === 'opened' && known !== undefined && isNewer(known, { since: told.since, node: from }, this.#deps.bus.node)) return
    this.#deps.effects.hear(told, from)
  }

  /** A channel that is new here: what is told of it may come behind its end, which another process told. */
  #confirm({ name: channel, version }: ChannelInfo): void {
    const { effects, log } = this.#deps
    loadChannel(this.#read, channel).then(found => {
      if (found === undefined) effects.hear({ kind: 'channelEnds', channel, by: '@server', version }, this.#deps.bus.node)
    }, (error: unknown) => log.error({ err: error, channel }, 'a channel that another process made could not be looked up'))
  }

  /** Something that a process told is not known: what it was is read, and asked. */
  #gap(from: string): void {
    const now = this.#options.ownNow()
    if (now < (this.#askedAt.get(from) ?? -Infinity) + askEveryMs) return
    this.#askedAt.set(from, now)
    this.#deps.bus.publish(processNamed(from), { kind: 'ask' })
    this.#resyncLater()
  }

  /** For a while nothing was heard, and what this process said was not. */
  #missed(): void {
    const { bus } = this.#deps
    this.#lookAhead()
    bus.publish(everyone, { kind: 'missed' })
    this.#snapshots.tell(everyone)
    bus.publish(everyone, { kind: 'ask' })
    this.#resyncLater()
  }

  /** Something may be stored that was not heard of: how far channels and inboxes are is asked, once at a time. */
  #lookAhead(): void {
    this.#isLookDue = this.#isLooking
    if (this.#isLooking) return
    this.#isLooking = true
    this.#askNewest().catch((error: unknown) => {
      this.#isLookDue = true
      this.#deps.log.warn({ err: error }, 'how far channels are could not be asked; it is asked again')
    }).finally(() => {
      this.#isLooking = false
    })
  }

  async #askNewest(): Promise<void> {
    const { hub, effects, roster, bus, store } = this.#deps
    await hub.lookAhead()
    const agents = [...new Set([...roster.here()].map(([{ id }]) => id))]
    for (let at = 0; at < agents.length; at += maxHeads) {
      for (const [agent, newest] of await store.read.log.newestInboxes(agents.slice(at, at + maxHeads)))
        effects.hear({ kind: 'inbox', agent, newest }, bus.node)
    }
  }

  /** Two processes told of one thing at nearly the same time: when both are heard of, it is read. */
  #contested(agent: string | undefined): void {
    if (agent === undefined) this.#isResyncDue = true
    else this.#unsure.add(agent)
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined
      this.#resyncLater(this.#isResyncDue)
    }, timerMs(settleMs)).unref()
  }

  #resyncLater(isOfAll = true): void {
    this.#isResyncDue ||= isOfAll
    // Whoever asks meanwhile has it done once more.
    this.#resyncing ??= this.#resync().finally(() => this.#resyncing = undefined)
    this.#resyncing.catch((error: unknown) => {
      this.#isRereadDue = this.#isResyncDue = true
      this.#deps.log.error({ err: error }, 'what other processes changed could not be read; it is tried again')
    })
  }

  /** Reads what is kept in tables and told when it changes. */
  async #resync(): Promise<void> {
    const { bus: { node }, effects: { changes } } = this.#deps
    while (this.#isResyncDue || this.#unsure.size > 0) {
      const agents = new Set(this.#unsure)
      this.#unsure.clear()
      const isOfAll = this.#isResyncDue
      this.#isResyncDue = false
      await changes.during(fresh =>
        isOfAll
          ? reread(this.#read, this.#options, this.#deps, fresh)
          : rereadAgents(this.#read, { ...this.#deps, node }, fresh, agents)
      )
      this.#deps.counts.resyncs++
    }
    this.#snapshots.read()
  }

  /** Looks up what is about to be refused by what is known in memory: whether the tables know better. Undefined: nobody else changes them. */
  look(channel: string | undefined, agent: string | undefined): Promise<boolean> | undefined {
    const { bus, store, effects: { changes } } = this.#deps
    // Writes wait for it: not behind those who read much.
    return bus.isAlone ? undefined : changes.during(fresh => rereadOne(store.read, this.#deps, fresh, channel, agent))
  }
}
