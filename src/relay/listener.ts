// The door: an HTTP(S) server that upgrades to WebSocket, counts connections per address, and closes in order.
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { WebSocketServer, type WebSocket } from 'ws'
import type { CloseName } from '../../lib/protocol/index.ts'
import { Addresses, NotARange } from './address.ts'

export interface ListenerOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** PEM files; both or neither. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly maxFrameBytes: number
  /** Open connections in all, and per address (0 = unlimited). */
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number
  /** Addresses or CIDR ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /** How much of an IPv6 address counts as the address. */
  readonly ipv6PrefixBits: number
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, address: string) => void
  readonly onConnection: (ws: WebSocket, socket: Duplex, facts: { readonly address: string, readonly host: string | undefined }) => void
  /** Told of a connection that was turned away. */
  readonly onRefused: (ws: WebSocket, reason: CloseName) => void
}

/** The relay cannot listen, and what to do about it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly hint: string

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}

/** Time for an HTTP request's header to arrive. */
const headersTimeoutMs = 10_000

// Shared by all sockets, so that none carries listeners of its own for this.
function destroyIt(this: Duplex): void {
  this.destroy()
}
const ignoreIt = (): void => undefined

export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server | TlsServer
  readonly #sockets: WebSocketServer
  readonly #addresses: Addresses
  readonly #perAddress = new Map<string, number>()
  #open = 0
  #stopped: Promise<void> | undefined

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#addresses = addressesOf(options)
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxFrameBytes,
      perMessageDeflate: false,
      clientTracking: false,
      skipUTF8Validation: false,
    })
    const onRequest = (request: IncomingMessage, response: ServerResponse) => options.onRequest(request, response, this.#addressOf(request))
    this.#server = options.cert === undefined
      ? createServer({ headersTimeout: headersTimeoutMs }, onRequest)
      : createTlsServer({ ...this.#tls(), headersTimeout: headersTimeoutMs }, onRequest)
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => this.#upgrade(request, socket, head))
    // A client that resets while connecting must not take the relay with it.
    this.#server.on('clientError', (_error, socket) => socket.destroy())
  }

  get isTls(): boolean {
    return this.#options.cert !== undefined
  }

  listen(): Promise<number> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenErrorOf(error, host, port)))
      this.#server.listen({ host, port, backlog: 4_096 }, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  /** Reads the certificate files again; what they hold now serves the next connections. */
  reloadTls(): void {
    if (this.isTls) (this.#server as TlsServer).setSecureContext(this.#tls())
  }

  /** Takes no more connections. Resolves when every open one, HTTP ones too, is gone. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise(resolve => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    return this.#stopped
  }

  #tls(): { cert: Buffer, key: Buffer } {
    const files = { cert: readPem('certificate', this.#options.cert!), key: readPem('key', this.#options.key!) }
    try {
      createSecureContext(files)
    } catch (error) {
      throw new ListenError(`The TLS certificate and its key cannot be used: ${(error as Error).message}`,
        'Give two PEM files that belong together with --cert and --key.', error)
    }
    return files
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', destroyIt)
    if (this.#stopped !== undefined) {
      socket.destroy()
      return
    }
    const facts = { address: this.#addressOf(request), host: request.headers.host }
    this.#sockets.handleUpgrade(request, socket, head, ws => this.#opened(ws, socket, facts))
  }

  /** Apart from the upgrade, so that what listens to the socket does not keep its HTTP request for as long. */
  #opened(ws: WebSocket, socket: Duplex, facts: { readonly address: string, readonly host: string | undefined }): void {
    ws.on('error', ignoreIt)
    const { address } = facts
    const { maxConnections, maxConnectionsPerIp } = this.#options
    const fromHere = this.#perAddress.get(address) ?? 0
    if (this.#open >= maxConnections || (maxConnectionsPerIp > 0 && fromHere >= maxConnectionsPerIp)) {
      this.#options.onRefused(ws, 'TOO_MANY_CONNECTIONS')
      return
    }
    this.#open++
    this.#perAddress.set(address, fromHere + 1)
    // Told once anyway; `once` would keep a wrapper per connection.
    ws.on('close', () => {
      this.#open--
      const left = this.#perAddress.get(address)! - 1
      if (left === 0) this.#perAddress.delete(address)
      else this.#perAddress.set(address, left)
    })
    this.#options.onConnection(ws, socket, facts)
  }

  #addressOf(request: IncomingMessage): string {
    // Several headers of the name were joined by commas, in their order.
    return this.#addresses.ofRequest(request.socket.remoteAddress, request.headers['x-forwarded-for'] as string | undefined)
  }
}

const addressesOf = ({ trustedProxies, ipv6PrefixBits }: ListenerOptions): Addresses => {
  try {
    return new Addresses(trustedProxies, ipv6PrefixBits)
  } catch (error) {
    if (!(error instanceof NotARange)) throw error
    throw new ListenError(`trustedProxies: ${error.message}`, 'Write addresses like 10.0.0.1 or ranges like 10.0.0.0/8.', error)
  }
}

const readPem = (what: string, file: string): Buffer => {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ListenError(`Cannot read the TLS ${what}: ${(error as Error).message}`,
      `Check the path given with --${what === 'key' ? 'key' : 'cert'} and that the relay may read it.`, error)
  }
}

const listenErrorOf = (error: NodeJS.ErrnoException, host: string, port: number): Error => {
  if (error.code === 'EADDRINUSE')
    return new ListenError(`Port ${port} on ${host} is taken`,
      `Is a relay running already? Otherwise choose another port: agentchat serve --port ${port + 1}`, error)
  if (error.code === 'EACCES')
    return new ListenError(`Not allowed to listen on port ${port}`, 'Ports below 1024 need privileges; choose another with --port.', error)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ListenError(`Cannot listen on ${host}`, 'Give an address of this machine with --host, or 0.0.0.0 for all of them.', error)
  return error
}
