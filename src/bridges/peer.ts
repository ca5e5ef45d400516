// A client of another relay, under this relay's key, for the channels that are mirrored here. What is said there is only a reason to look: events are
// read in pages, from where the mirror is, and each page is checked against a head that its relay signs. So a cut, a doubled frame or one
// that never came make no difference.
import { Requests } from '../../lib/client/requests.ts'
import { ConnectionError, ProtocolError, RelayError } from '../../lib/client/errors.ts'
import { rawTextOf } from '../../lib/client/raw-text.ts'
import type { ReadDocument } from '../../lib/client/resolving.ts'
import { sessionOptions } from '../../lib/client/session-options.ts'
import { Session } from '../../lib/client/session.ts'
import type { Transport } from '../../lib/client/transport.ts'
import { defaultBackoff } from '../../lib/client/backoff.ts'
import { IdentityError, isConsistent, TranscriptRange, type Checkpoint, type Identity, type Verify } from '../../lib/identity/index.ts'
import { isSameHash, relayWitness, type Evidence } from '../../lib/identity/transcripts/index.ts'
import { rawField, rawItems, type Frame, type ReplyType, type RequestInput, type RequestType } from '../../lib/protocol/index.ts'
import type {
  Arrived,
  Broken,
  Cosigned,
  Described,
  Handed,
  HomeEvent,
  Peer,
  PeerOptions,
  PeerState,
  Pulled,
  Standing,
  Waiting,
} from '../features/links/bridge/peer.ts'
import { Cosigning, evidenceOf, isAsCosigned, ownShown } from './cosigning.ts'
import { Authors } from './authors.ts'
import { Description } from './description.ts'
import { Handing } from './handing.ts'
import { newFollowed, type Followed } from './followed.ts'
import { isOver, none, waitOf } from './wait.ts'
import { addEvents, checkBeginning, headOf, homeEvent, Misfit, nodes, treeOfPeaks, type HomeKey } from './page.ts'

export interface RelayPeerOptions extends PeerOptions {
  /** This relay's key. */
  readonly identity: Identity
  /** What this relay is called there. */
  readonly name: string
  readonly transport: Transport
  readonly verify: Verify
  /** Reads what the other relay says of itself. */
  readonly read: ReadDocument
  /** ms before it comes back, at most; undefined: longer each time */
  readonly backoffMs?: number | undefined
  /** ms since 1970 */
  readonly now: () => number
  /** 0 ≤ random < 1 */
  readonly random: () => number
}

const pageEvents = 200
/** Pages that wait to be stored, of all channels. */
const maxArrived = 4
const retryMs = 60_000
/** A session that was open and ended: another takes its place so much later. */
const endedMs = 5_000
/** Pages of channels that are looked through for one. */
const maxListed = 10
const heartbeatMs = 15_000
const erasuresEveryMs = 60_000
/** So a relay that does not tell what is new, or takes this one for no member, leaves no mirror behind for longer. */
const lookEveryMs = 120_000
const passingMs = 1_000
/** In an event that takes another one back; in what is said quotes are written otherwise. */
const takenBack = '"retract":{"of":'
const timeoutMs = 15_000

export class RelayPeer implements Peer {
  readonly #options: RelayPeerOptions
  #session: Session
  readonly #requests: Requests
  readonly #followed = new Map<string, Followed>()
  #arrived: Arrived[] = []
  #home: HomeKey | undefined
  #problem: string | undefined
  #retry = none
  #lastId = 0
  #isRunning = false
  readonly #handing: Handing
  readonly #cosigning: Cosigning
  readonly #authors = new Authors(agent => this.#ask('WHOIS', { agent: agent as `@${string}` }))
  readonly #description: Description
  /** Another key than the known one answers. */
  #isChanged = false

  constructor(options: RelayPeerOptions) {
    this.#options = options
    this.#description = new Description(options)
    const { now, identity } = options
    this.#session = this.#newSession()
    this.#cosigning = new Cosigning({
      own: relayWitness(identity.publicKey).name,
      hand: (channel, checkpoint) => this.#ask('COSIGN', { channel: channel as `#${string}`, checkpoint }),
      now,
    })
    this.#handing = new Handing({
      now,
      isOpen: () => this.#session.state === 'open' && this.#home !== undefined,
      ask: body => {
        const id = `l${++this.#lastId}`
        return this.#requests.call(id, 'RELAYED', () => `{"type":"RELAYED","id":"${id}",${body.slice(1)}`, { timeoutMs }) as Promise<
          Frame<'ACK'>
        >
      },
      onAnswer: () => options.onArrival(),
      onProblem: problem => {
        this.#problem = problem
      },
    })
    this.#requests = new Requests(text => {
      if (typeof text === 'string') this.#session.send(text)
    }, () => undefined)
  }

  get state(): PeerState {
    const { state } = this.#session
    const problem = this.#problem === undefined ? {} : { problem: this.#problem }
    return { state: state === 'open' ? 'open' : state === 'idle' || state === 'closed' ? 'refused' : 'connecting', ...problem }
  }

  problemOf(channel: string): string | undefined {
    return this.#followed.get(channel)?.problem
  }

  newestOf(channel: string): number {
    return this.#followed.get(channel)?.newest ?? 0
  }

  follow(channels: ReadonlyMap<string, Standing>): void {
    for (const channel of this.#followed.keys()) {
      if (channels.has(channel)) continue
      this.#followed.delete(channel)
      this.#cosigning.forget(channel)
    }
    for (const [channel, standing] of channels) {
      const { tree, cosigned } = standing
      // Where nothing waits to be stored it is where this was; it was ended and begun anew, or another process brought it on, where not. What
      // was broken goes on when it is asked for again.
      const known = this.#followed.get(channel)
      if (known !== undefined && (this.#isWaiting(channel) || !known.isBroken && known.tree.toString() === (tree || '0'))) continue
      this.#followed.set(channel, newFollowed(standing))
      this.#cosigning.set(channel, cosigned)
    }
    void this.#cosigning.handOn()
    const { state } = this.#session
    if (state === 'open' || this.#isChanged) this.#description.readNow()
    if ((state === 'idle' || state === 'closed') && isOver(this.#retry, this.#options.now())) {
      if (state === 'closed') this.#session = this.#newSession()
      this.#session.connect({ wait: true }).catch(() => undefined)
    }
    void this.#run()
  }

  arrived(): readonly Arrived[] {
    return this.#arrived
  }

  settled(arrived: Arrived): void {
    this.#arrived = this.#arrived.filter(each => each !== arrived)
    void this.#run()
  }

  cosigned(channel: string, last: Cosigned | undefined): void {
    if (this.#followed.has(channel)) this.#cosigning.set(channel, last)
  }

  held(): readonly string[] {
    return this.#handing.held()
  }

  hand(waiting: readonly Waiting[]): void {
    this.#handing.hand(waiting)
  }

  answered(): readonly Handed[] {
    return this.#handing.answered()
  }

  noted(handed: Handed): void {
    this.#handing.noted(handed)
  }

  described(): Described | undefined {
    return this.#description.found
  }

  notedDescription(described: Described): void {
    this.#description.noted(described)
  }

  close(): void {
    this.#description.close()
    this.#followed.clear()
    void this.#session.close()
  }

  /** A session that ended for good, as one whose place another took, is for ever: the next one is new. */
  #newSession(): Session {
    const { url, serverId, identity, name, transport, verify, backoffMs, now, random } = this.#options
    const backoff = backoffMs === undefined ? defaultBackoff : { ...defaultBackoff, minMs: backoffMs, maxMs: backoffMs }
    return new Session(
      sessionOptions({ server: url, serverId, identity, name, session: 'link', inbox: 'none', transport, verify, heartbeatMs }, {
        ...{ timeoutMs, now, random, backoff },
      }),
      {
        opened: ({ limits }, { key }) => this.#opened(limits?.max_frame_bytes ?? Infinity, key),
        frame: frame => this.#heard(frame),
        invalid: () => undefined,
        lost: error => this.#lost(error),
        gaveUp: error => this.#gaveUp(error, retryMs),
        ended: error => this.#gaveUp(error, backoffMs ?? endedMs),
      },
    )
  }

  #opened(maxFrameBytes: number, key: string | undefined): void {
    this.#description.readNow()
    this.#problem = undefined
    this.#home = key === undefined ? undefined : { serverId: this.#options.serverId, key }
    for (const followed of this.#followed.values()) Object.assign(followed, { isJoined: false, isDue: true })
    this.#requests.open(maxFrameBytes)
    this.#requests.catchUp()
    this.#cosigning.opened()
    void this.#run()
    this.#handing.goOn()
  }

  #heard(frame: Frame): void {
    if (this.#requests.answer(frame)) return
    if (frame.type === 'LEFT') return this.#left(frame)
    if (frame.type !== 'MSG') return
    const followed = this.#followed.get(frame.to)
    if (followed === undefined) return
    followed.isDue = true
    followed.newest = Math.max(followed.newest, frame.seq ?? 0)
    void this.#run()
  }

  /** It is not told what is said there any more: for good where somebody meant that. */
  #left({ channel, reason, by }: Frame<'LEFT'>): void {
    const followed = this.#followed.get(channel)
    if (followed === undefined) return
    followed.isJoined = false
    followed.isDue = true
    if (reason === undefined) return void this.#run()
    const what = reason === 'deleted' ? 'it was deleted there' : 'this relay was put out of it there'
    this.#break(followed, { channel, problem: by === undefined ? what : `${what}, by ${by}` })
  }

  #lost(error: ConnectionError): void {
    this.#problem = error.message
    this.#cosigning.closed()
    this.#requests.lost(error)
  }

  /** Nobody tries any more: asked again in a while. */
  #gaveUp(error: unknown, waitMs: number): void {
    this.#problem = error instanceof Error ? error.message : undefined
    this.#retry = waitOf(waitMs, this.#options.now())
    this.#cosigning.closed()
    this.#requests.failAll(new ConnectionError('CLOSED', 'The link is closed'))
    // Another key: the relay may have handed over to it.
    if (!(error instanceof ProtocolError) || error.code !== 'RELAY_CHANGED') return
    this.#isChanged = true
    this.#description.readAnew()
  }

  #ask<T extends RequestType>(type: T, body: Omit<RequestInput<T>, 'id'>): Promise<Frame<ReplyType<T>>> {
    const id = `l${++this.#lastId}`
    return this.#requests.call(id, type, () => JSON.stringify({ type, id, ...body }), { timeoutMs }) as Promise<Frame<ReplyType<T>>>
  }

  /** One channel after the other, a page of each, for as long as there is something to look at and room for what is found. */
  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) await this.#pull(...next)
    } finally {
      this.#isRunning = false
    }
  }

  #isWaiting(channel: string): boolean {
    return this.#arrived.some(each => each.channel === channel)
  }

  #next(): [string, Followed] | undefined {
    if (this.#session.state !== 'open' || this.#home === undefined || this.#arrived.length >= maxArrived) return undefined
    const now = this.#options.now()
    return [...this.#followed].find(([channel, { isBroken, isDue, erasures, look, retry }]) =>
      !isBroken && (isDue || isOver(erasures, now) || isOver(look, now)) && isOver(retry, now) && !this.#isWaiting(channel)
    )
  }

  async #pull(channel: string, followed: Followed): Promise<void> {
    // The others have their turn before it comes again.
    this.#followed.delete(channel)
    this.#followed.set(channel, followed)
    const now = this.#options.now()
    const isLooked = isOver(followed.look, now)
    if (!followed.isDue && !isLooked) return await this.#askErasures(channel, followed)
    followed.isDue = false
    if (isLooked) followed.isJoined = false
    try {
      if (!followed.isJoined) {
        followed.look = waitOf(lookEveryMs, now)
        await this.#ask('JOIN', { channel: channel as `#${string}`, limit: 0 })
        await this.#checkOpen(channel)
      }
      followed.isJoined = true
      const pulled = await this.#page(channel, followed)
      followed.problem = undefined
      // It is not followed any more, or from somewhere else.
      if (pulled === undefined || this.#followed.get(channel) !== followed) return
      followed.epoch = pulled.epoch
      followed.tree = TranscriptRange.from(pulled.tree)!
      if (pulled.events.some(({ text }) => text.includes(takenBack))) followed.erasures = none
      this.#bring(pulled)
    } catch (error) {
      await this.#failed(channel, followed, error)
    }
  }

  /** What its home erased, in the order in which it did: of that nothing else tells, but where an author takes back. */
  async #askErasures(channel: string, followed: Followed): Promise<void> {
    followed.erasures = waitOf(erasuresEveryMs, this.#options.now())
    const { blanked: after } = followed
    try {
      const { epoch, seqs, upto, more } = await this.#ask('ERASURES', { channel: channel as `#${string}`, after })
      if (this.#followed.get(channel) !== followed) return
      // Another life of its log: its pages tell.
      if (epoch !== followed.epoch) followed.isDue = true
      else if (seqs.length > 0 && upto > after) {
        if (more) followed.erasures = none
        // Some are not known there any more: of events that it has not either.
        const isLost = upto - after > seqs.length
        const gone = isLost ? (await this.#ask('HEAD', { channel: channel as `#${string}` })).oldest - 1 : 0
        if (this.#followed.get(channel) !== followed) return
        followed.blanked = upto
        this.#bring({ channel, epoch, after, upto, seqs, gone })
      }
    } catch (error) {
      if (error instanceof ConnectionError) followed.erasures = none
    }
  }

  /** What its home shows to some alone, everybody here could read. */
  async #checkOpen(channel: string): Promise<void> {
    let after = channel.length > 2 ? channel.slice(0, -1) : undefined
    for (let pages = 0; pages < maxListed; pages++) {
      const { list, more } = await this.#ask('LIST_CHANNELS', { ...(after !== undefined && { after: after as `#${string}` }) })
      const found = list.find(({ name }) => name === channel)
      if (found?.private === true) throw new Misfit('it is private there, and would be open to everybody here')
      if (found?.verifiedOnly === true) throw new Misfit('it is for verified agents there, and would be open to everybody here')
      after = list.at(-1)?.name
      if (found !== undefined || more !== true || after === undefined || after > channel) return
    }
  }

  #break(followed: Followed, broken: Broken): void {
    followed.isBroken = true
    this.#bring(broken)
  }

  #bring(arrived: Arrived): void {
    this.#arrived.push(arrived)
    this.#options.onArrival()
  }

  async #failed(channel: string, followed: Followed, error: unknown): Promise<void> {
    if (error instanceof Misfit || error instanceof IdentityError) {
      const evidence = await this.#evidence(channel).catch(() => undefined)
      if (this.#followed.get(channel) === followed) this.#break(followed, { channel, problem: error.message, evidence })
      return
    }
    followed.isDue = true
    // What was cut is looked at again when the session is there again.
    if (error instanceof ConnectionError) return
    followed.problem = error instanceof Error ? error.message : String(error)
    // What proves a page may go between two questions.
    const isPassing = !(error instanceof RelayError) || error.shouldRetry() || error.code === 'MESSAGE_NOT_FOUND'
    const waitMs = error instanceof RelayError ? error.retryAfterMs : undefined
    followed.retry = waitOf(waitMs ?? (isPassing ? passingMs : retryMs), this.#options.now())
  }

  async #evidence(channel: string): Promise<Evidence | undefined> {
    const last = this.#cosigning.of(channel)
    if (last === undefined || this.#home === undefined) return undefined
    const answer = await this.#ask('HEAD', { channel: channel as `#${string}`, from: last.size, peaks: true })
    return evidenceOf(last, answer, this.#home, this.#options.verify)
  }

  /** The next events, checked; undefined: there is nothing new. */
  async #page(name: string, followed: Followed): Promise<Pulled | undefined> {
    const channel = name as `#${string}`
    const { epoch, tree: former } = followed
    const [home, { verify }] = [this.#home!, this.#options]
    const begun = epoch === undefined ? await this.#beginning(channel) : undefined
    const tree = begun ?? former.copy()
    const after = tree.size
    const answer = await this.#ask('HISTORY', { channel, after, limit: pageEvents })
    followed.newest = Math.max(followed.newest, answer.seq)
    if (epoch === answer.epoch && answer.seq < after) throw new Misfit(`its relay has ${answer.seq} events and had ${after}: it went back`)
    const texts = rawItems(rawField(rawTextOf(answer)!, 'events')!)
    if (texts.length === 0 && epoch === answer.epoch) return undefined
    if (texts.length > pageEvents) throw new Misfit('it brings more than it was asked for')
    const events: HomeEvent[] = []
    for (const text of texts) events.push(homeEvent(text, channel, events.at(-1)?.seq ?? after))
    // What went there before it was read here: the tree goes on with what is told to have been there.
    const gone = epoch === answer.epoch && events.length > 0 && answer.oldest > after + 1
    if (gone) await this.#checkGone(channel, former, home)
    const from = gone ? treeOfPeaks(events[0]!.seq - 1, await this.#ask('HEAD', { channel, from: events[0]!.seq - 1, peaks: true })) : tree
    const last = this.#cosigning.of(name)
    const isGoingOn = begun === undefined && !gone && epoch === answer.epoch
    if (last?.isFollowed === true && isGoingOn && isAsCosigned(from, events, last) === false)
      throw new Misfit(`its first ${last.size} events are not what its relay had signed of them before`)
    addEvents(from, events)
    const signed = await this.#ask('HEAD', { channel, from: from.size })
    const head = headOf(signed, home, channel, verify)
    // Another life of its log: whoever stores it decides.
    if (epoch === undefined || head.epoch === epoch) checkBeginning(from, head, signed)
    const isBehind = last === undefined || (last.isFollowed && isGoingOn ? last.size <= from.size : await this.#isBehind(last, head))
    if (answer.seq > from.size) followed.isDue = true
    const authors = await this.#authors.of(events)
    return {
      authors,
      channel,
      epoch: head.epoch,
      begins: begun !== undefined,
      after,
      upto: from.size,
      events,
      skips: gone,
      tree: from.toString(),
      checkpoint: signed.checkpoint,
      behind: isBehind ? last?.size ?? 0 : undefined,
      shown: this.#cosigning.looks(name) ? await this.#ownShown(channel, last?.size ?? 0) : undefined,
    }
  }

  async #ownShown(channel: `#${string}`, known: number): Promise<string | undefined> {
    const { identity, verify } = this.#options
    const { witnessed = [] } = await this.#ask('HEAD', { channel, witnessed: true })
    return ownShown(witnessed, relayWitness(identity.publicKey), this.#home!, known, verify)
  }

  /** Whether the home proves now that a head goes on behind what was cosigned. */
  async #isBehind(last: Cosigned, head: Checkpoint): Promise<boolean> {
    if (last.size > head.size) return false
    const channel = head.stream as `#${string}`
    try {
      const signed = await this.#ask('HEAD', { channel, from: last.size })
      const later = headOf(signed, this.#home!, channel, this.#options.verify)
      return isSameHash(later.root, head.root) && later.size === head.size && isConsistent(last, later, nodes(signed.consistency))
    } catch (error) {
      if (error instanceof RelayError) return false
      throw error
    }
  }

  /** Where what went can be proved yet, what is here has to be the beginning of it. */
  async #checkGone(channel: `#${string}`, former: TranscriptRange, home: HomeKey): Promise<void> {
    try {
      const signed = await this.#ask('HEAD', { channel, from: former.size })
      checkBeginning(former, headOf(signed, home, channel, this.#options.verify), signed)
    } catch (error) {
      if (!(error instanceof RelayError && error.code === 'MESSAGE_NOT_FOUND')) throw error
    }
  }

  /** The tree behind which a mirror begins: that of nothing, or of all but the newest events. */
  async #beginning(channel: `#${string}`): Promise<TranscriptRange> {
    const { size, oldest } = await this.#ask('HEAD', { channel })
    const start = Math.max(0, oldest - 1, size - this.#options.mirrorCount)
    return start === 0 ? new TranscriptRange() : treeOfPeaks(start, await this.#ask('HEAD', { channel, from: start, peaks: true }))
  }
}
