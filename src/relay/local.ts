// THE INNER DOOR: agents without a socket. One session for all that an agent asks through a door from one address, which pays for it as it
// pays for its sockets; one for each stream that it follows.
import { randomBytes } from 'node:crypto'
import { rawField, rawItems, type ReplyType, type RequestInput, type RequestType } from '../../lib/protocol/index.ts'
import type { Clock } from '../base/clock.ts'
import type { Allowance, Left } from './bucket.ts'
import { noChannel } from './feature.ts'
import { Fail } from './fail.ts'
import type {
  AdmittedConnection,
  Answer,
  AskOptions,
  Caller,
  ConnectionFacts,
  Doorway,
  Ear,
  Inside,
  LocalConnection,
  Newcomer,
  Positions,
  Sink,
} from './inside.ts'
import { LocalSession } from './local-session.ts'
import type { RosterView } from './view.ts'

/** Who comes in: what a login would have proved is known already. */
export interface Admission {
  readonly id: string
  readonly session: string
  readonly newcomer?: Newcomer | undefined
  readonly doorway: Doorway
}

export interface LocalOptions {
  readonly clock: Clock
  readonly maxFrameBytes: number
  /** Of all agents; each is a session. */
  readonly maxPeers: number
  readonly epoch: string
  readonly roster: RosterView
  readonly connect: Inside['connect']
  /** The same, with a session asked for under `re` as its first request. */
  readonly admit: (facts: ConnectionFacts, ear: Ear, admission: Admission, re: string) => AdmittedConnection
  readonly isStopping: () => boolean
  readonly admissions: () => number
  readonly messages: Pick<Allowance, 'left'>
}

/** How long an agent stays after its last request. */
const idleMs = 60_000
const busyRetryMs = 1_000
/** Streams that one reader may follow at once. */
const maxFollowed = 32
/** Of one agent, by door, proof and address: fewer than it may have sessions in all (maxSessionsPerAgent). */
const maxPeersPerAgent = 8

interface Peer {
  readonly agent: string
  readonly session: LocalSession
  usedAt: number
}

/** Those used last stand last. */
type Peers = Map<string, Peer>

export class Local implements Inside {
  readonly #options: LocalOptions
  /** By agent, door, what it proved itself by, and address. */
  readonly #peers: Peers = new Map()
  /** The same, of each agent. */
  readonly #peersOf = new Map<string, Peers>()
  /** So that two processes of one relay do not take each other for the same session. */
  readonly #mark = randomBytes(4).toString('hex')
  /** Of frames that were heard: read once for all who follow. */
  readonly #events = new WeakMap<Buffer, HeardEvent>()
  #opened = 0

  constructor(options: LocalOptions) {
    this.#options = options
  }

  /** How many sessions there are for requests. */
  get peerCount(): number {
    return this.#peers.size
  }

  connect(facts: ConnectionFacts, ear: Ear): LocalConnection {
    return this.#options.connect(facts, ear)
  }

  get admissions(): number {
    return this.#options.admissions()
  }

  left({ agent, address }: Caller): readonly Left[] {
    return this.#options.messages.left(agent, address, this.#options.clock.now())
  }

  async ask<T extends RequestType>(
    caller: Caller,
    type: T,
    body: Omit<RequestInput<T>, 'type'>,
    options: AskOptions = {},
  ): Promise<Answer<ReplyType<T>>> {
    return this.#peer(caller).ask(type, body, { ...options, credential: caller.credential })
  }

  async arrival(caller: Caller, after: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    let end = (_came: boolean) => {}
    const came = new Promise<boolean>(resolve => end = resolve)
    const stop = () => end(false)
    const session = this.#open(caller, {
      heard: (type, text) => {
        if (type === 'INBOX' && entriesOf(text).some(({ seq }) => seq > after)) end(true)
        return true
      },
      ended: stop,
    })
    signal.addEventListener('abort', stop, { once: true })
    try {
      await session.opened()
      session.awaitInbox()
      const { seq, cursor = 0 } = (await session.ask('INBOX', { limit: 1 })).frame()
      session.hearInbox(Math.max(after, cursor), seq)
      return await came
    } finally {
      signal.removeEventListener('abort', stop)
      session.close()
    }
  }

  async follow(caller: Caller, from: Positions, sink: Sink, signal: AbortSignal): Promise<void> {
    if (from.channels.size > maxFollowed) throw new Fail('LIMIT_REACHED', `At most ${maxFollowed} channels are followed at once`)
    if (signal.aborted) return
    let over = () => {}
    const isOver = new Promise<void>(resolve => over = resolve)
    let isDraining = false
    /** The newest that was told, of each channel whose turn has come. */
    const told = new Map<string, number>()
    const session = this.#open(caller, {
      heard: (type, text) => {
        const isTaken = type === 'INBOX'
          ? entriesOf(text).map(({ seq, event }) => sink.event({ inbox: seq }, event)).every(taken => taken)
          : type === 'LEFT'
          ? left(text, told, sink)
          : happened(this.#eventIn(text), told, sink)
        if (!isTaken && !isDraining) {
          isDraining = true
          void sink.drained().then(() => {
            isDraining = false
            session.took()
          })
        }
        return isTaken
      },
      ended: end => {
        sink.bye(end)
        over()
      },
    })
    signal.addEventListener('abort', over, { once: true })
    try {
      await session.opened()
      const starts = []
      for (const [channel, position] of from.channels) starts.push(await this.#startOf(session, caller, channel, position, from.epoch))
      const inbox = from.inbox === undefined ? undefined : await this.#inboxStart(session, from.inbox, from.epoch)
      sink.open({
        epoch: this.#options.epoch,
        recovered: starts.every(start => start.recovered) && inbox?.recovered !== false,
        channels: Object.fromEntries(starts.map(({ channel, after, oldest, seq }) => [channel, { after, oldest, seq }])),
        ...(inbox !== undefined && { inbox: inbox.after }),
      })
      for (const { channel, after } of starts) {
        told.set(channel, after)
        await session.ask('JOIN', { channel, since: after, epoch: this.#options.epoch })
      }
      if (inbox !== undefined) session.hearInbox(inbox.after, inbox.newest)
      await isOver
    } finally {
      signal.removeEventListener('abort', over)
      session.close()
    }
  }

  /** Ends the sessions of agents that have asked nothing for a while. */
  sweep(now: number): void {
    for (const [key, peer] of this.#peers) {
      const { session, usedAt } = peer
      if (session.isOver) this.#forget(key, peer)
      else if (now - usedAt >= idleMs && !session.isBusy) {
        this.#forget(key, peer)
        session.close()
      }
    }
  }

  /** Where a channel is told from, without joining it yet: what is told of it must not come before the opening. */
  async #startOf(session: LocalSession, { agent }: Caller, channel: string, position: number | undefined, epoch: string | undefined) {
    const { roster } = this.#options
    const me = roster.agent(agent)
    const known = me && roster.known(me, channel)
    if (known === undefined) throw noChannel(channel)
    if (!roster.isMember(me!, known)) throw new Fail('NOT_INVITED', `You are not a member of ${channel}; JOIN it first`)
    const { seq, oldest } = (await session.ask('HISTORY', { channel, limit: 1 })).frame()
    const start = { channel, seq, oldest }
    const isFormer = position !== undefined && epoch !== undefined && epoch !== this.#options.epoch
    // What a position of a former life is in this one, JOIN tells.
    const since = isFormer ? (await session.ask('JOIN', { channel, since: position, epoch, limit: 0 })).frame().since : position
    if (since === undefined || since > seq) return { ...start, after: seq, recovered: position === undefined }
    const isWhole = since === seq || oldest <= since + 1
    // A position that means less here than it did is told so, though all there is comes.
    return { ...start, after: isWhole ? since : Math.min(seq, oldest - 1), recovered: isWhole && since === position }
  }

  /** Where the inbox is told from; what comes meanwhile waits for it. */
  async #inboxStart(session: LocalSession, position: number | 'waiting', epoch: string | undefined) {
    session.awaitInbox()
    const { seq, cursor = 0 } = (await session.ask('INBOX', { limit: 1 })).frame()
    if (position === 'waiting') return { after: cursor, newest: seq, recovered: true }
    const isKnown = position <= seq && (epoch === undefined || epoch === this.#options.epoch)
    return { after: isKnown ? position : cursor, newest: seq, recovered: isKnown }
  }

  #eventIn(text: Buffer): HeardEvent {
    const known = this.#events.get(text)
    if (known !== undefined) return known
    const { channel, to = channel, seq } = JSON.parse(text.toString()) as { readonly [field in 'channel' | 'to']?: string } & {
      seq?: number
    }
    const event = { to, seq, text: storedText(text) }
    this.#events.set(text, event)
    return event
  }

  /** The session in which a caller's requests are asked. */
  #peer(caller: Caller): LocalSession {
    const { agent, via, auth = 'key', address } = caller
    const key = `${agent} ${via} ${auth} ${address}`
    const usedAt = this.#options.clock.now()
    let peer = this.#peers.get(key)
    if (peer !== undefined) this.#forget(key, peer)
    if (peer === undefined || peer.session.isOver) {
      if (this.#peers.size >= this.#options.maxPeers) this.#makeRoom(this.#peers)
      const own = this.#peersOf.get(agent)
      if (own !== undefined && own.size >= maxPeersPerAgent) this.#makeRoom(own)
      peer = { agent, session: this.#open(caller, { heard: () => true, ended: () => undefined }, `${via}-${auth}`), usedAt }
    }
    peer.usedAt = usedAt
    this.#peers.set(key, peer)
    const own = this.#peersOf.get(agent)
    if (own === undefined) this.#peersOf.set(agent, new Map([[key, peer]]))
    else own.set(key, peer)
    return peer.session
  }

  #forget(key: string, { agent }: Peer): void {
    this.#peers.delete(key)
    const own = this.#peersOf.get(agent)
    own?.delete(key)
    if (own?.size === 0) this.#peersOf.delete(agent)
  }

  /** Who has not asked for longest goes. */
  #makeRoom(among: Peers): void {
    for (const [key, peer] of among) {
      if (peer.session.isBusy) continue
      this.#forget(key, peer)
      return peer.session.close()
    }
    throw new Fail('BUSY', among === this.#peers ? 'Too many agents ask at once' : 'This agent asks from too many addresses at once',
      busyRetryMs)
  }

  #open(
    { agent, address, via, auth, newcomer }: Caller,
    ears: Pick<ConstructorParameters<typeof LocalSession>[0], 'heard' | 'ended'>,
    name = `${via}-stream`,
  ): LocalSession {
    const { maxFrameBytes, admit, isStopping } = this.#options
    if (isStopping()) throw new Fail('BUSY', 'The relay stops; ask again when it is back', busyRetryMs)
    const doorway = auth === undefined ? { via } : { via, auth }
    const admission = { id: agent, session: `${name}-${++this.#opened}-${this.#mark}`, newcomer, doorway }
    return new LocalSession({ ...ears, maxFrameBytes, open: (ear, re) => admit({ address }, ear, admission, re) })
  }
}

/** The entries of an INBOX frame, each event as the bytes it is. */
const entriesOf = (text: Buffer): readonly { readonly seq: number, readonly event: Buffer }[] =>
  rawItems(rawField(text.toString(), 'items') ?? '[]')
    .map(item => ({ seq: Number(rawField(item, 'seq')), event: Buffer.from(rawField(item, 'event') ?? '{}') }))

const replayed = Buffer.from(',"replay":true}')

/** An event as it is stored, without the mark of one that is sent again. */
const storedText = (text: Buffer): Buffer =>
  text.subarray(-replayed.length).equals(replayed) ? Buffer.concat([text.subarray(0, -replayed.length), Buffer.from('}')]) : text

/** What a frame says happened; one of no channel's log has no `seq`. */
interface HeardEvent {
  readonly to: string | undefined
  readonly seq: number | undefined
  readonly text: Buffer
}

/** A frame that is an event of a channel whose turn has come is told; once. */
const happened = ({ to, seq, text }: HeardEvent, told: Map<string, number>, sink: Sink): boolean => {
  const last = to === undefined ? undefined : told.get(to)
  if (last === undefined || seq === undefined || seq <= last) return true
  told.set(to!, seq)
  return sink.event({ channel: to!, seq }, text)
}

/** A channel is over for this reader. */
const left = (text: Buffer, told: Map<string, number>, sink: Sink): boolean => {
  const { channel, reason = 'left' } = JSON.parse(text.toString()) as { readonly channel: string, readonly reason?: string }
  if (told.delete(channel)) sink.bye({ reason, channel })
  return true
}
