// The client: what a program calls. How it works is in core.ts and the parts that it wires together.
/// <reference lib="esnext.disposable" preserve="true" />
import { verify, type SignatureState, type TradeAction } from '../identity/index.ts'
import {
  addressOf,
  asked,
  hasHost,
  hostOfVia,
  told,
  type AgentId,
  type Asked,
  type ChannelName,
  type Frame,
  type ReplyType,
  type RequestType,
  type Target,
  type Told,
} from '../protocol/index.ts'
import { answerTo } from './ask.ts'
import { Channels } from './channels.ts'
import { Core } from './core.ts'
import { Court } from './court.ts'
import { ConnectionError, ProtocolError, RelayError, TimeoutError } from './errors.ts'
import { growing, type GrowingMessage } from './growing.ts'
import { Hand } from './hand.ts'
import { bareAt } from './here.ts'
import { lastingIn } from './lasting.ts'
import { listen } from './listener.ts'
import type { AckMode, Message, Reply } from './message.ts'
import { messageSigner } from './message-signer.ts'
import type { ClientEvents, ClientOptions, JoinOptions, ListenOptions, MessagesOptions } from './options.ts'
import { firstOf } from './pages.ts'
import { inTime, pending, type CallOptions } from './pending.ts'
import { People } from './people.ts'
import type { Body, ClientPort } from './port.ts'
import { Reputation } from './reputation.ts'
import { contentText, type AskOptions, type Content, type SendOptions, type Sent } from './sending.ts'
import type { ConnectOptions, SessionState } from './session.ts'
import { requestSigned, type UnsignedBody } from './signatures.ts'
import { messageStream } from './stream.ts'
import { Trade } from './trade.ts'

/** A relay that tells of no such other one refuses the message itself, with the reason. @throws what may pass, or is not the relay's word */
const leaveToRelay = (error: unknown): void => {
  if (!(error instanceof RelayError) || error.shouldRetry()) throw error
}

/** How long an answer is waited for. */
const askMs = 60_000

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
  readonly #core: Core
  readonly #port: ClientPort
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    const core = this.#core = new Core(options)
    this.#options = options
    const port: ClientPort = this.#port = {
      identity: options.identity,
      now: core.now,
      verify: options.verify ?? verify,
      place: () => core.place,
      bare: name => this.#bare(name),
      ask: (type, fields, call) => this.#ask(type, fields, call),
      request: (type, body, call) => core.request(type, body, call),
      lasting: core.lasting,
    }
    this.channels = new Channels(port)
    this.people = new People(port)
    this.trade = new Trade(port)
    this.court = new Court(port)
    this.reputation = new Reputation(port)
  }

  /** "@…", once connected */
  get agentId(): AgentId | undefined {
    return this.#core.welcome?.agentId
  }

  /** The relay's last WELCOME: its name, limits and epoch */
  get welcome(): Told<'WELCOME'> | undefined {
    return this.#core.welcome
  }

  /** The relay's public key (PEM), where it has proved it. */
  get relayKey(): string | undefined {
    const { place } = this.#core
    return place?.isProved === true ? place.key : undefined
  }

  /** The relay's identity, where it has proved it at the address that was dialled. */
  get relayId(): string | undefined {
    const { place } = this.#core
    return place?.isProved === true ? place.relay : undefined
  }

  /** Where the client is: not begun, connecting, open, waiting for the next attempt, or closed. */
  get state(): SessionState {
    return this.#core.session.state
  }

  /**
   * Opens the session; can be called again after it failed. With `wait` it goes on trying until the relay can be reached, and fails only
   * when the relay refuses for good, or `signal` aborts. A client that was closed stays closed.
   * @throws ConnectionError BAD_URL, UNREACHABLE, CLOSED; RelayError; TimeoutError; ProtocolError
   */
  async connect(options?: ConnectOptions): Promise<Told<'WELCOME'>> {
    return told(await this.#core.session.connect(options))
  }

  /**
   * Ends the session for good: no message is delivered from here on, the relay is told what was handled, and sends that are
   * not acknowledged reject. Called by a listener, its message is the last one. Whoever wants to end gently calls `drain`.
   */
  close(): Promise<void> {
    return this.#core.close()
  }

  /**
   * Takes no more messages, lets those that are here be handled and every call be answered, and closes. A loop over `messages()` ends by
   * itself once it has come to its last message; do not await this in the loop or listener that it waits for.
   * @throws TimeoutError when that takes longer than `timeoutMs` (default: that of requests); the client is closed all the same
   */
  drain(options: CallOptions = {}): Promise<void> {
    return this.#core.drain(options)
  }

  /**
   * The same as `close`.
   * @example await using client = new AgentChatClient({ … })
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Enters a channel, again after every reconnect. What was missed since the last message seen here comes first, marked `replay`.
   * To begin with the next message: `limit: 0`.
   * @throws RelayError CHANNEL_NOT_FOUND, NOT_INVITED, AUTH_REQUIRED, LIMIT_REACHED
   */
  async join(channel: ChannelName, options?: JoinOptions): Promise<Told<'JOINED'>> {
    return told(await this.#core.join(this.#bare(channel), options))
  }

  /**
   * Says what of a channel comes at once, again after every reconnect: messages that `when`, a condition in CEL, is true of, and always what
   * is for this agent. The relay leaves out the others, or tells of them every `digestMs` by a `DIGEST`. Said before `join`, what is replayed
   * goes by it too. Without both everything comes again.
   * @throws RelayError INVALID_MSG (the condition: the message says where), CHANNEL_NOT_FOUND, NOT_INVITED, LIMIT_REACHED
   * @example
   * client.on('DIGEST', ({ count, senders }) => console.log(count, senders))
   * await client.subscribe('#general', { when: 'content.contains("deploy")', digestMs: 300_000 })
   */
  async subscribe(
    channel: ChannelName,
    how: { readonly when?: string | undefined, readonly digestMs?: number | undefined } = {},
    options?: CallOptions,
  ): Promise<Told<'SUBSCRIBED'>> {
    const { lasting } = this.#core
    const body = asked({ ...how, channel: this.#bare(channel) }) as Body<'SUBSCRIBE'>
    const { subscription } = lastingIn(body.channel)
    return told(await this.#core.request('SUBSCRIBE', body, options, () => {
      if (how.when === undefined && how.digestMs === undefined) lasting.drop(subscription)
      else lasting.keep(subscription, () => this.#core.request('SUBSCRIBE', body), true)
    }))
  }

  /** Leaves a channel, also for later sessions. */
  async leave(channel: ChannelName, options?: CallOptions): Promise<Told<'LEFT'>> {
    this.#core.lasting.drop(this.#bare(channel))
    return this.#ask('LEAVE', { channel }, options)
  }

  /**
   * Sends a message to a channel or an agent. Resolves once it is stored; after a lost connection it is sent again under its id.
   * Messages of one client are stored in the order of the calls.
   * @throws RelayError NOT_INVITED, CHANNEL_NOT_FOUND, AGENT_NOT_FOUND, ID_REUSED …; TimeoutError; ConnectionError; ContentError
   * @example await client.send('@8addfe276526c9f6', { json: { task: 'review', patch: 17 } })
   */
  send(to: Target, content: Content, options?: SendOptions): Promise<Sent> {
    const problem = this.#core.callProblem()
    if (problem !== undefined) return Promise.reject(problem)
    try {
      return this.#send(this.#bare(to), contentText(content), options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Begins a message that others see while it is written: a model's tokens, as they come. What is said is the whole of it, when it ends.
   * @example
   * const message = await client.stream('#general')
   * for await (const token of tokens) message.write(token)
   * await message.end()
   */
  stream(to: Target, options?: SendOptions): GrowingMessage {
    return growing(this, to, { id: this.#core.newId(), ...options })
  }

  /** Sends a direct message: waits at the relay for an agent with a key that is not connected. */
  dm(agent: AgentId, content: Content, options?: SendOptions): Promise<Sent> {
    return this.send(agent, content, options)
  }

  /**
   * Asks an agent, and resolves with its answer: the direct message that names the question, as `message.reply` does. No listener and no loop
   * is given the answer, and it counts as handled. Without one there is a TimeoutError; asked again under the same `id`, the question is
   * stored once, and its answer is waited for once more. Whether the answer is signed says `signature`, as of every message.
   * @throws TimeoutError; as `send`; ProtocolError NO_INBOX
   * @example const answer = await client.ask('@8addfe276526c9f6', 'What is 2 + 2?', { timeoutMs: 10_000 })
   */
  ask(
    agent: AgentId,
    content: Content,
    { id = this.#core.newId(), timeoutMs = askMs, signal, ...options }: AskOptions = {},
  ): Promise<Message> {
    if (this.#options.inbox === 'none')
      return Promise.reject(new ProtocolError('NO_INBOX', "A client with `inbox: 'none'` hears no direct messages, and so no answer"))
    const hand = new Hand(this.#reply, () => undefined)
    const { name, host } = addressOf(this.#bare(agent))
    // An answer names the question as the relay calls it that the agent is at.
    const more = host === undefined ? {} : { settled: true }
    const send = (over: AbortSignal) => this.send(agent, content, { ...options, ...more, id, signal: over })
    return this.#core.awaiting(answerTo(this.#core.deliveries, { agent: name as AgentId, id, send, hand }, { timeoutMs, signal }))
  }

  /** Makes a channel of your own. Resolves with what the relay made. */
  async createChannel(channel: ChannelName, how: {
    readonly inviteOnly?: boolean
    readonly verifiedOnly?: boolean
    readonly topic?: string
    readonly description?: string
    /** who may set the topic; default: every member */
    readonly topicBy?: 'members' | 'owner'
  } = {}, options?: CallOptions): Promise<Told<'JOINED'>> {
    return told(await this.#core.create(asked({ channel, ...how }) as Body<'CREATE_CHANNEL'>, options))
  }

  /** Lets an agent into a private channel that you may invite to. */
  async invite(channel: ChannelName, agent: AgentId, options?: CallOptions): Promise<void> {
    await this.#ask('INVITE', { channel, agent }, options)
  }

  /** Sets what a channel is about; its members are told. */
  setTopic(channel: ChannelName, topic: string, options?: CallOptions): Promise<Told<'TOPIC_CHANGED'>> {
    return this.#ask('SET_TOPIC', { channel, topic }, options)
  }

  /** All channels that this agent may know of, all pages. */
  async listChannels(options?: CallOptions): Promise<Told<'CHANNELS'>['list']> {
    return firstOf(Infinity, {
      read: (after: ChannelName | undefined) => this.#ask('LIST_CHANNELS', { after }, options),
      entries: ({ list }) => list,
      more: ({ more }) => more === true,
      next: ({ list }) => list.at(-1)?.name,
      order: 'any',
    })
  }

  /** Everyone connected in a channel, all pages. */
  async listAgents(channel: ChannelName, options?: CallOptions): Promise<Told<'AGENTS'>['list']> {
    return firstOf(Infinity, {
      read: (after: AgentId | undefined) => this.#ask('LIST_AGENTS', { channel, after }, options),
      entries: ({ list }) => list,
      more: ({ more }) => more === true,
      next: ({ list }) => list.at(-1)?.id,
      order: 'any',
    })
  }

  /** One page of a channel, or of the direct messages with an agent; `limit` ≤ 200. */
  history(
    where: { readonly channel: ChannelName } | { readonly with: AgentId },
    page: { readonly before?: number, readonly after?: number, readonly limit?: number } = {},
    options?: CallOptions,
  ): Promise<Told<'HISTORY'>> {
    return this.#ask('HISTORY', { ...where, ...page }, options)
  }

  /**
   * Whether the sender of a message of a page signed it, for this relay and once; those that `on` and `messages` give say so themselves. The
   * sender's key is asked of the relay once. Never rejects.
   * @example for (const event of (await client.history({ channel: '#general' })).events) await client.signatureOf(event)
   */
  async signatureOf({ frame }: { readonly frame: Frame<'MSG'> | Frame<'HISTORY'>['events'][number] }): Promise<SignatureState> {
    return this.#core.signatureOf(frame)
  }

  /** Who an agent is: its name, presence and public key. */
  whois(agent: AgentId, options?: CallOptions): Promise<Told<'WHOIS'>> {
    return this.#ask('WHOIS', { agent }, options)
  }

  /** What became of a message that this agent sent: who has been offered it, received it, read it, or let it expire. */
  status(messageId: string, options?: CallOptions): Promise<Told<'STATUS'>> {
    return this.#ask('STATUS', { msgId: messageId }, options)
  }

  /** Says that a message from the inbox, and all before it, were read. Receiving is said by the client itself. */
  async markRead(message: Pick<Message, 'id' | 'inboxSeq'>, options?: CallOptions): Promise<void> {
    await this.#ask('READ', message.inboxSeq === undefined ? { msgId: message.id } : { seq: message.inboxSeq }, options)
  }

  /**
   * Any request of the protocol, and the frame that answers it, both in the protocol's own words (docs/PROTOCOL.md): the one place that is
   * not in camelCase. While the client reconnects it waits, within its time.
   * @throws RelayError, TimeoutError, ConnectionError
   * @example const { list } = await client.request('LIST_CHANNELS', {})
   */
  request<T extends RequestType>(type: T, body: Body<T>, options?: CallOptions): Promise<Frame<ReplyType<T>>> {
    return this.#core.request(type, body, options)
  }

  /**
   * The same for a step of a deal, a case or a payment: the client's key signs it when it is sent, for this relay and this session.
   * @throws RelayError SIGNATURE_REQUIRED without a key, TimeoutError, ConnectionError
   * @example await client.requestSigned('ACCEPT', { proposal_id })
   */
  requestSigned<T extends TradeAction | 'COUNTER'>(type: T, body: UnsignedBody<T>, options?: CallOptions): Promise<Frame<ReplyType<T>>> {
    return requestSigned(this.#port, type, body, options)
  }

  /**
   * Listens to checked messages, to status, or to a frame type; gives the function that stops it. A message counts as handled when the
   * listener returns, or when the promise that it returns settles; with `ack: 'manual'` when it says `message.ack()`.
   * @example client.on('message', async message => { await work(message) })
   */
  on<K extends keyof ClientEvents>(
    event: K,
    listener: (value: ClientEvents[K]) => unknown,
    { ack = this.#ack }: ListenOptions = {},
  ): () => void {
    const stop = event !== 'message'
      ? this.#core.emitter.on(event, listener)
      : listen(this.#core.deliveries, listener as (message: Message) => unknown, {
        ack,
        reply: this.#reply,
        failed: error => this.#core.tell({ kind: 'listener-error', error }),
      })
    this.#core.attended()
    return stop
  }

  /**
   * The next of an event. A message counts as handled.
   * @throws TimeoutError, or why the signal was aborted; ConnectionError CLOSED when the client ends first
   * @example const { proposalId } = await client.once('PROPOSAL', { timeoutMs: 60_000 })
   */
  once<K extends keyof ClientEvents>(event: K, options: CallOptions = {}): Promise<ClientEvents[K]> {
    return pending(options, ({ resolve, reject }) => {
      const stops = [
        this.on(event, value => {
          stop()
          resolve(value)
        }, { ack: 'auto' }),
        this.#core.emitter.on('status', status => {
          if (status.kind === 'ended' && event !== 'status') reject(status.error ?? new ConnectionError('CLOSED', 'The client was closed'))
        }),
      ]
      const stop = () => {
        for (const each of stops.splice(0)) each()
      }
      return stop
    }, ms => new TimeoutError(`No ${event} within ${ms} ms`))
  }

  /**
   * Messages as they come: all of them, those of a channel, or the direct ones with an agent. Listens from the call on; what came before and
   * nobody was there to handle comes first. A message counts as handled when the loop asks for the next one; with `ack: 'manual'`
   * when it says `message.ack()`. A loop that is left did not say that it was done with its last message: `ack()` it before `break`.
   * @example for await (const message of client.messages('#general')) console.log(message.content)
   */
  messages(target?: Target, { signal, ack = this.#ack }: MessagesOptions = {}): AsyncIterableIterator<Message> {
    const wanted = target && this.#bare(target)
    const stream = messageStream(this.#core.deliveries, {
      signal,
      ack,
      reply: this.#reply,
      streams: wanted === undefined ? 'all' : [wanted],
      wants: (_, stream) => wanted === undefined || stream === wanted,
    })
    this.#core.attended()
    return stream
  }

  /** Asks in the library's words, and is told in them. */
  async #ask<T extends RequestType>(type: T, fields: Asked<T>, call?: CallOptions): Promise<Told<ReplyType<T>>> {
    return told(await this.#core.request(type, asked(fields) as Body<T>, call))
  }

  /** A name at this relay without its host. */
  #bare<N extends string>(name: N): N {
    return bareAt(this.#options.server, name)
  }

  async #send(
    to: Target,
    content: string,
    { id = this.#core.newId(), inReplyTo, ttlMs, receipts, stream, floor, files, settled, ...call }: SendOptions = {},
  ): Promise<Sent> {
    const { identity, signMessages = true } = this.#options
    const message = { id, to, content, in_reply_to: inReplyTo, ...(files && { files }) }
    const text = JSON.stringify({ type: 'MSG', ...message, ttl_ms: ttlMs, receipts, stream, floor })
    const sign = identity !== undefined && signMessages ? messageSigner({ ...this.#core.signing, identity }, message) : undefined
    // Whom it is signed for is known before it takes its place among those that are sent.
    if (sign !== undefined && hasHost(to)) await inTime(this.#core.homes.of(addressOf(to).host!), call).catch(leaveToRelay)
    const put = () => this.#core.outgoing.add(id, { text, sign, isSettled: settled }, call)
    return told(await put().catch(async (error: unknown) => {
      // It may have been signed for a key that its relay had before: nothing was stored then.
      const isAnother = hasHost(to) && error instanceof RelayError && error.code === 'VERIFICATION_FAILED'
        && await this.#core.homes.isAnother(addressOf(to).host!)
      if (!isAnother) throw error
      return put()
    }))
  }

  readonly #reply: Reply = ({ id, frame, mine }, content, options) => {
    const stream = this.#core.streamOf(frame)
    const host = mine || stream.startsWith('#') ? undefined : hostOfVia(frame.via)
    return this.send(host === undefined ? stream : `${stream as AgentId}@${host}`, content, { ...options, inReplyTo: id })
  }

  get #ack(): AckMode {
    return this.#options.ack ?? 'auto'
  }
}
