// The listening socket: an HTTP(S) server that upgrades to WebSocket, lets in whom the door lets in, gives each step its time, and closes
// in order.
import { createServer, type IncomingHttpHeaders, IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { createServer as createNetServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { WebSocketServer, type WebSocket } from 'ws'
import { timerMs, type CloseName } from '../../lib/protocol/index.ts'
import { Addresses, NotARange } from './address.ts'
import { Callers, type Caller } from './callers.ts'
import { Door, type DoorOptions, type Guest } from './door.ts'
import { Handshakes } from './handshakes.ts'
import { ListenError, listenErrorOf, readPem } from './listen-error.ts'
import { isWelcomeOrigin } from './browser-origin.ts'
import type { Account, Debtor } from './account.ts'
import type { Slices } from './slices.ts'

/** What is known of a socket when it opens. */
export interface SocketFacts {
  readonly address: string
  readonly host: string | undefined
  /** Those of its request that tell which browser it is. */
  readonly headers: IncomingHttpHeaders
}

export interface ListenerOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Another port for the same: browsers refuse some. 0 takes any free one. */
  readonly webPort?: number | undefined
  /** Where that is taken: gone on without, or not. */
  readonly isWebPortNeeded: boolean
  /** PEM files; both or neither. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly maxFrameBytes: number
  /** Open sockets in all, and per address (0 = unlimited), counted from the moment they are accepted. */
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** Time to open a session; what comes before (TLS, the request) has at most as long. */
  readonly identifyTimeoutMs: number
  /** Addresses or CIDR ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** How much of an IPv6 address counts as the address. */
  readonly ipv6PrefixBits: number
  /** Pages from elsewhere that may connect from a browser. */
  readonly allowedOrigins: readonly string[]
  readonly counts: DoorOptions['counts'] & { httpRequests: number }
  readonly slices: Slices
  readonly account: Account<Debtor>
  /** How long (ms) an address owes for work, and more work that it owes for, in frames. */
  readonly debtMs: (address: string) => number
  /** How many sessions of an address other processes of the relay have. */
  readonly elsewhereFrom: (address: string) => number
  readonly charge: (address: string, frames: number) => void
  /** @param isWelcome false: it is one too many of its address or in all, and to be told so */
  readonly onRequest: (
    request: IncomingMessage,
    response: ServerResponse,
    address: string,
    isWelcome: boolean,
    /** The answer goes on for as long as it is taken. */
    goesOn: () => void,
  ) => void
  /** @param before what came behind the request */
  readonly onConnection: (
    ws: WebSocket,
    socket: Duplex,
    facts: SocketFacts,
    before: Buffer | undefined,
  ) => void
  /** Told of a connection that is turned away. */
  readonly onRefused: (ws: WebSocket, reason: CloseName) => void
}

/** Pieces in which one frame may come over the wire, and frames that one message may be cut into. */
const maxBufferedChunks = 16_384
const maxFragments = 4_096

/** Time for a TLS handshake, and for the header of a request, counted from the connection or the end of the last answer. */
const maxGreetingMs = 10_000
/** Time for a whole request, with its body, unless whoever takes it says otherwise. */
const requestTimeoutMs = 30_000
/** Time without a byte in either direction. */
const silenceMs = 30_000
/** Time from a request to the last byte of its answer. */
const answerTimeoutMs = 60_000
/** Time to ask again on the same socket. */
const keepAliveTimeoutMs = 5_000
/** The same for a trusted proxy: longer than proxies keep connections (nginx: 60 s), so that none asks on one that is closed just then. */
const proxyKeepAliveTimeoutMs = 75_000
const timeoutCheckMs = 1_000

// Shared by all sockets, so that none carries listeners of its own for this.
function destroyIt(this: Duplex): void {
  this.destroy()
}
const ignoreIt = (): void => undefined
const nothing = Buffer.alloc(0)

export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server | TlsServer
  /** Whose sockets are the server's. */
  readonly #web: NetServer | undefined
  readonly #sockets: WebSocketServer
  readonly #addresses: Addresses
  readonly #door: Door
  /** By the socket that speaks HTTP: the one that was accepted, or the TLS on top of it. */
  readonly #callers = new Map<Duplex, Caller>()
  readonly #requests: Callers
  readonly #handshakes: Handshakes
  readonly #onClose: (this: Duplex) => void
  #stopped: Promise<void> | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#addresses = addressesOf(options)
    this.#door = new Door({
      maxSockets: options.maxConnections,
      maxPerAddress: options.maxConnectionsPerIp,
      elsewhereFrom: options.elsewhereFrom,
      counts: options.counts,
    })
    this.#requests = new Callers(options)
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxFrameBytes,
      maxBufferedChunks,
      maxFragments,
      // Pings are answered as frames are, so that the answers count.
      autoPong: false,
      perMessageDeflate: false,
      clientTracking: false,
      skipUTF8Validation: false,
    })
    const greetingMs = timerMs(Math.min(maxGreetingMs, options.identifyTimeoutMs))
    const deadlines = {
      headersTimeout: greetingMs,
      // Of each request by itself: a body may be told to take longer.
      requestTimeout: 0,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(timeoutCheckMs, greetingMs),
    }
    this.#server = options.cert === undefined
      ? createServer(deadlines)
      : createTlsServer({ ...this.#tls(), ...deadlines, handshakeTimeout: greetingMs })
    this.#server.timeout = silenceMs
    this.#web = options.webPort === undefined
      ? undefined
      : createNetServer({ allowHalfOpen: !this.isTls, noDelay: true }, socket => this.#server.emit('connection', socket))
    const listener = this
    this.#onClose = function(this: Duplex) {
      listener.#left(this)
    }
    this.#handshakes = new Handshakes({
      ...options,
      patienceMs: greetingMs,
      start: this.isTls ? takenListener(this.#server) : () => undefined,
    })
    this.#server.on('connection', (socket: Socket) => this.#accepted(socket))
    if (this.isTls) this.#server.on('secureConnection', (socket: Socket) => this.#secured(socket))
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#asked(request, response))
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head))
    // A client that resets while connecting must not take the relay with it.
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#unreadable(error, socket))
  }

  get isTls(): boolean {
    return this.#options.cert !== undefined
  }

  /** Gives the ports; undefined: there is no second one. */
  async listen(): Promise<{ readonly port: number, readonly webPort: number | undefined }> {
    const { port, webPort, isWebPortNeeded } = this.#options
    const opened = await this.#listenOn(this.#server, port)
    if (this.#web === undefined) return { port: opened, webPort: undefined }
    try {
      return { port: opened, webPort: await this.#listenOn(this.#web, webPort!) }
    } catch (error) {
      if (!isWebPortNeeded) return { port: opened, webPort: undefined }
      this.#server.close()
      throw error
    }
  }

  #listenOn(server: NetServer, port: number): Promise<number> {
    const { host } = this.#options
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenErrorOf(error, host, port)))
      server.listen({ host, port, backlog: 4_096 }, () => resolve((server.address() as AddressInfo).port))
    })
  }

  /** Reads the certificate files again; what they hold now serves the next connections. */
  reloadTls(): void {
    if (this.isTls) (this.#server as TlsServer).setSecureContext(this.#tls())
  }

  /** The connection has a session: it makes room for nobody any more. */
  settled(socket: Duplex): void {
    const caller = this.#callers.get(socket)
    if (caller !== undefined) this.#door.settles(caller.guest)
  }

  /** Takes no more connections, and ends those that ask nothing. Resolves when every open one, HTTP ones too, is gone. */
  stop(): Promise<void> {
    const closed = (server: NetServer | undefined) =>
      new Promise<void>(resolve => server?.listening === true ? server.close(() => resolve()) : resolve())
    this.#stopped ??= Promise.all([closed(this.#server), closed(this.#web)]).then(() => undefined)
    for (const { guest: { state, socket } } of this.#callers.values()) if (state === 'quiet') socket.destroy()
    return this.#stopped
  }

  /** Ends what is left. */
  cut(): void {
    for (const { guest: { socket } } of this.#callers.values()) socket.destroy()
  }

  #tls(): { cert: string, key: string } {
    const files = { cert: readPem('certificate', this.#options.cert!), key: readPem('key', this.#options.key!) }
    try {
      createSecureContext(files)
    } catch (error) {
      throw new ListenError(`The TLS certificate and its key cannot be used: ${(error as Error).message}`,
        'Give two PEM files that belong together with --cert and --key.', error)
    }
    return files
  }

  #accepted(socket: Socket): void {
    const { remoteAddress } = socket
    const address = this.#addresses.isProxy(remoteAddress) ? undefined : this.#addresses.ofPeer(remoteAddress)
    const guest = this.#door.enter(socket, address)
    if (guest === undefined) return
    const caller: Caller = {
      guest,
      socket,
      address: address ?? 'proxies',
      feed: undefined,
      request: undefined,
      next: undefined,
      isWaiting: false,
      bodyBytes: 0,
      aheadBytes: 0,
    }
    if (!this.isTls) return this.#calls(socket, caller)
    this.#callers.set(socket, caller)
    socket.on('close', this.#onClose)
    this.#handshakes.enter(caller, socket)
  }

  #secured(socket: Socket): void {
    const caller = this.#handshakes.leave(socket)
    if (caller === undefined || caller.guest.state === 'gone') socket.destroy()
    else this.#calls(socket, caller)
  }

  #calls(socket: Socket, caller: Caller): void {
    this.#callers.set(socket, caller)
    socket.on('close', this.#onClose)
    this.#requests.read(caller, socket)
  }

  #left(socket: Duplex): void {
    const caller = this.#callers.get(socket)
    if (caller === undefined) return
    this.#callers.delete(socket)
    this.#door.leaves(caller.guest)
  }

  #asked(request: IncomingMessage, response: ServerResponse): void {
    this.#options.counts.httpRequests++
    const caller = this.#nowOrNext(request.socket, () => this.#asked(request, response))
    if (caller === undefined) return
    const address = this.#addressOf(request)
    this.#requests.begins(caller, address, request)
    const isWelcome = this.#door.asks(caller.guest, address)
    const isKept = response.shouldKeepAlive && this.#addresses.isProxy(request.socket.remoteAddress)
    if (isKept) response.setHeader('keep-alive', `timeout=${proxyKeepAliveTimeoutMs / 1_000}`)
    const late = setTimeout(() => request.socket.destroy(), timerMs(answerTimeoutMs)).unref()
    const slow = setTimeout(() => {
      if (!request.complete) request.socket.destroy()
    }, timerMs(requestTimeoutMs)).unref()
    response.on('close', () => {
      clearTimeout(late)
      clearTimeout(slow)
      // It asks nothing more of a relay that stops; what it has not taken yet is still sent.
      if (this.#stopped !== undefined) return request.socket.destroySoon()
      // Behind what the server set for everybody; the next request sets it back.
      if (isKept) request.socket.setTimeout(timerMs(proxyKeepAliveTimeoutMs))
      this.#door.answered(caller.guest)
      this.#requests.answered(caller)
    })
    this.#options.onRequest(request, response, address, isWelcome, () => {
      clearTimeout(late)
      clearTimeout(slow)
    })
  }

  /**
   * Whose socket it is, if it can be answered now. What comes before the last answer was taken is dealt with after it, so that no
   * socket has many answers made at once; who asks a third time is not waited for.
   */
  #nowOrNext(socket: Duplex, again: () => void): Caller | undefined {
    const caller = this.#callers.get(socket)
    const state = caller?.guest.state
    if (state === 'quiet' && !socket.destroyed) return caller
    if (state === 'busy' && caller!.next === undefined) caller!.next = again
    else socket.destroy()
    return undefined
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!socket.listeners('error').includes(destroyIt)) socket.on('error', destroyIt)
    if (this.#stopped !== undefined) {
      socket.destroy()
      return
    }
    const caller = this.#nowOrNext(socket, () => this.#upgrade(request, socket, head))
    if (caller === undefined) return
    const { origin, host } = request.headers
    if (!isWelcomeOrigin(origin, host, this.#options.allowedOrigins)) return turnAway(socket)
    const facts = { address: this.#addressOf(request), host, headers: { host, origin, cookie: request.headers.cookie } }
    const before = this.#requests.upgrades(caller, facts.address, head)
    this.#sockets.handleUpgrade(request, socket, nothing, ws => this.#opened(ws, socket, caller.guest, facts, before))
  }

  /** What is no HTTP is told so, where it is not in the way of an answer. */
  #unreadable({ code }: NodeJS.ErrnoException, socket: Duplex): void {
    const isQuiet = this.#callers.get(socket)?.guest.state === 'quiet'
    if (!isQuiet || !socket.writable || code?.startsWith('HPE_') !== true) {
      socket.destroy()
      return
    }
    const status = code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy())
  }

  /** Apart from the upgrade, so that what listens to the socket does not keep its HTTP request for as long. */
  #opened(ws: WebSocket, socket: Duplex, guest: Guest, facts: SocketFacts, before: Buffer | undefined): void {
    ws.on('error', ignoreIt)
    if (!this.#door.opens(guest, facts.address)) {
      this.#options.onRefused(ws, 'TOO_MANY_CONNECTIONS')
      return
    }
    guest.onEvicted = () => {
      this.#options.onRefused(ws, 'TOO_MANY_CONNECTIONS')
      ws.terminate()
    }
    this.#options.onConnection(ws, socket, facts, before)
  }

  #addressOf(request: IncomingMessage): string {
    // Several headers of the name were joined by commas, in their order.
    return this.#addresses.ofRequest(request.socket.remoteAddress, request.headers['x-forwarded-for'] as string | undefined)
  }
}

/** What the server does with a socket that it accepted, and does no more unless asked. */
const takenListener = (server: Server | TlsServer): (socket: Socket) => void => {
  const [begin] = server.listeners('connection') as ((this: typeof server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  return socket => begin!.call(server, socket)
}

/** A page from elsewhere. */
const turnAway = (socket: Duplex): void => {
  const text = 'This relay takes no browser pages from other hosts; its operator can name yours in allowedOrigins\n'
  socket.end(
    `HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
    () => socket.destroy(),
  )
}

const addressesOf = ({ trustedProxies, ipv6PrefixBits }: ListenerOptions): Addresses => {
  try {
    return new Addresses(trustedProxies, ipv6PrefixBits)
  } catch (error) {
    if (!(error instanceof NotARange)) throw error
    throw new ListenError(`trustedProxies: ${error.message}`, 'Write addresses like 10.0.0.1 or ranges like 10.0.0.0/8.', error)
  }
}
