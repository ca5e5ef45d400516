// The MCP door as the relay mounts it: at /mcp, on the relay's own port. The SDK is loaded before that opens, or for the first who asks.
import { timerMs } from '../../../lib/protocol/timer.ts'
import { socketsSpent, type DoorVisit, type HttpDoor, type Inside } from '../../relay/inside.ts'
import { Bucket, Buckets, sharedBuckets } from '../../relay/bucket.ts'
import { serverCard } from './card.ts'
import { toolsDoor, type Admitted } from './door.ts'
import { Fixtures } from './fixtures.ts'
import { Gate } from './gate.ts'
import { McpDoor } from './http.ts'
import { isLoopbackHost } from './loopback.ts'
import { problem, tooMany, type Refused } from './node-http.ts'
import { loadSdk, sdkInstall } from './server.ts'
import { EndedHere } from './sessions.ts'
import type { TokenMemoryOptions } from './token-memory.ts'

export interface McpMountOptions extends Omit<TokenMemoryOptions, 'closing'> {
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
  readonly maxWaitMs: number
  readonly serverName: string
  /** Where the relay is reached, like wss://relay.example; none where it does not know. */
  readonly urls: () => readonly string[]
  /** ms since 1970 */
  readonly now: () => number
  readonly failed: (error: unknown) => string
}

/** What all callers together may ask in a second, those of one address, and one of them; and how much at once. */
const ofAll = { perSecond: 50, burst: 200 }
const ofAddress = { perSecond: 20, burst: 150 }
const ofOne = { perSecond: 2, burst: 30 }
/** So many callers and addresses are remembered, of each, before those that have all of theirs again are forgotten. */
const maxPaced = 10_000
const sweepMs = 60_000
/** A call takes as long as so many frames do. */
const callFrames = 40

const suitePath = '/mcp-conformance'
const cardPath = '/mcp/server-card'

interface Doors {
  readonly tools: McpDoor<Admitted>
  readonly suite: McpDoor<'suite'> | undefined
}

export class McpMount implements HttpDoor {
  readonly #options: McpMountOptions
  readonly #tokens = new Buckets(ofOne)
  readonly #addresses = new Buckets(ofAddress)
  readonly shared = { 'MCP tokens': sharedBuckets(this.#tokens), 'MCP addresses': sharedBuckets(this.#addresses) }
  readonly #all: Bucket
  readonly #gate: Gate<Admitted>
  readonly #openGate: Gate<'suite'>
  readonly #closing = new AbortController()
  #doors: Promise<Doors | undefined> | undefined
  #sweeper: NodeJS.Timeout | undefined

  constructor(options: McpMountOptions) {
    this.#options = options
    this.#all = new Bucket(ofAll, options.now())
    this.#gate = new Gate({ ...options, authenticate: visit => this.#admit(visit) })
    this.#openGate = new Gate({ ...options, authenticate: () => Promise.resolve('suite') })
  }

  takes(path: string): boolean {
    return path === '/mcp' || path === cardPath || (path === suitePath && this.#options.fixtures) || isOauth(path)
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
    const nobody = { agent: 'nobody', via: 'mcp', address: '' } as const
    const watch = () => () => undefined
    await (await this.#opened())?.tools.warm({ caller: nobody, token: '', lacks: () => 'talk', isStructured: false, watch })
  }

  leave(): void {
    void this.#doors?.catch(() => undefined).then(doors => {
      doors?.tools.leave()
      doors?.suite?.leave()
    })
  }

  /** Ends what is left, once the relay has stopped: calls that are under way are cut. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.#closing.abort()
    const doors = await this.#doors?.catch(() => undefined)
    await Promise.all([doors?.tools.close(), doors?.suite?.close()])
  }

  async #answer(visit: DoorVisit): Promise<void> {
    const { request, response, path, isWelcome, isBanned, charge } = visit
    const { isLoopback } = this.#options
    const close = { connection: 'close' }
    if (!isWelcome) return problem(response, { status: 429, title: socketsSpent }, { ...close, 'retry-after': '5' })
    if (isBanned) return problem(response, { status: 403, title: 'Your address is banned from this relay' }, close)
    const waitMs = path === '/mcp' || path === suitePath ? 0 : visit.pace()
    if (waitMs > 0) return problem(response, tooMany, { ...close, 'retry-after': String(Math.ceil(waitMs / 1_000)) })
    // Whatever a client expects of an authorization server, there is none: it must not take an answer for one.
    if (isOauth(path))
      return problem(response, { status: 404, title: 'There is no authorization server here: bring a token (agentchat token create)' })
    if (path === cardPath) return this.#card(visit)
    charge(callFrames)
    if (isLoopback && !isLoopbackHost(request.headers.host))
      return problem(response, { status: 403, title: 'This relay is reached as localhost alone' }, close)
    const missing = () =>
      problem(response, { status: 501, title: `The package of MCP is not installed at this relay: ${sdkInstall}` }, close)
    if (path === suitePath)
      return this.#openGate.pass(visit, async caller => (await this.#opened())?.suite?.handle(visit, caller) ?? missing())
    await this.#gate.pass(visit, async caller => (await this.#opened())?.tools.handle(visit, caller) ?? missing())
  }

  /** What went wrong with it is tried again by whoever asks next. */
  #opened(): Promise<Doors | undefined> {
    this.#doors ??= this.#open().catch((error: unknown) => {
      this.#doors = undefined
      throw error
    })
    return this.#doors
  }

  async #open(): Promise<Doors | undefined> {
    const { inside, store, incarnation, fixtures, secret, maxWaitMs, now, failed } = this.#options
    const sdk = await loadSdk()
    if (sdk === undefined) return undefined
    const both = { sdk, secret, now, failed }
    const suite = new Fixtures(sdk, secret)
    const ended = new EndedHere()
    const doors = {
      tools: toolsDoor({ ...both, inside: inside(), store, incarnation, maxWaitMs, closing: this.#closing.signal }),
      suite: fixtures
        ? new McpDoor({ ...both, nameOf: () => 'suite', watch: () => () => undefined, ended: () => ended, serve: () => suite })
        : undefined,
    }
    this.#sweeper = setInterval(() => {
      doors.tools.sweep(now())
      doors.suite?.sweep(now())
    }, timerMs(sweepMs)).unref()
    return doors
  }

  /** @throws Refused */
  async #admit(visit: DoorVisit): Promise<Admitted> {
    const admitted = await this.#options.admit(visit)
    const waitMs = this.#wait(admitted)
    if (waitMs > 0)
      throw { status: 429, title: 'Too many MCP calls', headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) } } satisfies Refused
    return admitted
  }

  /** What everybody may read: what the door is called, where it is, and how one comes in. */
  #card({ request, response }: DoorVisit): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') return problem(response, { status: 405, title: 'GET' }, { allow: 'GET' })
    const { urls, serverName } = this.#options
    const [own] = urls()
    // Where the relay was not told its own name, it is what whoever asks calls it: for them alone.
    const base = own?.replace(/^ws/, 'http').replace(/\/$/, '') ?? `http://${hostOf(request.headers.host)}`
    const { type, body } = serverCard({ title: serverName, base })
    response.writeHead(200, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': own === undefined ? 'no-store' : 'public, max-age=3600',
      'access-control-allow-origin': '*',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  /** ms that a caller has to wait; 0: they may ask, and that was counted. */
  #wait({ token, caller: { address } }: Admitted): number {
    const now = this.#options.now()
    for (const buckets of [this.#tokens, this.#addresses]) if (buckets.size >= maxPaced) buckets.sweep(now)
    return this.#tokens.take(token, now) || this.#addresses.take(address, now) || this.#all.take(now)
  }
}

/** A Host header that can stand in a URL. */
const hostOf = (host = ''): string => /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host) ? host : 'localhost'

const isOauth = (path: string): boolean =>
  /^\/\.well-known\/(?:oauth-authorization-server|oauth-protected-resource|openid-configuration)(?:\/|$)/.test(path)
