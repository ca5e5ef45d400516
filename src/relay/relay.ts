// The engine put together: sockets in, committed events out. It knows stages and no feature.
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import { closeCodes, timerMs, type CloseName } from '../../lib/protocol/index.ts'
import type { Ban } from '../store/standing.ts'
import type { Awaitable, Scope, Store, Tx } from '../store/store.ts'
import { Account, shareOut, type Debtor } from './account.ts'
import { Allowance, Bucket, type Rate } from './bucket.ts'
import { Audit } from './audit.ts'
import { Bonds, type SignIns } from './bonds.ts'
import { Committer } from './committer.ts'
import { DutyTurns, forgetKeys } from './duties.ts'
import { Connection, type Line, type Talk } from './connection.ts'
import { Desk } from './desk.ts'
import { Dispatch, maxDebtMs } from './dispatch.ts'
import { Effects } from './effects.ts'
import { isRefusalMark } from './encode.ts'
import type { Admit, Duty, Handlers, Route } from './feature.ts'
import { Gate, type IsOwnHost } from './gate.ts'
import { healthOf } from './health.ts'
import { httpHandler, sparing, type Metrics as MetricsPage } from './http.ts'
import { Filters } from './filters.ts'
import { Hub } from './hub.ts'
import type { HttpDoor } from './inside.ts'
import { lineJob, ownJob, type Job } from './job.ts'
import { leave, turnBack } from './leaving.ts'
import type { Local } from './local.ts'
import { insideOf } from './local-connection.ts'
import { LookAgain } from './look-again.ts'
import { listenForMetrics, type MetricsListener } from './metrics-listener.ts'
import { Listener, type ListenerOptions, type SocketFacts } from './listener.ts'
import { Nodes, NumberedBus, type NodesOptions } from './nodes.ts'
import { Outbox } from './outbox.ts'
import { Pages } from './pages.ts'
import type { MessagePrice } from './price.ts'
import { Progress } from './progress.ts'
import { Pulse } from './pulse.ts'
import { Quota } from './quota.ts'
import { Reads } from './reads.ts'
import { Replayer } from './replay.ts'
import { Roster } from './roster.ts'
import { Spending } from './spending.ts'
import { seen } from './seen.ts'
import { Signals } from './signals.ts'
import { Slices } from './slices.ts'
import { Sweeper, type Pace } from './sweeper.ts'
import { Visit } from './visit.ts'
import type { RelayBus } from './told.ts'
import type { ChannelInfo, Health } from './view.ts'

/** What the relay tells its listener. */
type Told = 'counts' | 'slices' | 'account' | 'debtMs' | 'elsewhereFrom' | 'charge' | 'onRequest' | 'onConnection' | 'onRefused'

export interface RelayOptions extends Omit<ListenerOptions, Told> {
  readonly name: string
  readonly version: string
  readonly adminKey?: string | undefined
  readonly auditCount: number
  readonly messageRate: Rate
  readonly addressRate: Rate
  /** Work, in frames: per agent, and per address. */
  readonly frameRate: Rate
  readonly addressFrameRate: Rate
  readonly maxPendingBytes: number
  /** Bytes that may wait in all, in and out. */
  readonly maxOwedBytes: number
  readonly maxQueueFrames: number
  readonly maxQueueBytes: number
  /** How long a publish key is remembered. */
  readonly publishWindowMs: number
  readonly inboxWaitMs: number
  readonly announceMaxMembers: number
  readonly allowlistStrict: boolean
  /** Channels in which agents are from their login on. */
  readonly autoJoin: readonly string[]
  /** A port of its own for /metrics; undefined: it is on the public one. */
  readonly metricsPort?: number | undefined
  readonly metricsHost: string
  readonly pingIntervalMs: number
  readonly pingTimeoutMs: number
  readonly drainNoticeMs: number
  readonly drainMs: number
}

export interface RelayDeps {
  readonly store: Store
  readonly handlers: Handlers
  /** How many messages one counts for; undefined: one. */
  readonly messagePrice?: MessagePrice | undefined
  readonly duties: readonly Duty[]
  /** Other ways in over HTTP. */
  readonly doors: readonly HttpDoor[]
  /** Opens sessions for agents that the inner door vouches for. */
  readonly admit: Admit
  /** What the features add to /health. */
  readonly facts: () => Pick<Health, 'proposals'>
  /** Tells a slice what it decided, here or elsewhere. */
  readonly news: (slice: string, news: object) => void
  /** What features answer over plain HTTP. */
  readonly routes: readonly Route[]
  readonly channels: readonly ChannelInfo[]
  readonly addressBans: readonly Ban[]
  readonly isOwnHost: IsOwnHost
  readonly motd: string | null
  /** What other processes of this relay tell, and are told. */
  readonly bus: RelayBus
  readonly process: NodesOptions
  readonly clock: Clock
  /** ms on a clock that only goes on. */
  readonly elapsed: () => number
  readonly log: Logger
  readonly metrics: Metrics
  /** 0 ≤ random < 1, for jitter. */
  readonly random: () => number
  readonly pace: Pace
  readonly signIns?: SignIns | undefined
}

/** How often large channels are told in numbers what goes on in them. */
const summaryEveryMs = 10_000

/** Frames of work that a socket may ask for before it has a session: enough to log in. */
const unidentifiedRate: Rate = { perSecond: 5, burst: 60 }

export class Relay {
  readonly #options: RelayOptions
  readonly #deps: RelayDeps
  readonly #connections = new Set<Connection>()
  readonly #roster = new Roster()
  readonly #hub: Hub
  readonly #effects: Effects
  readonly #gate: Gate
  readonly #signals: Signals
  readonly #committer: Committer
  readonly #dispatch: Dispatch
  readonly #listener: Listener
  readonly #sweeper: Sweeper
  readonly #quota: Quota
  readonly #nodes: Nodes
  readonly #spending: Spending
  readonly #startedAt: number
  readonly #account: Account<Debtor>
  readonly #outbox: Outbox
  readonly #write = (decide: Job['decide']): void => this.#committer.push(ownJob(decide))
  readonly #progress = new Progress(this.#write)
  readonly #turns = new DutyTurns(job => this.#committer.push(job))
  readonly #pulse: Pulse
  /** Connections of browsers that are signed in. */
  readonly bonds: Bonds<Connection>
  /** The inner door: sessions without a socket. */
  readonly inside: Local
  readonly #metrics: MetricsPage
  #metricsListener: MetricsListener | undefined
  #draining = false
  /** The second port, once it listens. */
  webPort: number | undefined

  constructor(options: RelayOptions, deps: RelayDeps) {
    this.#options = options
    this.#deps = deps
    const { store, clock, log, metrics, metrics: { counts } } = deps
    const bus = new NumberedBus(deps.bus, clock.now(), counts)
    this.#startedAt = clock.now()
    this.#metrics = sparing(() => metrics.render(), () => clock.now())
    const roster = this.#roster
    for (const channel of deps.channels) roster.setChannel(channel)
    roster.motd = deps.motd
    const quota = this.#quota = new Quota({ store, log, counts })
    const messages = new Allowance(options.messageRate, options.addressRate)
    const work = new Allowance(options.frameRate, options.addressFrameRate, maxDebtMs)

    const account = this.#account = new Account<Debtor>({
      ...shareOut(options.maxOwedBytes),
      onOver: debtor => debtor instanceof Connection ? this.#tooMuch(debtor) : (debtor as Visit).cut(),
      onCut: debtor => debtor instanceof Connection ? this.#cut(debtor) : (debtor as Visit).cut(),
    })
    const outbox = this.#outbox = new Outbox({
      maxPendingBytes: options.maxPendingBytes,
      onSlow: connection => this.#tooSlow(connection),
      onTaken: connection => this.#dispatch.intake.goOn(connection),
    }, account, counts)
    const hub = this.#hub = new Hub({
      bus,
      outbox,
      filters: new Filters({ outbox, clock, groupsOf: channel => roster.channel(channel)?.info.groups ?? undefined }),
      counts,
      log: store.read.log,
      onLost: (connections, error) => this.#effects.lost(connections, error),
    })
    const onOffered = (connection: Connection, upTo: number) => this.#progress.offered(connection, upTo)
    const onSent = (connection: Connection, bytes: number) => this.#dispatch.sent(connection, bytes)
    const reads = new Reads()
    const slices = new Slices({ now: deps.elapsed, later: then => setImmediate(then) })
    const room = ({ debt }: Connection) => account.room(debt)
    const replayer = new Replayer({ store, hub, outbox, clock, counts, reads, room, onSent, onOffered })
    const { announceMaxMembers } = options
    const signals = this.#signals = new Signals({ roster, hub, outbox, clock, announceMaxMembers, everyMs: deps.pace.signalMs })
    const gate = this.#gate = new Gate({ ...deps, adminKey: options.adminKey, hasAccounts: deps.signIns !== undefined, counts })
    const effects = this.#effects = new Effects({ bus, roster, gate, hub, outbox, signals, replayer, clock, log, counts }, {
      ...{ onOffered, onNews: deps.news },
      allowlistStrict: options.allowlistStrict,
      connections: () => this.#connections,
      onIdentified: connection => {
        log.debug({ address: connection.address, agent: connection.agent?.id, session: connection.session }, 'a session opened')
        this.#listener.settled(connection.socket as Duplex)
      },
    })
    this.bonds = new Bonds(deps.signIns, connection => effects.end(connection, 'SIGNED_OUT'), log)
    this.#pulse = new Pulse({
      ...options,
      clock,
      effects,
      connections: () => this.#connections,
      progress: this.#progress,
      drop: (connection, close) => this.#drop(connection, close),
    })
    this.#committer = new Committer({ store, clock, log, counts, batchSize: metrics.batchSize, commitSeconds: metrics.commitSeconds }, {
      ...options,
      ...{ deliver: results => this.#dispatch.deliver(results), endTurn: () => this.#dispatch.endTurn() },
      reread: channels => Promise.all(channels.map(channel => this.#nodes.look(channel, undefined))),
    })
    this.#nodes = new Nodes(deps.process, {
      ...{ ...deps, bus, counts, effects, gate, hub, roster },
      spending: () => this.#spending,
      storageProblem: () => this.#committer.storageProblem,
    })
    this.#dispatch = new Dispatch({
      ...deps,
      bus,
      reads,
      slices,
      room,
      roster,
      hub,
      outbox,
      effects,
      ...{ gate, bonds: this.bonds },
      quota,
      audit: new Audit(log, options.auditCount),
      lookAgain: new LookAgain((channel, agent) => this.#nodes.look(channel, agent)),
      messages,
      work,
      announceMaxMembers,
      counts,
      errors: metrics.errorsSent,
    }, this.#committer)
    const counted = { messages, work, pieces: this.#dispatch.pieces, ...gate.shared }
    this.#spending = new Spending({ bus, roster, clock }, Object.assign(counted, ...deps.doors.map(({ shared }) => shared)))
    this.inside = insideOf({
      ...options,
      ...deps,
      committer: this.#committer,
      dispatch: this.#dispatch,
      effects,
      pulse: this.#pulse,
      roster,
      open: (line, facts) => this.#opened(line, line, facts),
      begins: (connection, isKnown) => this.#begins(connection, isKnown),
      closed: (connection, code) => this.#closed(connection, code),
      isStopping: () => this.#dispatch.isStopping,
      messages,
    })
    const pages = new Pages({
      routes: deps.routes,
      ctx: () => ({ now: clock.now(), db: store.read, aside: store.aside, roster, health: () => this.#health() }),
      isBanned: address => gate.addressBan(address) !== undefined,
      isDraining: () => this.#draining,
      write: (decide, scope) => this.#written(decide, scope),
      log,
    })
    const charge = (address: string, frames: number) => void work.owe({ address }, clock.now(), frames)
    this.#listener = new Listener({
      ...options,
      ...{ counts, slices, account },
      elsewhereFrom: address => roster.elsewhereFrom(address),
      debtMs: address => work.owe({ address }, clock.now(), 0),
      charge,
      onRequest: httpHandler({
        doors: deps.doors,
        isBanned: address => gate.addressBan(address) !== undefined,
        places: path => pages.kind(path),
        page: request => pages.answer(request),
        health: () => this.#health(),
        ready: () => this.#draining ? 'draining' : this.#committer.storageProblem,
        visit: (response, address) => new Visit(response, address, account),
        desk: new Desk(slices),
        charge,
        pace: address => messages.take({ address }, clock.now(), 1),
        metrics: options.metricsPort === undefined ? this.#metrics : undefined,
      }),
      onConnection: (ws, socket, facts, before) => this.#accept(ws, socket, facts, before),
      onRefused: (ws, reason) => {
        metrics.closes.inc({ code: String(closeCodes[reason].code) })
        ws.close(closeCodes[reason].code, reason)
        setTimeout(() => ws.terminate(), timerMs(1_000)).unref()
      },
    })
    this.#sweeper = new Sweeper([
      { everyMs: 1_000, run: now => this.#pulse.sweep(now) },
      { everyMs: deps.pace.sweepMs, run: () => void this.bonds.check() },
      { everyMs: deps.pace.sweepMs, run: () => void quota.measure() },
      { everyMs: deps.pace.sweepMs, run: () => [...deps.duties, this.#nodes.duty].forEach(duty => this.#runDuty(duty)) },
      { everyMs: summaryEveryMs, run: () => signals.summarise() },
      { everyMs: deps.pace.sweepMs, run: () => this.#nodes.watch() },
      { everyMs: 10_000, run: now => [this.#dispatch, roster, gate, this.inside].forEach(each => each.sweep(now)) },
      // A storage that failed is tried again even if nobody writes, so that the relay is ready as soon as it can be.
      {
        everyMs: 2_000,
        run: () => {
          if (this.#committer.storageProblem !== undefined) this.#write(forgetKeys(0))
        },
      },
      { everyMs: 60_000, run: () => this.#write(seen([...roster.heard()])) },
      { everyMs: 60_000, run: now => this.#write(forgetKeys(now - options.publishWindowMs)) },
    ], () => clock.now(), deps.pace.tickMs)
    metrics.observe({
      connections: () => this.#connections.size,
      sessions: () => roster.agentCount,
      channels: () => roster.channelCount,
      busUp: () => Number(bus.isUp),
      nodesLive: () => this.#nodes.facts?.nodes ?? 1,
      busBehind: () => this.#nodes.facts?.behind ?? 0,
      queueFrames: () => this.#committer.length,
      queuedBytes: () => {
        let bytes = 0
        for (const connection of this.#connections) bytes += connection.bytesWaiting
        return bytes
      },
      pausedSockets: () => this.#dispatch.intake.waitingCount,
      owedBytes: () => account.bytes,
      partingBytes: () => account.partingBytes,
      maxOwedBytes: () => options.maxOwedBytes,
      dataBytes: () => quota.usedBytes,
      dataQuotaBytes: () => quota.quotaBytes,
    })
  }

  get isTls(): boolean {
    return this.#listener.isTls
  }

  /** Opens the door; gives the port. */
  async start(): Promise<number> {
    await this.#quota.measure()
    await this.#nodes.start()
    for (const channel of this.#options.autoJoin) await this.#hub.keep(channel)
    const { metricsHost: host, metricsPort } = this.#options
    if (metricsPort !== undefined)
      this.#metricsListener = await listenForMetrics({ host, port: metricsPort }, this.#metrics)
    const { port, webPort } = await this.#listener.listen().catch((error: unknown) => {
      this.#metricsListener?.stop()
      throw error
    })
    this.webPort = webPort
    this.#sweeper.start()
    this.#spending.start()
    return port
  }

  /** Where /metrics is, if it has a port of its own. */
  get metricsPort(): number | undefined {
    return this.#metricsListener?.port
  }

  reloadTls(): void {
    this.#listener.reloadTls()
  }

  /** Not ready, no new connections (`quit` is called then), what is queued is committed and answered, then everyone is told to come back. */
  async drain(quit: () => void): Promise<void> {
    if (this.#draining) return
    this.#draining = true
    await leave({
      ...this.#options,
      connections: this.#connections,
      effects: this.#effects,
      listener: this.#listener,
      committer: this.#committer,
      ...this.#deps,
      tell: () => this.#deps.bus.isAlone ? Promise.resolve() : this.#written(tx => this.#nodes.leave(tx), undefined),
      end: () => this.#written(tx => this.#nodes.end(tx), undefined),
      stop: () => {
        quit()
        for (const each of [this.#sweeper, this.#spending, this.#signals, this.#dispatch]) each.stop()
      },
    })
    this.#metricsListener?.stop()
  }

  #accept(ws: WebSocket, socket: Duplex, facts: SocketFacts, before: Buffer | undefined): void {
    const connection = this.#opened(ws, socket, facts)
    connection.signIn = this.bonds.hold(connection, facts.headers)
    ws.on('message', (data: Buffer) => this.#dispatch.receive(connection, data))
    ws.on('ping', (data: Buffer) => this.#dispatch.ping(connection, data))
    ws.on('pong', (data: Buffer) => {
      this.#dispatch.pong(connection, data)
      if (!isRefusalMark(data)) this.#pulse.heard(connection)
    })
    ws.on('close', code => this.#closed(connection, code))
    this.#begins(connection, false)
    this.#dispatch.intake.open(connection, socket, before)
  }

  #opened(talk: Talk, line: Line, facts: { readonly address: string, readonly host?: string | undefined }): Connection {
    const now = this.#deps.clock.now()
    const { address, host } = facts
    const connection = new Connection(talk, line, { address, host, frames: new Bucket(unidentifiedRate, now), now }, this.#account)
    connection.deadline = { at: now + this.#options.identifyTimeoutMs, close: 'IDENTIFY_TIMEOUT' }
    this.#connections.add(connection)
    this.#deps.log.debug({ address, connections: this.#connections.size }, 'a connection opened')
    return connection
  }

  /** Whether it may stay. One that a door vouches for is served until the port closes: whoever sends it here may not know before. */
  #begins(connection: Connection, isKnown: boolean): void {
    const ban = this.#gate.addressBan(connection.address)
    if (!isKnown && (this.#draining || this.#nodes.isCutOff)) turnBack(connection, this.#effects, this.#deps.random)
    else if (ban !== undefined) this.#effects.turnAway(connection, ban)
  }

  #closed(connection: Connection, code: number): void {
    const wasOpen = connection.open
    connection.open = false
    this.#connections.delete(connection)
    this.#hub.silence(connection)
    this.#outbox.forget(connection)
    this.#deps.metrics.closes.inc({ code: String(code) })
    this.#deps.log.debug({ address: connection.address, agent: connection.agent?.id, code }, 'a connection closed')
    // In line behind the writes it sent before it went.
    this.#dispatch.intake.leave(connection, wasOpen, () => {
      this.#committer.push(
        lineJob({ effects: [{ kind: 'depart' }] }, { connection, delivered: () => this.#account.close(connection.debt) }),
      )
    })
    const { agent, heardAt } = connection
    if (agent !== undefined && agent.pubkey !== null && agent.presence !== 'offline') this.#write(seen([[agent.id, heardAt]]))
  }

  #tooSlow(connection: Connection): void {
    this.#deps.metrics.counts.slowCloses++
    this.#drop(connection, 'TOO_SLOW')
  }

  #drop(connection: Connection, close: CloseName): void {
    this.#hub.silence(connection)
    this.#outbox.drop(connection, close)
  }

  /** More is owed than there may be, and this connection owes most of it. */
  #tooMuch(connection: Connection): void {
    if (connection.open) {
      this.#deps.log.debug({ address: connection.address, bytes: connection.debt.bytes }, 'a connection owed too much')
      this.#tooSlow(connection)
      // Where it is by what it sent, more of that would come.
      if (connection.backlog === undefined) connection.ignore()
      return
    }
    this.#cut(connection)
    this.#account.part(connection.debt)
  }

  #cut(connection: Connection): void {
    this.#outbox.forget(connection)
    connection.ws.terminate()
  }

  /** A write for somebody who waits for its commit. */
  #written<R>(decide: (tx: Tx, now: number) => Awaitable<R>, scope: Scope | undefined): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#committer.push(ownJob(async (tx, now) => {
        const value = await decide(tx, now)
        return { committed: () => resolve(value) }
      }, { scope, delivered: () => reject(new Error('the write was not committed')) }))
    })
  }

  #runDuty(duty: Duty): void {
    const ctx = { roster: this.#roster, quota: this.#quota, health: () => this.#health(), soon: () => this.#runDuty(duty) }
    // What is left to others while it drains, where there are any.
    const isOurs = this.#deps.bus.isAlone ? !this.#dispatch.isStopping : !this.#draining || duty === this.#nodes.duty
    if (isOurs) this.#turns.push(duty, (tx, now) => duty.run({ tx, now, ...ctx }))
  }

  #health(): Health {
    return healthOf({
      now: this.#deps.clock.now(),
      startedAt: this.#startedAt,
      isDraining: this.#draining,
      storageProblem: this.#committer.storageProblem ?? this.#quota.problem,
      about: { server: this.#options.name, version: this.#options.version, ...this.#deps.facts() },
      roster: this.#roster,
      nodes: this.#nodes.facts,
    })
  }
}
