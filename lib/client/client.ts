// The client: what a program calls. It owns nothing but the wiring of session, requests, outgoing and inbound messages.
import { isSafeNonce, messageText, randomNonce, verify } from '../identity/index.ts'
import { frames, type Frame, type ReplyType, type RequestInput, type RequestType } from '../protocol/index.ts'
import { defaultBackoff } from './backoff.ts'
import { Channels } from './channels.ts'
import { Court } from './court.ts'
import { Emitter } from './emitter.ts'
import { ConnectionError, RelayError } from './errors.ts'
import { Inbound, type Message } from './inbound.ts'
import { Lasting } from './lasting.ts'
import { MemoryKnownRelays } from './known-relays.ts'
import type { Place } from './login.ts'
import { checkIdentity } from './proof.ts'
import { Outgoing } from './outgoing.ts'
import { firstOf } from './pages.ts'
import { People } from './people.ts'
import type { Body, ClientPort } from './port.ts'
import { MemoryPositions, type Positions } from './positions.ts'
import { Reputation } from './reputation.ts'
import { platformNetwork } from './network.ts'
import type { ClientEvents, ClientOptions, ClientStatus, JoinOptions, SendOptions } from './options.ts'
import { pending, type CallOptions } from './pending.ts'
import { Requests } from './requests.ts'
import { Session, type ConnectOptions, type SessionState } from './session.ts'
import { messageStream } from './stream.ts'
import { Trade } from './trade.ts'
import { webSocketTransport } from './transport.ts'

/** How long closing waits for the relay to hear what was received. */
const closeGraceMs = 1_000

/**
 * A client of one relay.
 * @example
 * const client = new AgentChatClient({ server: 'ws://localhost:6667', name: 'alice' })
 * await client.connect()
 * await client.join('#general')
 * client.on('message', message => console.log(message.fromName, message.content))
 * await client.send('#general', 'hello') // resolves once the message is stored
 */
export class AgentChatClient {
  /** Channels of one's own: their members, their owner, their end. */
  readonly channels: Channels
  /** Deals with other agents: proposals, money held for them, balances. */
  readonly trade: Trade
  /** Disputes about deals, before a panel. */
  readonly court: Court
  /** Skills, profiles, and who is there. */
  readonly people: People
  /** Receipts of settled deals, ratings and standing. */
  readonly reputation: Reputation
  readonly #options: ClientOptions
  readonly #timeoutMs: number
  readonly #now: () => number
  readonly #emitter: Emitter<ClientEvents>
  readonly #session: Session
  readonly #requests: Requests
  readonly #outgoing: Outgoing
  readonly #inbound: Inbound
  readonly #positions: Positions
  readonly #lasting: Lasting
  readonly #idPrefix: string
  #lastId = 0
  #welcome: Frame<'WELCOME'> | undefined
  #place: Place | undefined
  #unreceived: RequestInput<'RECEIVED'> | undefined
  #receiving: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: ClientOptions) {
    const {
      identity,
      server,
      session,
      serverId,
      transport = webSocketTransport,
      reconnect = true,
      requestTimeoutMs = 15_000,
      heartbeatMs = 30_000,
      positions = new MemoryPositions(),
    } = options
    if (identity !== undefined) checkIdentity(identity)
    this.#options = options
    this.#timeoutMs = requestTimeoutMs
    this.#now = options.now ?? Date.now
    this.#positions = positions
    this.#idPrefix = [...crypto.getRandomValues(new Uint8Array(9))].map(byte => byte.toString(36).padStart(2, '0')).join('')
    this.#emitter = new Emitter((error, event, value) => {
      // Who fails at being told of a failure is not told of that one too.
      if (event !== 'status' || (value as ClientStatus).kind !== 'listener-error')
        this.#emitter.emit('status', { kind: 'listener-error', error })
    })
    this.#requests = new Requests(text => this.#session.send(text))
    this.#outgoing = new Outgoing(text => this.#session.send(text))
    this.#inbound = new Inbound({
      positions,
      identity,
      verify: options.verify ?? verify,
      myId: () => this.#welcome?.agent_id,
      page: (stream, after) =>
        this.#ask('HISTORY', stream.startsWith('#') ? { channel: stream, after, limit: 200 } : { with: stream, after, limit: 200 }),
      keyOf: async agent => (await this.#ask('WHOIS', { agent })).pubkey ?? undefined,
      deliver: message => this.#emitter.emit('message', message),
      isJoined: channel => this.#lasting.has(channel),
      received: place => this.#receive(place),
      failed: error => this.#emitter.emit('status', { kind: 'error', error }),
      giveUp: reason => this.#session.restart(reason),
    })
    const random = options.random ?? Math.random
    const backoff = { ...defaultBackoff, ...(typeof reconnect === 'boolean' ? {} : reconnect) }
    this.#lasting = new Lasting({
      failed: (key, error) =>
        this.#emitter.emit('status',
          key.startsWith('#') ? { kind: 'rejoin-failed', channel: key, error } : { kind: 'restore-failed', what: key, error }),
      backoff,
      random,
    })
    const port: ClientPort = {
      identity,
      now: this.#now,
      verify: options.verify ?? verify,
      place: () => this.#place,
      request: (type, body, call) => this.#call(type, body, call),
      lasting: this.#lasting,
    }
    this.channels = new Channels(port)
    this.people = new People(port)
    this.trade = new Trade(port)
    this.court = new Court(port)
    this.reputation = new Reputation(port)
    this.#session = new Session({
      url: server,
      transport,
      network: options.network ?? platformNetwork,
      identity,
      serverId,
      legacyLogin: options.legacyLogin ?? false,
      knownRelays: options.knownRelays ?? new MemoryKnownRelays(),
      confirmRelay: options.confirmRelay,
      verify: options.verify ?? verify,
      newNonce: randomNonce,
      onCaptcha: options.onCaptcha,
      timeoutMs: requestTimeoutMs,
      heartbeatMs,
      now: this.#now,
      random,
      backoff: reconnect === false ? undefined : backoff,
      login: {
        name: options.name ?? identity?.name ?? 'agent',
        autojoin: false,
        inbox: options.inbox ?? (identity === undefined ? 'auto' : 'manual'),
        ...(session !== undefined && { session }),
      },
    }, {
      opened: (welcome, place) => this.#opened(welcome, place),
      frame: (frame, chars) => this.#frame(frame, chars),
      invalid: message => this.#emitter.emit('status', { kind: 'invalid-frame', message }),
      lost: (error, retryInMs) => {
        this.#disconnected(error)
        this.#emitter.emit('status', { kind: 'lost', error, retryInMs })
      },
      gaveUp: error => this.#failAll(error),
      ended: error => {
        this.#failAll(error ?? new ConnectionError('CLOSED', 'The client was closed'))
        this.#emitter.emit('status', { kind: 'ended', error })
      },
    })
  }

  /** "@…", once connected */
  get agentId(): string | undefined {
    return this.#welcome?.agent_id
  }

  /** The relay's last WELCOME: its name, limits and epoch */
  get welcome(): Frame<'WELCOME'> | undefined {
    return this.#welcome
  }

  /** The relay's identity, where it has proved it at the address that was dialled. */
  get relayId(): string | undefined {
    return this.#place?.isProved === true ? this.#place.relay : undefined
  }

  get state(): SessionState {
    return this.#session.state
  }

  /**
   * Opens the session; can be called again after it failed. With `wait` it goes on trying until the relay can be reached, and fails only
   * when the relay refuses for good, or `signal` aborts. A client that was closed stays closed.
   * @throws ConnectionError BAD_URL, UNREACHABLE, CLOSED; RelayError; TimeoutError; ProtocolError
   */
  connect(options?: ConnectOptions): Promise<Frame<'WELCOME'>> {
    return this.#session.connect(options)
  }

  /**
   * Ends the session for good: no message is delivered from here on, the relay is told what was received, and sends that are
   * not acknowledged reject. Called by a listener, its message is the last one.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close()
  }

  /**
   * Enters a channel, again after every reconnect. What was missed since the last message seen here comes first, marked `replay`.
   * @throws RelayError CHANNEL_NOT_FOUND, NOT_INVITED, AUTH_REQUIRED, LIMIT_REACHED
   */
  async join(channel: string, { since = this.#positions.get(channel), limit, ...call }: JoinOptions = {}): Promise<Frame<'JOINED'>> {
    const joined = await this.request('JOIN', {
      channel,
      ...(since !== undefined && { since, ...(this.#welcome !== undefined && { epoch: this.#welcome.epoch }) }),
      ...(limit !== undefined && { limit }),
    }, call)
    this.#joined(channel, limit)
    this.#settle(joined, since, limit)
    return joined
  }

  async leave(channel: string, options?: CallOptions): Promise<Frame<'LEFT'>> {
    this.#lasting.drop(channel)
    return this.request('LEAVE', { channel }, options)
  }

  /**
   * Sends a message to a channel or an agent. Resolves once it is stored; after a lost connection it is sent again under its id.
   * Messages of one client are stored in the order of the calls.
   * @throws RelayError NOT_INVITED, CHANNEL_NOT_FOUND, AGENT_NOT_FOUND, ID_REUSED …; TimeoutError; ConnectionError
   */
  send(to: string, content: string, { id = this.#newId(), inReplyTo, ttlMs, receipts, ...call }: SendOptions = {}): Promise<Frame<'ACK'>> {
    const problem = this.#callProblem()
    if (problem !== undefined) return Promise.reject(problem)
    const { identity, signMessages = true } = this.#options
    const ts = this.#now()
    const signed = identity !== undefined && signMessages ? { ts, sig: identity.sign(messageText({ to, content, ts })) } : {}
    const text = JSON.stringify({ type: 'MSG', id, to, content, ...signed, in_reply_to: inReplyTo, ttl_ms: ttlMs, receipts })
    return this.#outgoing.add(id, text, call)
  }

  /** Sends a direct message: waits at the relay for an agent with a key that is not connected. */
  dm(agent: string, content: string, options?: SendOptions): Promise<Frame<'ACK'>> {
    return this.send(agent, content, options)
  }

  async createChannel(channel: string, { inviteOnly, verifiedOnly, topic, description, topicBy }: {
    readonly inviteOnly?: boolean
    readonly verifiedOnly?: boolean
    readonly topic?: string
    readonly description?: string
    /** who may set the topic; default: every member */
    readonly topicBy?: 'members' | 'owner'
  } = {}, options?: CallOptions): Promise<Frame<'JOINED'>> {
    const joined = await this.request('CREATE_CHANNEL', {
      channel,
      ...(inviteOnly !== undefined && { invite_only: inviteOnly }),
      ...(verifiedOnly !== undefined && { verified_only: verifiedOnly }),
      ...(topic !== undefined && { topic }),
      ...(description !== undefined && { description }),
      ...(topicBy !== undefined && { topic_by: topicBy }),
    }, options)
    this.#joined(channel, undefined)
    this.#settle(joined, undefined, undefined)
    return joined
  }

  async invite(channel: string, agent: string, options?: CallOptions): Promise<void> {
    await this.request('INVITE', { channel, agent }, options)
  }

  setTopic(channel: string, topic: string, options?: CallOptions): Promise<Frame<'TOPIC_CHANGED'>> {
    return this.request('SET_TOPIC', { channel, topic }, options)
  }

  async listChannels(options?: CallOptions): Promise<Frame<'CHANNELS'>['list']> {
    return (await this.request('LIST_CHANNELS', {}, options)).list
  }

  /** Everyone connected in a channel, all pages. */
  async listAgents(channel: string, options?: CallOptions): Promise<Frame<'AGENTS'>['list']> {
    return firstOf(Infinity, {
      read: (after: string | undefined) => this.request('LIST_AGENTS', { channel, ...(after !== undefined && { after }) }, options),
      entries: ({ list }) => list,
      more: ({ more }) => more === true,
      next: ({ list }) => list.at(-1)?.id,
      order: 'any',
    })
  }

  /** One page of a channel, or of the direct messages with an agent; `limit` ≤ 200. */
  history(
    where: { readonly channel: string } | { readonly with: string },
    page: { readonly before?: number, readonly after?: number, readonly limit?: number } = {},
    options?: CallOptions,
  ): Promise<Frame<'HISTORY'>> {
    return this.request('HISTORY', { ...where, ...page }, options)
  }

  whois(agent: string, options?: CallOptions): Promise<Frame<'WHOIS'>> {
    return this.request('WHOIS', { agent }, options)
  }

  /** What became of a message that this agent sent: who has been offered it, received it, read it, or let it expire. */
  status(messageId: string, options?: CallOptions): Promise<Frame<'STATUS'>> {
    return this.request('STATUS', { msg_id: messageId }, options)
  }

  /** Says that a message from the inbox, and all before it, were read. Receiving is said by the client itself. */
  async markRead(message: Pick<Message, 'id' | 'inboxSeq'>, options?: CallOptions): Promise<void> {
    await this.request('READ', message.inboxSeq === undefined ? { msg_id: message.id } : { seq: message.inboxSeq }, options)
  }

  /**
   * Any request of the protocol, typed by its name. While the client reconnects it waits, within its time.
   * @throws RelayError, TimeoutError, ConnectionError
   * @example const { list } = await client.request('LIST_CHANNELS', {})
   */
  request<T extends RequestType>(
    type: T,
    body: Body<T>,
    options?: CallOptions,
  ): Promise<Frame<ReplyType<T>>> {
    return this.#call(type, body, options)
  }

  /** Listens to checked messages, to status, or to a frame type; gives the function that stops it. */
  on<K extends keyof ClientEvents>(event: K, listener: (value: ClientEvents[K]) => void): () => void {
    return this.#emitter.on(event, listener)
  }

  /**
   * Messages as they come: all of them, those of a channel, or the direct ones with an agent. Listens from the call on.
   * @example for await (const message of client.messages('#general')) console.log(message.content)
   */
  messages(target?: string, { signal }: Pick<CallOptions, 'signal'> = {}): AsyncIterableIterator<Message> {
    return messageStream(
      {
        onMessage: listener => this.on('message', listener),
        onEnd: listener => {
          if (this.state === 'closed') listener(undefined)
          return this.on('status', status => {
            if (status.kind === 'ended') listener(status.error)
          })
        },
      },
      message => target === undefined || this.#inbound.streamOf(message.frame) === target,
      { signal, bufferSize: this.#options.bufferSize ?? 10_000 },
    )
  }

  #newId(): string {
    return `${this.#idPrefix}-${(++this.#lastId).toString(36)}`
  }

  #opened(welcome: Frame<'WELCOME'>, place: Place): void {
    const former = this.#welcome
    this.#welcome = welcome
    this.#place = place
    if (place.doubt !== undefined) this.#emitter.emit('status', { kind: 'relay-doubt', doubt: place.doubt })
    const { epoch } = this.#positions
    if (epoch !== welcome.epoch) this.#positions.reset(welcome.epoch)
    this.#inbound.reset()
    this.#requests.open(welcome.limits.max_frame_bytes)
    this.#inbound.askAgain()
    this.#outgoing.rewind(former === undefined || former.agent_id === welcome.agent_id)
    this.#lasting.askAgain()
    this.#requests.catchUp()
    this.#outgoing.open(welcome.limits)
    this.#emitter.emit('status', { kind: 'connected', welcome, again: former !== undefined })
    if (epoch !== undefined && epoch !== welcome.epoch) this.#emitter.emit('status', { kind: 'epoch-changed', epoch: welcome.epoch })
  }

  /** From here on the channel is entered again after every reconnect: after what came last, or with as much as was wanted at first. */
  #joined(channel: string, limit: number | undefined): void {
    this.#lasting.keep(channel, () => this.join(channel, this.#positions.get(channel) === undefined ? { limit } : {}))
  }

  /** What a JOINED says about where the channel stands. */
  #settle({ channel, seq, oldest, recovered }: Frame<'JOINED'>, since: number | undefined, limit: number | undefined): void {
    // Nothing is replayed: the next message follows this one.
    if (this.#positions.get(channel) === undefined && (seq === 0 || limit === 0)) this.#positions.set(channel, seq)
    // Should the connection be lost before the first message, the next one asks for the same again.
    if (this.#positions.get(channel) === undefined && since !== undefined && recovered) this.#positions.set(channel, since)
    if (since !== undefined && !recovered) this.#emitter.emit('status', { kind: 'gap', channel, since, oldest })
  }

  #frame(frame: Frame, chars: number): void {
    if (frame.type === 'MSG') this.#push(frame, chars)
    else if (!this.#outgoing.answer(frame) && !this.#requests.answer(frame) && frame.type === 'ERROR') {
      this.#emitter.emit('status', { kind: 'error', error: new RelayError(frame.code, frame.message, frame.retry_after_ms) })
    }
    if (frame.type === 'VERIFY_REQUEST') this.#prove(frame)
    // Asked for here, or by another session of this agent.
    if (frame.type === 'LEFT') this.#lasting.drop(frame.channel)
    if (frame.type === 'INBOX' && frame.re === undefined) {
      const each = Math.ceil(chars / Math.max(1, frame.items.length))
      for (const { seq, event } of frame.items) this.#push({ ...event, replay: true } as unknown as Frame<'MSG'>, each, seq)
    }
    this.#emitter.emit(frame.type, frame as never)
    if (isKept(frame) && (frame.by ?? frame.from) !== this.agentId) this.#inbound.after(() => this.#receive({ msg_id: frame.msg_id }))
  }

  #push(frame: Frame<'MSG'>, chars: number, inboxSeq?: number): void {
    if (this.#closing === undefined) this.#inbound.push(frame, chars, inboxSeq)
  }

  /** Another agent asks for a proof of our key: a nonce is signed, any other text is not. */
  #prove({ request_id, nonce, from }: Frame<'VERIFY_REQUEST'>): void {
    const { identity } = this.#options
    if (identity === undefined || from === undefined || !isSafeNonce(nonce)) return
    this.#ask('VERIFY_RESPONSE', { request_id, nonce, sig: identity.sign(nonce) }).catch(() => undefined)
  }

  /** The inbox was received up to here. */
  #receive(place: RequestInput<'RECEIVED'>): void {
    if (this.#options.identity === undefined || (this.#options.inbox ?? 'manual') !== 'manual') return
    this.#unreceived = place
    this.#receiving ??= this.#acknowledge()
  }

  /** Tells the relay how far the inbox was received: the newest message only, one request at a time. */
  async #acknowledge(): Promise<void> {
    while (this.#unreceived !== undefined) {
      const place = this.#unreceived
      this.#unreceived = undefined
      // What is not acknowledged is offered again, and dropped here as seen.
      await this.#ask('RECEIVED', place).catch(() => undefined)
    }
    this.#receiving = undefined
  }

  async #close(): Promise<void> {
    this.#inbound.reset()
    // The listener that closes returns first, and its message counts as received.
    await Promise.resolve()
    await pending<void>({ timeoutMs: closeGraceMs }, ({ resolve }) => {
      void Promise.resolve(this.#receiving).then(resolve)
      return () => undefined
    }).catch(() => undefined)
    await this.#session.close()
  }

  /** Why nothing can be asked of the relay; undefined: it can, now or after the reconnect that is under way. */
  #callProblem(): ConnectionError | undefined {
    if (this.state === 'idle') return new ConnectionError('NOT_CONNECTED', 'The client is not connected; call connect() first')
    return this.state === 'closed' ? new ConnectionError('CLOSED', 'The client is closed') : undefined
  }

  #call<T extends RequestType>(
    type: T,
    body: Body<T> | (() => Body<T>),
    { signal, timeoutMs = this.#timeoutMs }: CallOptions = {},
  ): Promise<Frame<ReplyType<T>>> {
    const problem = this.#callProblem()
    if (problem !== undefined) return Promise.reject(problem)
    const id = this.#newId()
    const written = typeof body === 'function' ? undefined : JSON.stringify({ type, id, ...body })
    const text = () => written ?? JSON.stringify({ type, id, ...(body as () => Body<T>)() })
    return this.#requests.call(id, type, text, { signal, timeoutMs }) as Promise<Frame<ReplyType<T>>>
  }

  /** A request that means something on this connection only. */
  #ask<T extends RequestType>(type: T, body: Omit<RequestInput<T>, 'id'>): Promise<Frame<ReplyType<T>>> {
    return this.state === 'open' ? this.request(type, body) : Promise.reject(new ConnectionError('LOST', 'The connection was lost'))
  }

  #disconnected(error: Error): void {
    this.#requests.lost(error)
    this.#lasting.lost()
    this.#outgoing.lost()
    this.#inbound.reset()
  }

  #failAll(cause: unknown): void {
    const error = cause instanceof Error ? cause : new ConnectionError('NOT_CONNECTED', 'Connecting was given up')
    this.#lasting.lost()
    this.#inbound.reset()
    this.#requests.failAll(error)
    this.#outgoing.failAll(error)
  }
}

/** An event of another kind than a message, from the inbox of whom it concerns. */
const isKept = (frame: Frame): frame is Frame & { readonly msg_id: string, readonly from: string, readonly by?: string } =>
  frame.type !== 'MSG' && frames[frame.type].kind === 'event' && 'msg_id' in frame
