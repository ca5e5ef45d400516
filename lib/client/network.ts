// One identity, many relays: names say at which relay they are ("#general@chat.example"), and a connection there is opened when the first
// of them is used, shared by all, and closed with the network.
/// <reference lib="esnext.disposable" preserve="true" />
import { addressOf, type AgentId, type ChannelName, type Target, type Told } from '../protocol/index.ts'
import { AgentChatClient } from './client.ts'
import { AddressError, ConnectionError } from './errors.ts'
import { hostOf, isSameHost } from './hosts.ts'
import { MemoryKnownRelays } from './known-relays.ts'
import { mergedStreams } from './merged-streams.ts'
import type { Message } from './message.ts'
import type { ClientOptions, JoinOptions, MessagesOptions } from './options.ts'
import { inTime, type CallOptions } from './pending.ts'
import type { Positions } from './positions.ts'
import { fetchDocument, resolveHost, type ReadDocument } from './resolving.ts'
import type { AskOptions, Content, SendOptions, Sent } from './sending.ts'

/** What a network is made with: what each of its clients is made with, and where they are. */
export interface NetworkOptions extends Omit<ClientOptions, 'server' | 'serverId' | 'adminKey' | 'positions'> {
  /** ws:// or wss:// url of the relay of one's own: names without a host are names there */
  readonly server?: string
  /**
   * Urls of relays that the program knows itself. Their hosts are asked there, without TLS and in a private network too; other hosts only
   * by TLS, and by name.
   */
  readonly relays?: readonly string[]
  /** Where it keeps how far it has come at a relay; default: in memory. */
  readonly positionsOf?: (host: string) => Positions
  /** Reads what relays say of themselves; default: by `fetch`. */
  readonly readDocument?: ReadDocument
  /** Called with a client before it connects: what listens to it misses nothing. */
  readonly prepare?: (client: AgentChatClient, host: string) => void
  /** Relays that are connected to at once; default 32 */
  readonly maxRelays?: number
}

/** A message, and the relay that it is of. */
export type NetworkMessage = Message & {
  /** `chat.example`: `${message.to}@${message.host}` is where it was said */
  readonly host: string
}

/** Something at a relay, and the client that is connected there. */
export interface Located {
  readonly client: AgentChatClient
  /** as the relay knows it: "#general" */
  readonly name: string
  readonly host: string
}

interface Held {
  readonly host: string
  readonly client: Promise<AgentChatClient>
  /** The relay of it, as soon as that is known. */
  serverId?: string | undefined
  /** What is made of it, connected or not. */
  made?: AgentChatClient
}

const defaultMaxRelays = 32

/**
 * Many relays as one: what is sent to a name goes to the relay that the name says.
 * @example
 * await using network = new Network({ ...onNode(), server: 'ws://localhost:6667', identity })
 * await network.join('#general@chat.example')
 * await network.send('#general@chat.example', 'hello')
 * const { client, name } = await network.at('prop_mhx1k2_9f86d081@chat.example')
 * await client.trade.accept(name)
 */
export class Network {
  readonly #options: NetworkOptions
  readonly #home: string | undefined
  readonly #known: NonNullable<ClientOptions['knownRelays']>
  readonly #held = new Set<Held>()
  readonly #over = new AbortController()

  constructor(options: NetworkOptions) {
    this.#options = options
    this.#known = options.knownRelays ?? new MemoryKnownRelays()
    this.#home = options.server === undefined ? undefined : hostOf(options.server)
  }

  /** Hosts of the relays that a client is connected to, or about to be. */
  get hosts(): readonly string[] {
    return [...this.#held].map(({ host }) => host)
  }

  /**
   * The client at a relay, connected; without a host that of one's own. The same one for all who ask, until it ends.
   * @throws AddressError, RelayDoubtError; what `AgentChatClient.connect` throws
   */
  client(host: string | undefined = this.#home, options: CallOptions = {}): Promise<AgentChatClient> {
    if (this.#over.signal.aborted) return Promise.reject(new ConnectionError('CLOSED', 'The network is closed; make a new one'))
    if (host === undefined)
      return Promise.reject(new AddressError('NO_HOST', '', 'A name without a host, and no relay of its own (`server`): write name@host'))
    const held = [...this.#held].find(each => isSameHost(each.host, host)) ?? this.#open(host)
    return held instanceof Error ? Promise.reject(held) : inTime(held.client, options)
  }

  /**
   * What an address names, and who is connected to the relay that holds it: a channel, an agent, a deal, a dispute.
   * @example const { client, name } = await network.at('prop_mhx1k2_9f86d081@chat.example')
   */
  async at(address: string, options?: CallOptions): Promise<Located> {
    const { name, host = this.#home } = addressOf(address)
    return { client: await this.client(host, options), name, host: host! }
  }

  /** Enters a channel; see `AgentChatClient.join`. */
  async join(channel: ChannelName, options?: JoinOptions): Promise<Told<'JOINED'>> {
    const { client, name } = await this.at(channel, options)
    return client.join(name as ChannelName, options)
  }

  /** Sends to a channel or an agent, at its relay; see `AgentChatClient.send`. */
  async send(to: Target, content: Content, options?: SendOptions): Promise<Sent> {
    const { client, name } = await this.at(to, options)
    return client.send(name as Target, content, options)
  }

  /** Asks an agent at its relay; see `AgentChatClient.ask`. */
  async ask(agent: AgentId, content: Content, options?: AskOptions): Promise<Message> {
    const { client, name } = await this.at(agent, options)
    return client.ask(name as AgentId, content, options)
  }

  /**
   * Messages of several channels, or of direct ones with agents, wherever they are, as they come; `message.reply` answers at the relay that
   * a message is of. Enter channels with `join`; what comes after this call's promise is there is heard. Ends when one of the relays ends it.
   * @example for await (const message of await network.messages(['#general@chat.example', '#ops'])) console.log(message.host, message.content)
   */
  async messages(targets: readonly Target[], options: MessagesOptions = {}): Promise<AsyncIterableIterator<NetworkMessage>> {
    const places = await Promise.all(targets.map(target => this.at(target, options)))
    return mergedStreams(places.map(({ client, name, host }) => ({
      stream: client.messages(name as Target, options),
      of: (message: Message): NetworkMessage => ({ ...message, host }),
    })))
  }

  /** Closes every client, for good; see `AgentChatClient.close`. */
  async close(): Promise<void> {
    const held = [...this.#held]
    this.#held.clear()
    this.#over.abort(new ConnectionError('CLOSED', 'The network was closed'))
    await Promise.all(held.map(({ made }) => made?.close()))
  }

  /**
   * The same as `close`.
   * @example await using network = new Network({ … })
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #open(host: string): Held | AddressError {
    const { maxRelays = defaultMaxRelays } = this.#options
    if (this.#held.size >= maxRelays)
      return new AddressError('TOO_MANY_RELAYS', host, `${maxRelays} relays are connected to already; \`maxRelays\` allows more`)
    // What it does first comes after this turn.
    const held: Held = { host, client: Promise.resolve().then(() => this.#clientOf(held)) }
    this.#held.add(held)
    held.client.catch(() => this.#held.delete(held))
    return held
  }

  async #clientOf(held: Held): Promise<AgentChatClient> {
    const { host } = held
    const { server, relays = [], readDocument = fetchDocument, confirmRelay, requestTimeoutMs, now = Date.now } = this.#options
    if (server !== undefined && isSameHost(host, this.#home!)) return this.#connect(held, { server })
    const { url, serverId } = await resolveHost(host, {
      relays,
      read: readDocument,
      knownRelays: this.#known,
      confirmRelay,
      now,
      signal: this.#over.signal,
      timeoutMs: requestTimeoutMs,
    })
    // A relay of several hosts is connected to once: two sessions of one label would end each other.
    await Promise.all(
      [...this.#held].filter(({ host }) => this.#home !== undefined && isSameHost(host, this.#home)).map(({ client }) =>
        client.catch(() => undefined)
      ),
    )
    const same = [...this.#held].find(other => other.serverId === serverId)
    held.serverId = serverId
    return same?.client ?? this.#connect(held, { server: url, serverId })
  }

  async #connect(held: Held, where: Pick<ClientOptions, 'server' | 'serverId'>): Promise<AgentChatClient> {
    const { server: _, relays: __, positionsOf, readDocument: ___, prepare, maxRelays: ____, ...options } = this.#options
    this.#over.signal.throwIfAborted()
    const positions = positionsOf?.(held.host)
    const client = held.made = new AgentChatClient({ ...options, ...where, knownRelays: this.#known, ...(positions && { positions }) })
    client.on('status', ({ kind }) => {
      if (kind !== 'ended') return
      this.#held.delete(held)
      // And the other hosts of that relay.
      for (const each of this.#held) if (each.serverId !== undefined && each.serverId === held.serverId) this.#held.delete(each)
    })
    prepare?.(client, held.host)
    await client.connect({ signal: this.#over.signal })
    held.serverId = client.relayId
    return client
  }
}
