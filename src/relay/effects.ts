// Applies what an outcome changes in memory, after its commit: sessions, subscriptions, and who is told of comings and goings. What only
// the asker's process does is the local half; what every process does is told to the others, who apply it to their own.
import type { Clock } from '../base/clock.ts'
import { everyone } from '../bus/bus.ts'
import type { CloseName, FrameBody, FrameType } from '../../lib/protocol/index.ts'
import type { Logger } from '../base/log.ts'
import type { Counts } from '../base/metrics.ts'
import { Changes } from './changes.ts'
import type { Connection } from './connection.ts'
import { frameOf, textOfFrame } from './encode.ts'
import { isOfEvent, type Effect, type Hint, type Notify, type ToldEffect } from './feature.ts'
import type { Gate } from './gate.ts'
import type { Hub } from './hub.ts'
import { Notices } from './notices.ts'
import type { Outbox } from './outbox.ts'
import { itemFrame, type Replayer } from './replay.ts'
import { displace, Seats } from './seats.ts'
import { refusalOf, type Standing } from '../store/standing.ts'
import type { Roster } from './roster.ts'
import type { Signals } from './signals.ts'
import { RemoteSession, type Session } from './session.ts'
import { subjectsOf, type Place, type RelayBus, type Told } from './told.ts'
import { mayEnter, type Agent, type AgentFacts } from './view.ts'

export interface EffectsDeps {
  readonly bus: RelayBus
  readonly roster: Roster
  readonly gate: Gate
  readonly hub: Hub
  readonly outbox: Outbox
  readonly signals: Signals
  readonly replayer: Replayer
  readonly clock: Clock
  readonly log: Logger
  readonly counts: Counts
}

export interface EffectsOptions {
  /** Only approved keys are admitted. */
  readonly allowlistStrict: boolean
  /** Called when a session opens. */
  readonly onIdentified: (connection: Connection) => void
  /** Told when inbox entries up to a number were sent. */
  readonly onOffered: (connection: Connection, upTo: number) => void
  /** Every open connection. */
  readonly connections: () => Iterable<Connection>
  readonly onNews: (slice: string, news: object) => void
}

export class Effects {
  readonly #deps: EffectsDeps
  readonly #notices: Notices
  readonly #options: EffectsOptions
  #admissions = 0
  /** What is changed here, for whoever reads the same from tables. */
  readonly changes = new Changes()
  readonly seats = new Seats()

  constructor(deps: EffectsDeps, options: EffectsOptions) {
    this.#deps = deps
    this.#notices = new Notices(deps, options.connections)
    this.#options = options
  }

  /** Every open connection. */
  get connections(): Iterable<Connection> {
    return this.#options.connections()
  }

  /** Another number once anybody's standing, key or tokens may be others: what was looked up before is looked up again. */
  get admissions(): number {
    return this.#admissions
  }

  /** Sends a signal to one connection; gives its size in bytes. */
  send<T extends FrameType>(connection: Connection, type: T, body: object, re?: string): number {
    const said: { ts: number, re?: string } = { ts: this.#deps.clock.now(), ...body }
    if (re !== undefined) said.re = re
    const frame = frameOf(type, said as FrameBody<T>)
    this.#deps.outbox.add(connection, frame)
    return frame.length
  }

  /** A live message. */
  #deliver(connection: Connection, frame: Buffer): void {
    this.#deps.counts.deliveries++
    this.#deps.outbox.add(connection, frame)
  }

  /**
   * A live inbox entry of `stream`. A mention was told by its channel to those who hear it; a session that acknowledges by
   * itself gets it as an item all the same, with the number to acknowledge.
   */
  #offer(connection: Connection, seq: number, frame: Buffer, stream: string): void {
    if (!this.#isNext(connection, seq)) return
    if (this.#deps.replayer.isItem(connection, stream))
      this.#deliver(connection, itemFrame(seq, textOfFrame(frame), this.#deps.clock.now()))
    else if (!connection.channels.has(stream)) this.#deliver(connection, frame)
    this.#options.onOffered(connection, seq)
  }

  /** An inbox entry that the agent does not want to hear of: it goes the way of the others, and nothing is written. */
  #keepBack(connection: Connection, seq: number | undefined): void {
    if (seq === undefined || !this.#isNext(connection, seq)) return
    this.#options.onOffered(connection, seq)
  }

  /** A stored event to every session of an agent that wants such. One that is still catching up finds it in the inbox. */
  direct(agent: string, stream: string, frame: Buffer, inboxSeq: number | undefined, isKept: boolean): void {
    for (const connection of this.#deps.roster.connectionsOf(agent)) {
      if (connection.inbox === 'none') continue
      if (isKept) this.#keepBack(connection, inboxSeq)
      else if (inboxSeq === undefined) this.#deliver(connection, frame)
      else this.#offer(connection, inboxSeq, frame, stream)
    }
  }

  /** What another process told. */
  hear(told: Exclude<Told, { kind: 'hears' }>, from: string): void {
    switch (told.kind) {
      case 'notice':
        return this.#deps.hub.behind(told.behind, () => this.#notices.tell(told.notice, undefined))
      case 'hint':
        return this.#deps.hub.behind(told.behind, () => this.#deps.signals.tell(told.hint))
      case 'opened':
        return this.#open(new RemoteSession(from, told), told.session, told.facts, told.autojoin)
      case 'joined': {
        const session = this.#deps.roster.remote(told.agent, told.session, from)
        if (session?.agent !== undefined) this.#enter(session, session.agent, told.channel, told.lasting)
        return
      }
      case 'closed': {
        const session = this.#deps.roster.remote(told.agent, told.session, from)
        if (session !== undefined) this.#leave(session, told.lastSeen)
        return
      }
      default:
        return this.#applyTold(told, undefined, from)
    }
  }

  /** `isOrdered`: between what is told to all before it and behind it. */
  #tell(told: Told, isOrdered = false): void {
    for (const subject of isOrdered ? [everyone] : subjectsOf(told)) this.#deps.bus.publish(subject, { kind: 'told', told })
  }

  /** Sends a signal to an audience. */
  notify(notice: Notify, asker: Connection | undefined, behind?: Place, isOrdered = false): void {
    this.#notices.tell(notice, asker)
    if (!this.#deps.bus.isAlone) this.#tell({ kind: 'notice', notice, ...(behind !== undefined && { behind }) }, isOrdered)
  }

  hint(hint: Hint): void {
    this.#deps.signals.tell(hint)
  }

  /** The same elsewhere, where whoever hears it may act on what it is about at once: told behind that. */
  tellHint(hint: Hint, behind?: Place, isOrdered = false): void {
    if (!this.#deps.bus.isAlone) this.#tell({ kind: 'hint', hint, ...(behind !== undefined && { behind }) }, isOrdered)
  }

  apply(effect: Effect, asker: Connection | undefined): void {
    switch (effect.kind) {
      case 'challenge': {
        if (asker === undefined) return
        asker.challenge = effect.challenge
        // Trying again does not buy time.
        if (effect.challenge !== undefined && asker.deadline?.close === 'IDENTIFY_TIMEOUT')
          asker.deadline = { at: effect.challenge.expiresAt, close: 'CHALLENGE_EXPIRED' }
        return
      }
      case 'identify':
        return this.#identify(effect, asker)
      case 'subscribe':
        return this.#subscribe(effect, asker)
      case 'watch': {
        if (asker?.agent === undefined || !asker.open) return
        for (const id of effect.agents) {
          if (effect.on) this.#deps.roster.watch(asker, id)
          else this.#deps.roster.unwatch(asker, id)
        }
        return
      }
      case 'filter':
        return void (asker?.agent !== undefined && asker.open && this.#deps.hub.filters.set(asker, effect.channel, effect.wanted))
      case 'depart': {
        if (asker !== undefined) this.depart(asker)
        return
      }
      case 'closeAsker': {
        if (asker !== undefined) this.end(asker, effect.close)
        return
      }
      default:
        this.#applyTold(effect, asker)
        if (!this.#deps.bus.isAlone && !isOfEvent(effect)) this.#tell(effect)
    }
  }

  /** What every process does with its own roster and its own connections. Elsewhere nobody is the asker. */
  #applyTold(effect: ToldEffect, asker: Connection | undefined, from = this.#deps.bus.node): void {
    this.changes.note(effect, from, this.#deps.clock.now())
    switch (effect.kind) {
      case 'unsubscribe': {
        const agent = this.#deps.roster.agent(effect.agent)
        if (agent === undefined) return
        this.#deps.roster.setMembership(agent, effect.channel, false)
        for (const session of this.#deps.roster.sessionsOf(agent.id)) {
          if (session !== asker) this.#tellLeft(session, { channel: effect.channel })
          this.#exit(session, agent, effect.channel, true)
        }
        return
      }
      case 'remove': {
        const agent = this.#deps.roster.agent(effect.agent)
        if (agent === undefined) return
        this.#deps.roster.setMembership(agent, effect.channel, false)
        const { channel, by } = effect
        for (const session of this.#deps.roster.sessionsOf(agent.id)) {
          this.#tellLeft(session, { channel, reason: 'removed', by })
          this.#exit(session, agent, channel, true)
        }
        return
      }
      case 'channelEnds': {
        const { channel, by, version } = effect
        if ((this.#deps.roster.channel(channel)?.info.version ?? 0) > version) return
        this.#notices.tell({ to: { kind: 'channel', channel }, type: 'LEFT', body: { channel, reason: 'deleted', by } }, undefined)
        this.#deps.hub.end(channel)
        return this.#deps.roster.removeChannel(channel)
      }
      case 'channel':
        return this.#deps.roster.setChannel(effect.info)
      case 'agent':
        return this.#deps.roster.change(effect.agent, effect.change)
      case 'standing':
        this.#admissions++
        return this.#restate(effect.agent, effect.standing, from)
      case 'tokens':
        return void this.#admissions++
      case 'addressBan': {
        const { address, ban } = effect
        this.#deps.gate.setAddressBan(address, ban)
        if (ban === undefined) return
        for (const connection of this.#options.connections()) if (connection.address === address) this.turnAway(connection, ban)
        return
      }
      case 'floor':
        return this.#deps.roster.setFloor(effect.channel, effect.msgId, effect.claim)
      case 'slow':
        return this.#deps.roster.setSlow(effect.channel, effect.who, effect.until)
      case 'inbox': {
        for (const connection of this.#deps.roster.connectionsOf(effect.agent)) this.#catchUp(connection, effect.agent, effect.newest)
        return
      }
      case 'gone':
        return this.#deps.hub.forget(effect)
      case 'motd':
        return void (this.#deps.roster.motd = effect.motd)
      case 'news':
        return this.#options.onNews(effect.of, effect.news)
      case 'close': {
        this.#admissions++
        for (const id of effect.agents) this.#expel(id, effect.close, from)
        return
      }
      case 'closeOthers': {
        for (const connection of this.#options.connections()) if (connection !== asker) this.end(connection, effect.close, effect.reason)
        return
      }
      default:
        effect satisfies never
    }
  }

  /** Closes a connection behind what it still has to hear. */
  end(connection: Connection, close: CloseName, reason?: string): void {
    this.#deps.hub.silence(connection)
    this.#deps.outbox.end(connection, close, reason)
  }

  /** A session without a socket tells from where on it hears its inbox; `newest` is what it knows to be there. */
  hearInbox(connection: Connection, after: number, newest: number): void {
    const { agent } = connection
    if (agent === undefined || !connection.open) return
    connection.inboxSent = after
    this.#catchUp(connection, agent.id, Math.max(newest, connection.inboxNewest))
  }

  /** A connection is gone, and its session over. */
  depart(connection: Connection): void {
    const { agent, heardAt } = connection
    if (agent === undefined) return
    this.#deps.hub.filters.end(connection)
    this.seats.left(connection.seat)
    this.#leave(connection, heardAt)
    if (!this.#deps.roster.isConnected(agent.id)) this.#deps.bus.unfollow(agent.id)
    if (!this.#deps.bus.isAlone) this.#tell({ kind: 'closed', agent: agent.id, session: connection.session, lastSeen: heardAt })
  }

  /** A session is over: its agent leaves the channels that no other session of it hears. */
  #leave(session: Session, lastSeen: number): void {
    const { agent } = session
    if (agent === undefined) return
    for (const channel of [...session.channels]) this.#exit(session, agent, channel, false)
    this.#deps.roster.detach(session)
    if (agent.presence !== 'offline' && this.#deps.roster.agent(agent.id) === undefined)
      this.#tellWatchers(agent, { presence: 'offline', status_text: null, last_seen: lastSeen })
  }

  /** What an agent's standing means for those of its sessions that are open. */
  #restate(id: string, standing: Standing, from: string): void {
    const refusal = refusalOf(standing, this.#options.allowlistStrict && this.#deps.roster.agent(id)?.exempt !== true)
    if (refusal !== undefined) {
      const { close, message } = refusal
      const reason = standing.ban === undefined ? message : standing.ban.reason
      if (close !== 'REVOKED') {
        for (const connection of this.#deps.roster.connectionsOf(id)) this.send(connection, close, reason === null ? {} : { reason })
      }
      return this.#expel(id, close, from)
    }
    this.#deps.roster.setVerified(id, standing.isVerified)
    const agent = this.#deps.roster.agent(id)
    if (agent === undefined) return
    for (const { info } of [...agent.channels]) {
      if (mayEnter(agent, info)) continue
      for (const session of this.#deps.roster.sessionsOf(id)) {
        this.#tellLeft(session, { channel: info.name })
        this.#exit(session, agent, info.name, true)
      }
    }
  }

  /** A connection whose address is banned is told so and ends. */
  turnAway(connection: Connection, { reason }: { readonly reason: string | null }): void {
    this.send(connection, 'BANNED', reason === null ? {} : { reason })
    this.depart(connection)
    this.end(connection, 'BANNED')
  }

  /** Ends an agent's sessions. What they sent before and waits its turn has no session any more. */
  /** Where that was decided its sessions elsewhere are over as well, for whoever asks behind it; they end there. */
  #expel(id: string, close: CloseName, from: string): void {
    for (const session of [...this.#deps.roster.sessionsOf(id)]) {
      if (session instanceof RemoteSession) {
        if (from === this.#deps.bus.node) this.#leave(session, session.heardAt)
      } else {
        this.depart(session)
        this.end(session, close)
      }
    }
  }

  #identify({ login, agent, autojoin, seat }: Extract<Effect, { kind: 'identify' }>, asker: Connection | undefined): void {
    if (asker?.open !== true) return this.seats.left(seat)
    asker.challenge = undefined
    asker.deadline = undefined
    // Behind the one that had it before, by whatever clock.
    const since = Math.max(this.#deps.clock.now(), (this.#deps.roster.opened(agent.id, login.session)?.since ?? 0) + 1)
    Object.assign(asker, { session: login.session, inbox: login.inbox, binding: login.binding, seat, since })
    this.#open(asker, login.session, agent, autojoin)
    this.#options.onIdentified(asker)
    void this.#deps.bus.follow(agent.id)
    if (!this.#deps.bus.isAlone) {
      this.changes.noteLogin(agent.id, this.#deps.clock.now())
      const { session, address, heardAt } = asker
      this.#tell({ kind: 'opened', session, address, heardAt, since, facts: agent, autojoin })
    }
    if (agent.pubkey !== null && login.inbox !== 'none') this.#inBackground(asker, this.#deps.replayer.inbox(asker, agent.id))
  }

  #open(session: Session, label: string, facts: AgentFacts, autojoin: readonly string[]): void {
    const wasHere = this.#deps.roster.agent(facts.id) !== undefined
    const former = this.#deps.roster.attach(session, label, facts, this.#deps.clock.now())
    for (const channel of autojoin) {
      const isThere = this.#deps.roster.enter(session.agent!, channel, false)
      if (!(session instanceof RemoteSession)) this.#deps.hub.listen(session, channel)
      else if (isThere) session.channels.add(channel)
    }
    if (!wasHere) this.#tellWatchers(facts, { presence: 'online', status_text: null })
    if (former === undefined) return
    if (former instanceof RemoteSession) return this.#leave(former, former.heardAt)
    displace(former, this)
  }

  #subscribe({ channel, after, last, lasting }: Extract<Effect, { kind: 'subscribe' }>, asker: Connection | undefined): void {
    const agent = asker?.agent
    if (asker === undefined || agent === undefined || !asker.open || !this.#enter(asker, agent, channel, lasting)) return
    const catchUp = this.#deps.hub.subscribe(asker, channel, last)
    // Behind what that tells: who knows of the join knows that the channel is heard here.
    if (!this.#deps.bus.isAlone) this.#tell({ kind: 'joined', agent: agent.id, session: asker.session, channel, lasting })
    if (!this.#deps.hub.goLive(catchUp, after)) this.#inBackground(asker, this.#deps.replayer.channel(catchUp, after))
  }

  /** A session joins a channel; false where there is none. */
  #enter(session: Session, agent: Agent, channel: string, lasting: boolean): boolean {
    if (lasting) {
      this.changes.noteMember(agent.id, channel, session instanceof RemoteSession ? session.node : this.#deps.bus.node,
        this.#deps.clock.now())
      this.#deps.roster.setMembership(agent, channel, true)
    }
    const here = this.#deps.roster.channel(channel)
    if (here === undefined) return false
    const isNew = !here.announced.has(agent)
    if (session.channels.has(channel)) this.#deps.roster.announce(agent, channel)
    else this.#deps.roster.enter(agent, channel, true)
    if (session instanceof RemoteSession) session.channels.add(channel)
    if (isNew) {
      const { id, name, verified } = agent
      this.#deps.signals.tell({
        agent: id,
        to: { kind: 'channel', channel },
        type: 'AGENT_JOINED',
        body: { channel, agent: id, name, verified },
      })
    }
    return true
  }

  /** An agent came or is gone. */
  #tellWatchers(
    { id, name }: Pick<Agent, 'id' | 'name'>,
    state: Pick<FrameBody<'PRESENCE_CHANGED'>, 'presence' | 'status_text' | 'last_seen'>,
  ): void {
    if (this.#deps.roster.watchersOf(id).size === 0) return
    this.#deps.signals.tell({ agent: id, to: { kind: 'watchers' }, type: 'PRESENCE_CHANGED', body: { agent_id: id, name, ...state } })
  }

  /** Whether a live inbox entry is to be sent now: older ones are, and none is missing between, which is read then. */
  #isNext(connection: Connection, seq: number): boolean {
    const { inboxSent: sent, inboxNewest: newest } = connection
    if (sent !== undefined && seq <= sent) return false
    if (seq > newest) connection.inboxNewest = seq
    if (sent === undefined) return false
    if (seq === sent + 1) {
      connection.inboxSent = seq
      return true
    }
    this.#catchUp(connection, connection.agent!.id, seq)
    return false
  }

  /** Sends what came into the inbox beside the messages that were delivered; a session that is catching up anyway finds it. */
  #catchUp(connection: Connection, agent: string, newest: number): void {
    if (connection.inbox === 'none') return
    connection.inboxNewest = Math.max(newest, connection.inboxNewest)
    const sent = connection.inboxSent
    if (sent === undefined) return
    connection.inboxSent = undefined
    this.#inBackground(connection, this.#deps.replayer.inbox(connection, agent, sent))
  }

  /** A session in a channel, if it can be written to, hears that it is there no more. */
  #tellLeft(session: Session, body: Omit<FrameBody<'LEFT'>, 'ts' | 're'>): void {
    if (!(session instanceof RemoteSession) && session.channels.has(body.channel)) this.send(session, 'LEFT', body)
  }

  #exit(session: Session, agent: Agent, channel: string, withName: boolean): void {
    if (!session.channels.has(channel)) return
    const here = this.#deps.roster.channel(channel)
    const wasAnnounced = here?.announced.has(agent) === true
    if (session instanceof RemoteSession) session.channels.delete(channel)
    else this.#deps.hub.unsubscribe(session, channel)
    if (!this.#deps.roster.exit(agent, channel) || !wasAnnounced) return
    this.#deps.signals.tell({
      agent: agent.id,
      to: { kind: 'channel', channel },
      type: 'AGENT_LEFT',
      body: { channel, agent: agent.id, ...(withName && { name: agent.name }) },
    })
  }

  /** Work that outlives its turn. */
  #inBackground(connection: Connection, work: Promise<void>): void {
    work.catch((error: unknown) => this.lost([connection], error))
  }

  /** What they should have heard cannot be had: they come back and resume. */
  lost(connections: readonly Connection[], error: unknown): void {
    this.#deps.log.error({ err: error }, 'catching up failed')
    for (const connection of connections) this.end(connection, 'RESTARTING', 'retry_after_ms=1000')
  }
}
