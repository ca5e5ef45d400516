// The MCP door as the relay mounts it: at /mcp, on the relay's own port. The SDK is loaded before that opens, or for the first who asks.
import type { DoorVisit, HttpDoor, Inside } from '../../relay/inside.ts'
import { version } from '../../base/version.ts'
import { Bucket } from '../../relay/bucket.ts'
import { toolsDoor, type Admitted } from './door.ts'
import { Fixtures } from './fixtures.ts'
import { McpDoor } from './http.ts'
import { isLoopbackHost } from './loopback.ts'
import { problem, type Refused } from './node-http.ts'
import { loadSdk, sdkInstall } from './server.ts'

export interface McpMountOptions {
  /** Once the relay is there. */
  readonly inside: () => Inside
  /** Who comes, by the token that a visit brings. @throws Refused */
  readonly admit: (visit: DoorVisit) => Promise<Admitted>
  /** Whether a page of this origin, at this host, may ask. */
  readonly isWelcome: (origin: string | undefined, host: string | undefined) => boolean
  /** The listener is one of this machine alone: a Host that is another is none of its. */
  readonly isLoopback: boolean
  /** What the conformance suite asks for, at /mcp-conformance, for everybody: on the loopback alone. */
  readonly fixtures: boolean
  readonly secret: string
  readonly maxWaitMs: number
  readonly serverName: string
  /** ms since 1970 */
  readonly now: () => number
  readonly failed: (error: unknown) => string
}

/** What all callers together may ask in a second, and one of them; and how much at once. */
const ofAll = { perSecond: 50, burst: 200 }
const ofOne = { perSecond: 2, burst: 30 }
const maxPaced = 10_000
const sweepMs = 60_000
/** A call takes as long as so many frames do. */
const callFrames = 40

interface Doors {
  readonly tools: McpDoor<Admitted>
  readonly suite: McpDoor<'suite'> | undefined
}

export class McpMount implements HttpDoor {
  readonly #options: McpMountOptions
  readonly #paces = new Map<string, Bucket>()
  readonly #all: Bucket
  #doors: Promise<Doors | undefined> | undefined
  #sweptAt = 0

  constructor(options: McpMountOptions) {
    this.#options = options
    this.#all = new Bucket(ofAll, options.now())
  }

  takes(path: string): boolean {
    return path === '/mcp' || path === '/mcp/server-card' || (path === '/mcp-conformance' && this.#options.fixtures) || isOauth(path)
  }

  answer(visit: DoorVisit): void {
    this.#answer(visit).catch((error: unknown) => {
      const title = `The relay has a fault (incident ${this.#options.failed(error)})`
      if (visit.response.headersSent) visit.response.destroy()
      else problem(visit.response, { status: 500, title })
    })
  }

  /** Loads the SDK and tries it once, which takes a while that nobody else is answered in. Without it the door says how it is installed. */
  async load(): Promise<void> {
    const doors = await (this.#doors ??= this.#open())
    await doors?.tools.warm({ caller: { agent: 'nobody', via: 'mcp', address: '' }, token: '', lacks: () => 'talk' })
  }

  /** Ends every stream; what comes after it finds a relay that stops. */
  async close(): Promise<void> {
    const doors = await this.#doors
    await Promise.all([doors?.tools.close(), doors?.suite?.close()])
  }

  async #answer(visit: DoorVisit): Promise<void> {
    const { request, response, path, isWelcome, isBanned, charge } = visit
    const { isLoopback } = this.#options
    const close = { connection: 'close' }
    if (!isWelcome)
      return problem(response, { status: 429, title: 'Too many connections of this address, or in all' }, { ...close, 'retry-after': '5' })
    if (isBanned) return problem(response, { status: 403, title: 'Your address is banned from this relay' }, close)
    // Whatever a client expects of an authorization server, there is none: it must not take an answer for one.
    if (isOauth(path))
      return problem(response, { status: 404, title: 'There is no authorization server here: bring a token (agentchat token create)' })
    if (path === '/mcp/server-card') return this.#card(visit)
    charge(callFrames)
    if (isLoopback && !isLoopbackHost(request.headers.host))
      return problem(response, { status: 403, title: 'This relay is reached as localhost alone' }, close)
    const doors = await (this.#doors ??= this.#open())
    if (path === '/mcp-conformance') return doors?.suite?.handle(visit)
    if (doors === undefined)
      return problem(response, { status: 501, title: `The package of MCP is not installed at this relay: ${sdkInstall}` }, close)
    this.#sweep(doors)
    await doors.tools.handle(visit)
  }

  async #open(): Promise<Doors | undefined> {
    const { inside, admit, isWelcome, fixtures, secret, maxWaitMs, now, failed } = this.#options
    const sdk = await loadSdk()
    if (sdk === undefined) return undefined
    const both = { isWelcome, secret, now, failed }
    const authenticate = async (visit: DoorVisit): Promise<Admitted> => {
      const admitted = await admit(visit)
      const waitMs = this.#wait(admitted.token)
      if (waitMs > 0)
        throw { status: 429, title: 'Too many MCP calls', headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) } } satisfies Refused
      return admitted
    }
    const suite = new Fixtures(sdk, secret)
    return {
      tools: toolsDoor(sdk, { ...both, authenticate, inside: inside(), maxWaitMs }),
      suite: fixtures
        ? new McpDoor({ ...both, sdk, authenticate: () => Promise.resolve('suite'), nameOf: () => 'suite', serve: () => suite })
        : undefined,
    }
  }

  /** Of all that is there: what it is called, where it is, and how one comes in. */
  #card({ request, response }: DoorVisit): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') return problem(response, { status: 405, title: 'GET' }, { allow: 'GET' })
    const body = JSON.stringify({
      name: 'agentchat',
      title: this.#options.serverName,
      version,
      description: 'Talk with other agents, find them by skill, hire them.',
      protocol_versions: ['2026-07-28', '2025-11-25'],
      remotes: [{ type: 'streamable-http', url: '/mcp', authentication: 'bearer' }],
    })
    response.writeHead(200, {
      'content-type': 'application/mcp-server-card+json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'public, max-age=3600',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  /** ms that a token has to wait; 0: it may ask, and that was counted. */
  #wait(token: string): number {
    const now = this.#options.now()
    const pace = this.#paces.get(token) ?? new Bucket(ofOne, now)
    this.#paces.delete(token)
    if (this.#paces.size >= maxPaced) this.#paces.delete(this.#paces.keys().next().value!)
    this.#paces.set(token, pace)
    return pace.take(now) || this.#all.take(now)
  }

  #sweep({ tools, suite }: Doors): void {
    const now = this.#options.now()
    if (now - this.#sweptAt < sweepMs) return
    this.#sweptAt = now
    tools.sweep(now)
    suite?.sweep(now)
  }
}

const isOauth = (path: string): boolean =>
  /^\/\.well-known\/(?:oauth-authorization-server|oauth-protected-resource|openid-configuration)(?:\/|$)/.test(path)
