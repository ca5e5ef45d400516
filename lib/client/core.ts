// The parts of a client, wired together: session, calls, messages on their way in and out, and what lasts over reconnects.
import { whenThere, type Awaitable } from '../identity/awaitable.ts'
import { isSafeNonce, verify, type SignatureState } from '../identity/index.ts'
import {
  rawField,
  rawItems,
  told,
  type Frame,
  type ReplyType,
  type RequestType,
  type Target,
  type Told,
  type WireFeature,
} from '../protocol/index.ts'
import { defaultBackoff } from './backoff.ts'
import { Deliveries } from './deliveries.ts'
import { Emitter } from './emitter.ts'
import { ConnectionError, RelayError, TimeoutError } from './errors.ts'
import { Flow } from './flow.ts'
import { withBareNames } from './here.ts'
import { Homes } from './homes.ts'
import { Inbound, type LogPage } from './inbound.ts'
import { isKept, Kept } from './kept.ts'
import { MemoryKnownRelays } from './known-relays.ts'
import { Lasting, lastingIn } from './lasting.ts'
import { Line } from './line.ts'
import type { Place } from './login.ts'
import type { SigningMessages } from './message-signer.ts'
import type { ClientEvents, ClientOptions, ClientStatus, JoinOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { inTime, type CallOptions } from './pending.ts'
import { MemoryPositions } from './positions.ts'
import type { Body } from './port.ts'
import { Progress } from './progress.ts'
import { checkIdentity } from './proof.ts'
import { rawTextOf, replayed } from './raw-text.ts'
import { Received } from './received.ts'
import { Requests } from './requests.ts'
import { Session } from './session.ts'
import { sessionOptions } from './session-options.ts'
import { SignatureCheck } from './signature-check.ts'
import { TranscriptChecks } from './transcript-checks.ts'

/** How long closing waits for the relay to hear what was received. */
const closeGraceMs = 1_000
const defaultBuffer = { size: 1_000, chars: 4 * 1024 * 1024 } as const

export class Core {
  readonly session: Session
  readonly emitter: Emitter<ClientEvents>
  readonly deliveries: Deliveries
  readonly outgoing: Outgoing
  readonly lasting: Lasting
  readonly homes: Homes
  readonly now: () => number
  readonly timeoutMs: number
  readonly #options: ClientOptions
  readonly #line: Line
  readonly #requests: Requests
  readonly #progress: Progress
  readonly #check: SignatureCheck
  readonly #transcripts: TranscriptChecks
  readonly #inbound: Inbound
  readonly #kept: Kept
  readonly #flow: Flow
  readonly #takesInbox: boolean
  /** Where each channel stood when it was entered, until everything up to there was handled. */
  readonly #replays = new Map<string, number>()
  readonly #idPrefix: string
  #lastId = 0
  /** Requests that nobody waits for. */
  #background = 0
  /** Answers of agents that are waited for. */
  #awaited = 0
  #welcome: Told<'WELCOME'> | undefined
  #place: Place | undefined
  readonly #received = new Received(place => this.#ask('RECEIVED', place).then(() => this.#progress.heard(place)))
  #isTaking = true
  #closing: Promise<void> | undefined
  #onQuiet: (() => void)[] = []

  constructor(options: ClientOptions) {
    const { identity, reconnect = true, requestTimeoutMs = 15_000, bufferSize = defaultBuffer.size, random = Math.random } = options
    const backoff = { ...defaultBackoff, ...(typeof reconnect === 'boolean' ? {} : reconnect) }
    if (identity !== undefined) checkIdentity(identity)
    this.#options = options
    this.now = options.now ?? Date.now
    this.timeoutMs = requestTimeoutMs
    this.#takesInbox = identity !== undefined && options.inbox !== 'none' && options.inbox !== 'peek'
    this.#idPrefix = [...crypto.getRandomValues(new Uint8Array(9))].map(byte => byte.toString(36).padStart(2, '0')).join('')

    this.emitter = new Emitter((error, event, value) => {
      // Who fails at being told of a failure is not told of that one too.
      if (event !== 'status' || (value as ClientStatus).kind !== 'listener-error') this.tell({ kind: 'listener-error', error })
    })
    const changed = () => this.#changed()
    this.#line = new Line(text => this.session.send(text))
    this.#requests = new Requests(text => this.#line.put(text), changed)
    this.outgoing = new Outgoing(text => this.#line.put(text), changed)
    const positions = options.positions ?? new MemoryPositions()
    this.#progress = new Progress({
      positions,
      received: place => this.#takesInbox ? this.#received.tell(place) : this.#progress.heard(place),
      moved: (stream, seq) => this.#moved(stream, seq),
    })
    this.deliveries = new Deliveries({
      maxWaiting: bufferSize,
      maxWaitingChars: defaultBuffer.chars,
      changed,
      missed: streams => this.#catchUp(streams),
    })
    const { knownRelays = new MemoryKnownRelays(), confirmRelay } = options
    this.homes = new Homes({ ask: host => this.request('HOME', { host }), knownRelays, confirmRelay, now: this.now })
    this.#check = new SignatureCheck({
      identity,
      verify: options.verify ?? verify,
      keyOf: agent => this.#keyOf(agent),
      relay: () => this.#place?.isProved === true ? this.#place.relay : undefined,
      homes: this.homes,
      now: this.now,
    })
    this.#transcripts = new TranscriptChecks({
      mode: options.transcripts ?? 'check',
      witnesses: options.witnesses,
      verify,
      ...{ positions, homes: this.homes },
      place: () => this.#knows('transcripts') ? this.#place : undefined,
      lifeOf: stream => this.#progress.lifeOf(stream),
      head: body => this.#inBackground('HEAD', body),
      keyOf: agent => this.#check.keyOf(agent),
      tell: (problem, evidence) => {
        this.tell({ kind: 'transcript', problem, evidence })
        if (options.transcripts === 'strict' && problem !== 'crossed' && problem !== 'duplicated') void this.close()
      },
      now: this.now,
    })
    this.#inbound = new Inbound({
      progress: this.#progress,
      heard: (channel, seq, frame) => this.#transcripts.heard(channel, seq, rawTextOf(frame)),
      said: (channel, frame, signature) => this.#transcripts.said(channel, frame, signature, rawTextOf(frame)),
      check: frame => this.#check.of(frame),
      myId: () => this.#welcome?.agentId,
      isKeyed: identity !== undefined,
      page: (stream, after) => this.#page(stream, after),
      deliver: delivery => this.deliveries.dispatch(delivery),
      isBehind: stream => this.deliveries.isBehind(stream),
      isJoined: channel => this.lasting.has(channel),
      room: () => this.#flow.room(),
      failed: error => this.tell({ kind: 'error', error }),
      giveUp: reason => this.session.restart(reason),
      overflow: () => this.#flow.overflow(),
    })
    this.#kept = new Kept({
      progress: this.#progress,
      isBehind: stream => this.deliveries.isBehind(stream),
      isAttended: () => this.deliveries.isAttended,
      has: type => this.emitter.has(type),
      tell: frame => this.#emit(frame),
    })
    this.#flow = new Flow({
      limits: { count: bufferSize, chars: defaultBuffer.chars },
      load: () => {
        const [{ queued }, { held }] = [this.#inbound, this.deliveries]
        return { count: queued.count + held.count, chars: queued.chars + held.chars }
      },
      held: () => this.deliveries.held,
      isAwaiting: () => !this.isQuiet || this.#awaited > 0,
      canPause: () => this.session.canPause,
      pause: () => this.session.pause(),
      resume: () => this.session.resume(),
      letGo: () => this.#passOver(),
      restart: () => this.session.restart('there is room again for what was let go'),
      patienceMs: requestTimeoutMs,
    })
    this.lasting = new Lasting({
      failed: (key, error) =>
        this.tell(key.startsWith('#') ? { kind: 'rejoin-failed', channel: key, error } : { kind: 'restore-failed', what: key, error }),
      backoff,
      random,
    })
    const times = { timeoutMs: requestTimeoutMs, now: this.now, random, backoff: reconnect === false ? undefined : backoff }
    this.session = new Session(sessionOptions({ ...options, knownRelays }, times), {
      opened: (welcome, place) => this.#opened(welcome, place),
      frame: (frame, chars) => this.#frame(frame, chars),
      invalid: message => this.tell({ kind: 'invalid-frame', message }),
      lost: (error, retryInMs) => {
        this.#disconnected(error)
        this.tell({ kind: 'lost', error, retryInMs })
      },
      gaveUp: error => this.#failAll(error),
      ended: error => {
        this.#failAll(error ?? new ConnectionError('CLOSED', 'The client was closed'))
        this.#transcripts.reset()
        this.deliveries.end(error, error === undefined)
        this.tell({ kind: 'ended', error })
      },
    })
  }

  get welcome(): Told<'WELCOME'> | undefined {
    return this.#welcome
  }

  /** Who the relay is, and what signatures in this session name. */
  get place(): Place | undefined {
    return this.#place
  }

  /** What messages are signed with, beside the key. */
  get signing(): Omit<SigningMessages, 'identity'> {
    const seen: SigningMessages['seen'] = stream => this.#transcripts.seen(stream)
    return { place: () => this.#place, knows: feature => this.#knows(feature), homes: this.homes, seen, now: this.now }
  }

  /** What the signature of a stored event comes to, where it is a message. */
  signatureOf(event: Frame<'MSG'> | Frame<'HISTORY'>['events'][number]): SignatureState | Promise<SignatureState> {
    return event.type === 'MSG' ? this.#check.of({ ...event, replay: true } as unknown as Frame<'MSG'>) : 'none'
  }

  /** Nothing is asked of the relay that it has not answered. */
  get isQuiet(): boolean {
    return this.#requests.size <= this.#background && this.outgoing.size === 0
  }

  /** Reads on for an answer of another agent, however much waits to be handled. */
  async awaiting<T>(answer: Promise<T>): Promise<T> {
    this.#awaited++
    this.#flow.changed()
    try {
      return await answer
    } finally {
      this.#awaited--
      this.#flow.changed()
    }
  }

  newId(): string {
    return `${this.#idPrefix}-${(++this.#lastId).toString(36)}`
  }

  tell(status: ClientStatus): void {
    this.emitter.emit('status', status)
  }

  /** Somebody begins to listen, for messages or for a kind of frame. */
  attended(): void {
    this.#kept.attended()
  }

  streamOf(frame: Frame<'MSG'>): Target {
    return this.#inbound.streamOf(frame)
  }

  /** Why nothing can be asked of the relay; undefined: it can, now or after the reconnect that is under way. */
  callProblem(): ConnectionError | undefined {
    const { state } = this.session
    if (state === 'idle') return new ConnectionError('NOT_CONNECTED', 'The client is not connected; call connect() first')
    return state === 'closed' ? new ConnectionError('CLOSED', 'The client is closed') : undefined
  }

  request<T extends RequestType>(
    type: T,
    body: Body<T> | (() => Awaitable<Body<T>>),
    { signal, timeoutMs = this.timeoutMs }: CallOptions = {},
    heard?: (answer: Frame) => void,
  ): Promise<Frame<ReplyType<T>>> {
    const problem = this.callProblem()
    if (problem !== undefined) return Promise.reject(problem)
    const id = this.newId()
    const written = typeof body === 'function' ? undefined : JSON.stringify({ type, id, ...withBareNames(this.#options.server, body) })
    const text = () => written ?? whenThere((body as () => Awaitable<Body<T>>)(), made => JSON.stringify({ type, id, ...made }))
    return this.#requests.call(id, type, text, { signal, timeoutMs }, heard) as Promise<Frame<ReplyType<T>>>
  }

  /** Enters a channel, now and after every reconnect: after what was seen, or after `since`. */
  join(channel: string, { since, limit, ...call }: JoinOptions = {}): Promise<Frame<'JOINED'>> {
    const seen = since ?? this.#progress.seen(channel)
    if (since !== undefined) this.#progress.rewind(channel, since)
    const after = seen === undefined ? this.#progress.former(channel) : { seq: seen, epoch: this.#progress.lifeOf(channel) }
    return this.request('JOIN', {
      channel,
      ...(after !== undefined && { since: after.seq, ...(after.epoch !== undefined && { epoch: after.epoch }) }),
      ...(limit !== undefined && { limit }),
    }, call, joined => this.#joined(joined as Frame<'JOINED'>, after, limit))
  }

  /** Makes a channel, and is in it. */
  create(body: Body<'CREATE_CHANNEL'>, call: CallOptions | undefined): Promise<Frame<'JOINED'>> {
    return this.request('CREATE_CHANNEL', body, call, joined => this.#joined(joined as Frame<'JOINED'>, undefined, undefined))
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close()
  }

  /** Takes nothing more, lets everything under way end, and closes. @throws TimeoutError when something does not end */
  async drain({ signal, timeoutMs = this.timeoutMs }: CallOptions): Promise<void> {
    this.#isTaking = false
    this.#passOver()
    this.deliveries.end(undefined, false)
    try {
      await inTime(this.#drained(), { signal, timeoutMs }, ms => new TimeoutError(`What was under way did not end within ${ms} ms`))
    } finally {
      await this.close()
    }
  }

  async #drained(): Promise<void> {
    await this.deliveries.idle()
    while (!this.isQuiet) await new Promise<void>(resolve => this.#onQuiet.push(resolve))
    await this.#received.told
  }

  #knows(feature: WireFeature): boolean {
    return this.#welcome?.features?.includes(feature) === true
  }

  #changed(): void {
    this.#flow.changed()
    if (this.isQuiet) { for (const resolve of this.#onQuiet.splice(0)) resolve() }
  }

  #opened(welcome: Frame<'WELCOME'>, place: Place): void {
    const former = this.#welcome
    this.#welcome = told(welcome)
    this.#place = place
    if (place.doubt !== undefined) this.tell({ kind: 'relay-doubt', doubt: place.doubt })
    const { epoch } = this.#progress
    this.#disconnected(new ConnectionError('LOST', 'The connection was lost'))
    if (epoch !== welcome.epoch) {
      this.#progress.reset(welcome.epoch)
      this.#transcripts.reset()
      this.deliveries.clear()
    }
    this.#requests.open(welcome.limits.max_frame_bytes)
    this.#check.askAgain()
    this.outgoing.rewind(former === undefined || former.agentId === welcome.agent_id)
    this.lasting.askAgain()
    this.#requests.catchUp()
    this.outgoing.open(welcome.limits)
    this.tell({ kind: 'connected', welcome: this.#welcome, again: former !== undefined })
    if (epoch !== undefined && epoch !== welcome.epoch) this.tell({ kind: 'epoch-changed', epoch: welcome.epoch })
  }

  /** What a JOINED says about where the channel stands, before anything of it is heard. */
  #joined(
    { channel, seq, oldest, recovered, epoch, since: translated }: Frame<'JOINED'>,
    after: { readonly seq: number, readonly epoch: string | undefined } | undefined,
    limit: number | undefined,
  ): void {
    this.#progress.enter(channel, epoch)
    // Of a position in a former life the relay tells what it is in this one.
    const since = after?.epoch === undefined || after.epoch === epoch ? after?.seq : translated
    const seen = this.#progress.seen(channel)
    this.lasting.keep(channel, () => this.#rejoin(channel, limit))
    // Nothing is replayed: the next message follows this one.
    if (limit === 0 && (seen === undefined || seen < seq)) this.#progress.skip(channel, seq)
    else if (seq === 0) this.#progress.begin(channel, seq)
    // Should the connection be lost before the first message, the next one asks for the same again.
    else if (since !== undefined && recovered) this.#progress.begin(channel, since)
    if (after !== undefined && !recovered) this.tell({ kind: 'gap', channel, since: since ?? after.seq, oldest })
    this.#replays.set(channel, seq)
    this.#transcripts.joined(channel)
    const handled = this.#progress.handled(channel)
    if (handled !== undefined) this.#moved(channel, handled)
  }

  #rejoin(channel: string, limit: number | undefined): Promise<unknown> {
    // Nobody listens for it: it is replayed to who does.
    if (this.deliveries.isBehind(channel)) return this.request('JOIN', { channel, limit: 0 })
    const isNew = this.#progress.seen(channel) === undefined && this.#progress.former(channel) === undefined
    return this.join(channel, isNew ? { limit } : {})
  }

  #moved(stream: string, seq: number): void {
    const end = this.#replays.get(stream)
    if (end === undefined || seq < end) return
    this.#replays.delete(stream)
    this.tell({ kind: 'end-of-replay', channel: stream, seq: end })
  }

  /** Somebody listens for streams of which something was let go. */
  #catchUp(streams: readonly string[]): void {
    this.deliveries.caughtUp(streams)
    if (streams.every(stream => this.lasting.has(stream))) this.lasting.askAgain(streams)
    else this.session.restart('somebody listens for what was let go')
  }

  #frame(frame: Frame, chars: number): void {
    if (frame.type === 'MSG') this.#push(frame, chars)
    else if (!this.outgoing.answer(frame) && !this.#requests.answer(frame) && frame.type === 'ERROR')
      this.tell({ kind: 'error', error: new RelayError(frame.code, frame.message, frame.retry_after_ms) })
    if (frame.type === 'VERIFY_REQUEST') this.#prove(frame)
    // Asked for here, or by another session of this agent.
    if (frame.type === 'LEFT') { for (const key of Object.values(lastingIn(frame.channel))) this.lasting.drop(key) }
    if (frame.type === 'INBOX' && frame.re === undefined) {
      const each = Math.ceil(chars / Math.max(1, frame.items.length))
      const events = replayed(frame.items.map(({ event }) => event), () =>
        rawItems(rawField(rawTextOf(frame)!, 'items')!).map(item => rawField(item, 'event')!))
      events.forEach((event, i) => this.#push(event, each, frame.items[i]!.seq))
    }
    if (!isKept(frame, this.#welcome?.agentId)) this.#emit(frame)
    else if (!this.#isTaking || this.#flow.isDeaf) this.#progress.block()
    else this.#inbound.after(() => this.#kept.push(frame), chars)
  }

  /** Tells who listens for its kind, in the library's words. */
  #emit(frame: Frame): Promise<unknown> | undefined {
    return this.emitter.has(frame.type) ? this.emitter.emit(frame.type, told(frame) as never) : undefined
  }

  /** The key that the relay shows for an agent. */
  async #keyOf(agent: string): Promise<string | undefined> {
    try {
      return (await this.#ask('WHOIS', { agent })).pubkey ?? undefined
    } catch (error) {
      if (error instanceof RelayError && error.code === 'AGENT_NOT_FOUND') return undefined
      throw error
    }
  }

  /** A page of the log. */
  async #page(stream: string, after: number): Promise<LogPage> {
    const page = await this.#ask('HISTORY', { ...(stream.startsWith('#') ? { channel: stream } : { with: stream }), after, limit: 200 })
    return { more: page.more, events: replayed(page.events, () => rawItems(rawField(rawTextOf(page)!, 'events')!)) }
  }

  #push(frame: Frame<'MSG'>, chars: number, inboxSeq?: number): void {
    if (this.#isTaking && !this.#flow.isDeaf) {
      this.#inbound.push(frame, chars, inboxSeq)
      this.#flow.changed()
    } else if (inboxSeq !== undefined || frame.to === this.#welcome?.agentId) this.#progress.block()
  }

  /** Another agent asks for a proof of our key: a nonce is signed, any other text is not. */
  #prove({ request_id, nonce, from }: Frame<'VERIFY_REQUEST'>): void {
    const { identity } = this.#options
    if (identity === undefined || from === undefined || !isSafeNonce(nonce)) return
    const proof = () => whenThere(identity.sign(nonce), sig => ({ request_id, nonce, sig }))
    if (this.session.state === 'open') this.request('VERIFY_RESPONSE', proof).catch(() => undefined)
  }

  async #close(): Promise<void> {
    this.#isTaking = false
    this.#inbound.reset()
    this.deliveries.end(undefined, true)
    // The listener that closes returns first, and its message counts as received.
    await Promise.resolve()
    await inTime(Promise.resolve(this.#received.told), { timeoutMs: closeGraceMs }).catch(() => undefined)
    await this.session.close()
  }

  /** What waits unseen comes again on another connection, and with it everything behind it. */
  #passOver(): void {
    this.#inbound.reset()
    this.#progress.block()
  }

  /** The same, and nothing is read on for its answer. */
  async #inBackground<T extends RequestType>(type: T, body: Body<T>): Promise<Frame<ReplyType<T>>> {
    this.#background++
    try {
      return await this.#ask(type, body)
    } finally {
      this.#background--
      this.#changed()
    }
  }

  /** A request that means something on this connection only. */
  #ask<T extends RequestType>(type: T, body: Body<T>): Promise<Frame<ReplyType<T>>> {
    return this.session.state === 'open'
      ? this.request(type, body)
      : Promise.reject(new ConnectionError('LOST', 'The connection was lost'))
  }

  #disconnected(error: Error): void {
    this.#line.lost()
    this.#requests.lost(error)
    this.#received.lost()
    this.lasting.lost()
    this.outgoing.lost()
    this.#check.lost()
    this.homes.lost()
    this.#inbound.reset()
    this.#progress.reconnected()
    this.#flow.reconnected()
  }

  #failAll(cause: unknown): void {
    const error = cause instanceof Error ? cause : new ConnectionError('NOT_CONNECTED', 'Connecting was given up')
    this.#disconnected(error)
    this.#requests.failAll(error)
    this.outgoing.failAll(error)
  }
}
