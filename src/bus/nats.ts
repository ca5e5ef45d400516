// The bus over NATS, for the processes of a relay on several machines. A client without its server loses what is published meanwhile, here and
// there: whoever listens is told that something was missed, and reads what it needs.
import type { NatsConnection, Subscription } from '@nats-io/transport-node'
import { bytesOf, messageOf } from './bytes.ts'
import { everyone, type Bus, type Subject } from './bus.ts'

export interface NatsOptions {
  /** nats://[user:password@]host:port, several separated by commas, or tls:// for TLS */
  readonly urls: string
  /** The relay's name among others on the same server. */
  readonly cluster: string
  /** This process's name. */
  readonly node: string
  /** The largest message that has to get through, in bytes. */
  readonly minPayloadBytes: number
  /** `detail`: why it is up and not as it should be. */
  readonly onState?: (state: 'up' | 'down', detail?: string) => void
}

/** The bus cannot be had; the message says why, the hint what to do next. */
export class BusError extends Error {
  override readonly name = 'BusError'
  readonly hint: string

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}

/** How long a process looks for its server before it says that there is none. */
const connectTimeoutMs = 5_000
const reconnectMs = 250
/** A line on which nothing passes is given up after three of these, and another one is made. */
const pingMs = 2_000

/** @throws BusError when the package or the server is not there, or the server takes too little at once */
export const openNatsBus = async <Message>(options: NatsOptions): Promise<Bus<Message>> =>
  new NatsBus<Message>(await connected(options, true), options)

/** What the server is, where a bus could be had by it: what is said is heard. @throws BusError */
export const lookAtNats = async (options: NatsOptions): Promise<string> => {
  const connection = await connected(options, false)
  const subject = `${prefixOf(options)}node.${token(`look of ${options.node}`)}`
  try {
    await new Promise<void>((resolve, reject) => {
      const callback = (error: Error | null) => error === null ? resolve() : reject(error)
      connection.subscribe(subject, { max: 1, timeout: connectTimeoutMs, callback })
      connection.publish(subject)
    })
    const { version, max_payload } = connection.info!
    return `NATS ${version}, which takes messages of ${max_payload} bytes`
  } catch (error) {
    throw new BusError(`What is said at the NATS server is not heard there: ${(error as Error).message}`,
      `Let its user publish and subscribe to ${prefixOf(options)}>`, error)
  } finally {
    await connection.close()
  }
}

const prefixOf = ({ cluster }: NatsOptions): string => `agentchat.${cluster}.`

const connected = async (options: NatsOptions, noEcho: boolean): Promise<NatsConnection> => {
  const { connect } = await loadDriver()
  const servers = options.urls.split(',').map(url => new URL(url.includes('://') ? url : `nats://${url}`))
  const [{ username, password }] = servers as [URL]
  let connection: NatsConnection
  try {
    connection = await connect({
      servers: servers.map(url => `${url.protocol}//${url.host}`),
      ...(username !== '' && { user: decodeURIComponent(username) }),
      ...(password !== '' && { pass: decodeURIComponent(password) }),
      name: `agentchat ${options.node}`,
      noEcho,
      timeout: connectTimeoutMs,
      maxReconnectAttempts: -1,
      // A server whose users are wrong for a moment refuses twice and more; by default that is the end.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: reconnectMs,
      pingInterval: pingMs,
      maxPingOut: 2,
    })
  } catch (error) {
    throw new BusError(`No NATS server answers at ${servers.map(({ host }) => host).join(', ')}: ${(error as Error).message}`,
      'Start it (nats-server), or name another with --nats.', error)
  }
  const problem = tooLittle(connection, options)
  if (problem !== undefined) {
    await connection.close()
    throw new BusError(problem, `Put max_payload: ${options.minPayloadBytes} into its nats.conf, or lower --max-frame-bytes.`)
  }
  return connection
}

const tooLittle = ({ info }: NatsConnection, { minPayloadBytes }: NatsOptions): string | undefined => {
  const bytes = info?.max_payload ?? 0
  return bytes < minPayloadBytes ? `The NATS server takes messages of ${bytes} bytes, and this relay needs ${minPayloadBytes}` : undefined
}

/** A name as one token of a subject: dots, spaces and wildcards of it mean nothing to the server. */
const token = (name: string): string =>
  Array.from(Buffer.from(name), byte => isPlain(byte) ? String.fromCharCode(byte) : `=${byte.toString(16).padStart(2, '0')}`).join('')

/** letters, digits, - and _ */
const isPlain = (byte: number): boolean =>
  (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 45 || byte === 95

const loadDriver = async () => {
  try {
    return await import('@nats-io/transport-node')
  } catch (error) {
    throw new BusError('The client of NATS is not installed', 'Install it beside agentchat: npm install @nats-io/transport-node@3.3.0',
      error)
  }
}

class NatsBus<Message> implements Bus<Message> {
  readonly node: string
  readonly isAlone = false
  isUp = true
  readonly #connection: NatsConnection
  readonly #prefix: string
  readonly #followed = new Map<Subject, Subscription>()
  readonly #options: NatsOptions
  #listener: ((message: Message, from: string) => void) | undefined
  #missed: (() => void) | undefined
  #closing: Promise<void> | undefined
  /** Calls who waits for the server, by what is followed. */
  readonly #awaited = new Map<Subject, () => void>()

  constructor(connection: NatsConnection, options: NatsOptions) {
    this.node = options.node
    this.#connection = connection
    this.#prefix = prefixOf(options)
    this.#options = options
    void this.#watch()
  }

  publish(subject: Subject, message: Message): void {
    // Without its server a client would keep everything until it is back.
    if (!this.isUp) return
    const bytes = bytesOf(this.node, message)
    // What is too large is lost like anything else may be: the log has it. Another server may take less than the one before.
    if (bytes.length > (this.#connection.info?.max_payload ?? 0)) return
    try {
      this.#connection.publish(this.#nameOf(subject), bytes)
    } catch {
      // It is closed or closing.
    }
  }

  follow(subject: Subject): void | Promise<void> {
    if (this.#followed.has(subject) || this.#connection.isClosed()) return undefined
    const subscription = this.#connection.subscribe(this.#nameOf(subject), {
      callback: (error, { data }) => {
        if (error !== null) return
        const heard = messageOf(data)
        if (heard !== undefined && heard.from !== this.node) this.#listener?.(heard.message as Message, heard.from)
      },
    })
    this.#followed.set(subject, subscription)
    return this.#arrived(subject, subscription)
  }

  unfollow(subject: Subject): void {
    this.#followed.get(subject)?.unsubscribe()
    this.#followed.delete(subject)
    // While the server is away, those who come and go would all wait for it.
    this.#awaited.get(subject)?.()
    this.#awaited.delete(subject)
  }

  hear(listener: (message: Message, from: string) => void): void {
    this.#listener = listener
  }

  missed(listener: () => void): void {
    this.#missed = listener
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close()
  }

  async #close(): Promise<void> {
    this.#listener = undefined
    this.#missed = undefined
    // What is on its way goes first, if there is a way: a client whose server goes meanwhile would look for it for ever.
    if (!this.#connection.isClosed() && this.isUp) await this.#connection.drain().catch(() => undefined)
    if (!this.#connection.isClosed()) await this.#connection.close().catch(() => undefined)
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#awaited.values()]
    this.#awaited.clear()
    for (const each of waiting) each()
  }

  /** The server knows what was sent to it before, or the subject is not followed any more. */
  async #arrived(subject: Subject, subscription: Subscription): Promise<void> {
    while (!this.#connection.isClosed() && this.#followed.get(subject) === subscription) {
      try {
        if (this.isUp) return await this.#connection.flush()
      } catch {
        // The line broke: the subscription is made anew with the next one.
      }
      await new Promise<void>(resolve => this.isUp ? void setImmediate(resolve) : void this.#awaited.set(subject, resolve))
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.isUp = false
        this.#options.onState?.('down')
      } else if (type === 'reconnect') {
        this.isUp = true
        this.#options.onState?.('up', tooLittle(this.#connection, this.#options))
        this.#wake()
        // What is followed is known to the server by then.
        await this.#connection.flush().catch(() => undefined)
        if (this.isUp) this.#missed?.()
      } else if (type === 'slowConsumer') this.#missed?.()
    }
  }

  #nameOf(subject: Subject): string {
    if (subject === everyone) return `${this.#prefix}all`
    return `${this.#prefix}${{ '#': 'channel', '@': 'agent', '!': 'node' }[subject[0]!] ?? 'other'}.${token(subject.slice(1))}`
  }
}
