// MCP over HTTP, at one path: who may come in, which era a request is of, and its answer. New era: nothing is kept. Older era: sealed sessions.
import type { McpHttpHandler, Server, ServerEvent, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DoorVisit } from '../../relay/inside.ts'
import { bodyOf, goneSignal, isRefused, problem, sendWeb, webRequest } from './node-http.ts'
import { Seals } from './sealed.ts'
import type { Sdk } from './server.ts'
import { Sessions } from './sessions.ts'

/** What serves one caller: servers of either era. */
export interface Serving {
  server(era: 'legacy' | 'modern'): Server
  /** Tells what changes, from now on; gives the function that ends it. */
  watch(listener: (event: ServerEvent) => void): () => void
}

export interface McpDoorOptions<C> {
  readonly sdk: Sdk
  /** Who comes. @throws Refused */
  readonly authenticate: (visit: DoorVisit) => Promise<C>
  /** One word for a caller: whose sessions are whose. */
  readonly nameOf: (caller: C) => string
  readonly serve: (caller: C) => Serving
  /** Whether a page of this origin, at this host, may ask; without an origin it is no page. */
  readonly isWelcome: (origin: string | undefined, host: string | undefined) => boolean
  /** Seals session ids. */
  readonly secret: string
  /** ms since 1970 */
  readonly now: () => number
  readonly failed: (error: unknown) => string
}

interface LiveSession {
  readonly server: Server
  readonly transport: WebStandardStreamableHTTPServerTransport
}

/** Callers whose handlers are kept, those used last. */
const maxHandlers = 1_000

/** Streams on which one caller may be told of changes. */
const maxSubscriptions = 8

const newEra = '2026-07-28'
const newEraMeta = { 'io.modelcontextprotocol/protocolVersion': newEra }

const notFound = { status: 404, title: 'There is no such session: begin a new one' }

export class McpDoor<C> {
  readonly #options: McpDoorOptions<C>
  readonly #seals: Seals
  readonly #sessions = new Sessions<LiveSession>(({ server }) => void server.close().catch(() => undefined))
  readonly #handlers = new Map<string, McpHttpHandler>()

  constructor(options: McpDoorOptions<C>) {
    this.#options = options
    this.#seals = new Seals(options.secret)
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** Answers a request; never throws. */
  async handle(visit: DoorVisit): Promise<void> {
    const { request, response } = visit
    try {
      await this.#handle(visit)
    } catch (error) {
      if (isRefused(error)) return refuse(request, response, error, error.headers)
      const incident = this.#options.failed(error)
      if (response.headersSent) response.destroy()
      else problem(response, { status: 500, title: `Something went wrong here (incident ${incident})` })
    }
  }

  /** Asks for the tools as a caller would, so that what is made when it is first needed is there before anybody waits for it. */
  async warm(caller: C): Promise<void> {
    const { sdk, serve } = this.#options
    const handler = sdk.createMcpHandler(() => serve(caller).server('modern'), { legacy: 'reject' })
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: newEraMeta } }
    const web = new Request('http://relay.invalid/mcp', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': newEra },
      body: JSON.stringify(body),
    })
    if (await sdk.isLegacyRequest(web.clone())) throw new Error('the SDK takes a request of the new era for an older one')
    await (await handler.fetch(web)).text()
    await handler.close()
  }

  sweep(now: number): void {
    this.#sessions.sweep(now)
  }

  async close(): Promise<void> {
    this.#sessions.close()
    await Promise.all([...this.#handlers.values()].map(handler => handler.close()))
    this.#handlers.clear()
  }

  async #handle(visit: DoorVisit): Promise<void> {
    const { request, response, owe, goesOn } = visit
    const { authenticate, isWelcome, nameOf, sdk } = this.#options
    const { origin, host } = request.headers
    if (!isWelcome(origin, host))
      return refuse(request, response, { status: 403, title: 'Pages of this origin may not ask here (allowedOrigins)' })
    const caller = await authenticate(visit)
    const method = request.method ?? ''
    if (!['POST', 'GET', 'DELETE'].includes(method))
      return refuse(request, response, { status: 405, title: 'POST, GET or DELETE' }, { allow: 'POST, GET, DELETE' })
    const body = method === 'POST' ? await bodyOf(request, owe) : undefined
    if (typeof body === 'object') return problem(response, body, { connection: 'close' })
    // A call may wait, and a stream goes on.
    goesOn()
    const signal = goneSignal(response)
    const web = webRequest(request, body, signal)
    const isOld = method !== 'POST' || await sdk.isLegacyRequest(web.clone())
    const answer = isOld
      ? await this.#older(request, body, signal, { caller, name: nameOf(caller) })
      : await this.#handler(caller, nameOf(caller)).fetch(web)
    if ('title' in answer) return problem(response, answer)
    await sendWeb(answer, response)
  }

  /** The older era: known and alive, else genuine and served without a session, else not there. */
  async #older(
    request: IncomingMessage,
    body: string | undefined,
    signal: AbortSignal,
    { caller, name }: { readonly caller: C, readonly name: string },
  ) {
    const { now, sdk, serve } = this.#options
    const session = request.headers['mcp-session-id']
    const web = webRequest(request, body, signal)
    if (typeof session === 'string') {
      if (this.#sessions.isEnded(session) || !this.#seals.isGenuine(session, name)) return notFound
      const live = this.#sessions.use(session, name, now())
      if (live !== undefined) return live.transport.handleRequest(web)
      if (request.method === 'DELETE') {
        this.#sessions.end(session)
        return new Response(null, { status: 200 })
      }
    }
    if (request.method !== 'POST') return { status: 405, title: 'There is no stream here to read: POST' }
    if (session === undefined && isInitialize(sdk, body!)) return this.#begin(web, caller, name)
    const bare = webRequest(request, body, signal, ['mcp-session-id'])
    return sdk.legacyStatelessFallback(() => serve(caller).server('legacy'))(bare)
  }

  async #begin(web: Request, caller: C, name: string): Promise<Response> {
    const { now, sdk, serve } = this.#options
    const server = serve(caller).server('legacy')
    const transport = new sdk.WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.#seals.make(name),
      onsessioninitialized: id => this.#sessions.add(id, name, { server, transport }, now()),
      onsessionclosed: id => this.#sessions.end(id),
    })
    await server.connect(transport)
    return transport.handleRequest(web)
  }

  #handler(caller: C, name: string): McpHttpHandler {
    let handler = this.#handlers.get(name)
    this.#handlers.delete(name)
    if (handler === undefined) {
      const { sdk, serve, failed } = this.#options
      if (this.#handlers.size >= maxHandlers) {
        const [oldest, other] = this.#handlers.entries().next().value!
        this.#handlers.delete(oldest)
        void other.close().catch(failed)
      }
      const serving = serve(caller)
      handler = sdk.createMcpHandler(() => serving.server('modern'), {
        legacy: 'reject',
        maxSubscriptions,
        // Each caller has a bus of its own: what changes for one is no other's matter.
        bus: { publish: () => undefined, subscribe: listener => serving.watch(listener) },
      })
    }
    this.#handlers.set(name, handler)
    return handler
  }
}

const isInitialize = (sdk: Sdk, body: string): boolean => {
  try {
    const message = JSON.parse(body) as unknown
    return Array.isArray(message) ? message.some(each => sdk.isInitializeRequest(each)) : sdk.isInitializeRequest(message)
  } catch {
    return false
  }
}

/** Says no before the body was read: what comes of it is not waited for. */
const refuse = (
  request: IncomingMessage,
  response: ServerResponse,
  cut: { readonly status: number, readonly title: string },
  headers: Readonly<Record<string, string>> = {},
): void => {
  const hasBody = 'transfer-encoding' in request.headers || Number(request.headers['content-length'] ?? 0) > 0
  problem(response, cut, { ...headers, ...(hasBody && { connection: 'close' }) })
}
