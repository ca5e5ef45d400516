// MCP over HTTP, for whoever was let in: which era a request is of, and its answer. New era: nothing is kept. Older era: sealed sessions.
import type { McpHttpHandler, Server, ServerEvent, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import type { DoorVisit } from '../../relay/inside.ts'
import { bodyOf, problem, refuse, sendWeb, webRequest, type Cut } from './node-http.ts'
import { sealOf, Seals } from './sealed.ts'
import type { Sdk } from './server.ts'
import { Sessions, type EndedSessions } from './sessions.ts'

/** What serves one caller: servers of either era. */
export interface Serving {
  server(era: 'legacy' | 'modern'): Server
  /** Tells what changes, from now on; gives the function that ends it. */
  watch(listener: (event: ServerEvent) => void): () => void
  /** Whoever watches wants to be told of these, until the function that it gives is called. */
  want(uris: readonly string[]): () => void
}

export interface McpDoorOptions<C> {
  readonly sdk: Sdk
  /** One word for a caller: whose sessions are whose. */
  readonly nameOf: (caller: C) => string
  readonly serve: (caller: C) => Serving
  /** Whose request it is that the SDK is handed: servers outlive the call that made them, and its caller. */
  readonly asks?: (request: Request, caller: C) => void
  /** Calls once a caller who was let in may not be here any more, until the function that it gives is called. */
  readonly watch: (caller: C, ended: () => void) => () => void
  /** Seals session ids. */
  readonly secret: string
  /** The sessions of a caller that are over, wherever they were ended. */
  readonly ended: (caller: C) => EndedSessions
  /** ms since 1970 */
  readonly now: () => number
  readonly failed: (error: unknown) => string
}

interface LiveSession {
  readonly server: Server
  readonly transport: WebStandardStreamableHTTPServerTransport
}

/** A request, as the SDK is handed it. */
interface Asked {
  readonly web: Request
  readonly session: string | readonly string[] | undefined
  /** What its body says, where it is JSON. */
  readonly parsed: { readonly parsedBody?: unknown }
  /** Called when its answer is over. */
  readonly over: (end: () => void) => void
}

/** Answers the new era's requests of one caller. */
interface Handler {
  readonly calls: McpHttpHandler
  /** Has the streams on which somebody listens: they end before what was called is answered, where the relay stops. */
  readonly listens: McpHttpHandler
  /** Requests that it answers now. */
  busy: number
}

/** Callers whose handlers are kept, those used last. */
const maxHandlers = 1_000

/** Streams on which one caller may be told of changes. */
const maxSubscriptions = 8

const newEra = '2026-07-28'
const versionKey = 'io.modelcontextprotocol/protocolVersion'
const newEraMeta = { [versionKey]: newEra }

const listenMethod = 'subscriptions/listen'

const stopping = { status: 503, title: 'The relay stops: listen again when it is back' }
const notFound = { status: 404, title: 'There is no such session: begin a new one' }

export class McpDoor<C> {
  readonly #options: McpDoorOptions<C>
  readonly #seals: Seals
  readonly #sessions = new Sessions<LiveSession>(({ server }) => void server.close().catch(() => undefined))
  /** Those used last stand last. */
  readonly #handlers = new Map<string, Handler>()
  #isLeaving = false

  constructor(options: McpDoorOptions<C>) {
    this.#options = options
    this.#seals = new Seals(options.secret)
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  /** Asks for the tools as a caller would, so that what is made when it is first needed is there before anybody waits for it. */
  async warm(caller: C): Promise<void> {
    const { sdk, serve } = this.#options
    const handler = sdk.createMcpHandler(() => serve(caller).server('modern'), { legacy: 'reject' })
    const parsedBody = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: newEraMeta } }
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': newEra }
    const web = new Request('http://relay.invalid/mcp', { method: 'POST', headers })
    if (await sdk.isLegacyRequest(web, parsedBody)) throw new Error('the SDK takes a request of the new era for an older one')
    await (await handler.fetch(web, { parsedBody })).text()
    await handler.close()
  }

  sweep(now: number): void {
    this.#sessions.sweep(now)
  }

  /** The relay stops: streams end on which somebody only listens, and none begins. What is called is answered still. */
  leave(): void {
    this.#isLeaving = true
    for (const { transport } of this.#sessions.values()) transport.closeStandaloneSSEStream()
    for (const { listens } of this.#handlers.values()) void listens.close().catch(this.#options.failed)
  }

  async close(): Promise<void> {
    this.#sessions.close()
    await Promise.all([...this.#handlers.values()].flatMap(({ calls, listens }) => [calls.close(), listens.close()]))
    this.#handlers.clear()
  }

  /** Answers a request of somebody who was let in. */
  async handle({ request, response, owe, goesOn }: DoorVisit, caller: C): Promise<void> {
    const method = request.method ?? ''
    if (!['POST', 'GET', 'DELETE'].includes(method))
      return refuse(request, response, { status: 405, title: 'POST, GET or DELETE' }, { allow: 'POST, GET, DELETE' })
    const body = method === 'POST' ? await bodyOf(request, owe) : undefined
    if (typeof body === 'object') return problem(response, body, { connection: 'close' })
    const message = body === undefined ? undefined : messageOf(body)
    // Thousands of calls in one request would be one call to whoever counts.
    if (Array.isArray(message)) return problem(response, { status: 400, title: 'One message in each POST: batches are not taken' })
    // A call may wait, and a stream goes on.
    goesOn()
    const { watch, nameOf, sdk, asks } = this.#options
    const over: (() => void)[] = [watch(caller, () => void response.destroy())]
    try {
      const session = request.headers['mcp-session-id']
      // It is read once, here: the SDK is handed what it says.
      const web = webRequest(request, response, message === undefined ? body : undefined)
      asks?.(web, caller)
      const asked: Asked = { web, session, parsed: message === undefined ? {} : { parsedBody: message }, over: end => over.push(end) }
      // Whatever claims the new era is not taken for the older one: the SDK need not look twice.
      const isOld = method !== 'POST' || (!claimsNewEra(message) && await sdk.isLegacyRequest(web, message))
      const answer = await (isOld ? this.#older : this.#newer).call(this, asked, caller, nameOf(caller))
      if ('title' in answer) return problem(response, answer)
      // It was asked for before, and began too late to end with the others.
      if (this.#isLeaving && (method === 'GET' || methodOf(message) === listenMethod)) {
        void answer.body?.cancel().catch(() => undefined)
        return problem(response, stopping)
      }
      await sendWeb(answer, response)
    } finally {
      for (const end of over) end()
    }
  }

  /** The older era: known and alive, else genuine and served without a session, else not there. */
  async #older({ web, session, parsed }: Asked, caller: C, name: string): Promise<Response | Cut> {
    const { now, sdk, serve, ended } = this.#options
    if (typeof session === 'string') {
      if (!this.#seals.isGenuine(session, name)) return notFound
      if (await ended(caller).has(sealOf(session))) {
        this.#sessions.drop(session)
        return notFound
      }
      if (web.method === 'DELETE') {
        await ended(caller).add(sealOf(session))
        this.#sessions.drop(session)
        return new Response(null, { status: 200 })
      }
      const live = this.#sessions.use(session, name, now())
      if (live !== undefined) return live.transport.handleRequest(web, parsed)
    }
    if (web.method !== 'POST') return { status: 405, title: 'There is no stream here to read: POST' }
    if (session === undefined && sdk.isInitializeRequest(parsed.parsedBody)) return this.#begin(web, parsed, caller, name)
    return sdk.legacyStatelessFallback(() => serve(caller).server('legacy'))(web, parsed)
  }

  async #begin(web: Request, parsed: Asked['parsed'], caller: C, name: string): Promise<Response> {
    const { now, sdk, serve } = this.#options
    const server = serve(caller).server('legacy')
    const transport = new sdk.WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.#seals.make(name),
      onsessioninitialized: id => this.#sessions.add(id, name, { server, transport }, now()),
    })
    await server.connect(transport)
    return transport.handleRequest(web, parsed)
  }

  /** The new era: nothing is kept but who listens. */
  async #newer({ web, parsed, over }: Asked, caller: C, name: string): Promise<Response | Cut> {
    const isListening = methodOf(parsed.parsedBody) === listenMethod
    if (isListening && this.#isLeaving) return stopping
    const handler = this.#handler(caller, name)
    if (handler === undefined) return { status: 503, title: 'Too many agents ask at once' }
    handler.busy++
    over(() => handler.busy--)
    over(this.#options.serve(caller).want(wantedBy(parsed.parsedBody)))
    return (isListening ? handler.listens : handler.calls).fetch(web, parsed)
  }

  /** undefined: so many others' are in use. */
  #handler(caller: C, name: string): Handler | undefined {
    let handler = this.#handlers.get(name)
    this.#handlers.delete(name)
    if (handler === undefined) {
      const { sdk, serve, failed } = this.#options
      if (this.#handlers.size >= maxHandlers) {
        const idle = [...this.#handlers].find(([, { busy }]) => busy === 0)
        if (idle === undefined) return undefined
        this.#handlers.delete(idle[0])
        void Promise.all([idle[1].calls.close(), idle[1].listens.close()]).catch(failed)
      }
      const serving = serve(caller)
      const server = () => serving.server('modern')
      handler = {
        calls: sdk.createMcpHandler(server, { legacy: 'reject' }),
        listens: sdk.createMcpHandler(server, {
          legacy: 'reject',
          maxSubscriptions,
          // Each caller has a bus of its own: what changes for one is no other's matter.
          bus: { publish: () => undefined, subscribe: listener => serving.watch(listener) },
        }),
        busy: 0,
      }
    }
    this.#handlers.set(name, handler)
    return handler
  }
}

/** undefined: it is no JSON, which the SDK answers. */
const messageOf = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const claimsNewEra = (message: unknown): boolean => {
  const { params } = (message ?? {}) as { readonly params?: { readonly _meta?: unknown } | null }
  const meta = params?._meta
  return typeof meta === 'object' && meta !== null && versionKey in meta
}

const methodOf = (message: unknown): unknown => ((message ?? {}) as { readonly method?: unknown }).method

/** The resources that a request wants to be told of. */
const wantedBy = (message: unknown): readonly string[] => {
  const { params } = (message ?? {}) as { readonly params?: Readonly<Record<string, unknown>> }
  if (methodOf(message) !== listenMethod) return []
  const { resourceSubscriptions } = (params?.['notifications'] ?? {}) as { readonly resourceSubscriptions?: unknown }
  return Array.isArray(resourceSubscriptions) ? resourceSubscriptions.filter(uri => typeof uri === 'string') : []
}
