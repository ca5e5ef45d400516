// THE HTTP DOOR: a request of HTTP becomes a request of the protocol, and the frame that answers it the answer.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { PROTOCOL, requests, timerMs, type Frame, type RequestType, type TokenScope } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Answer, DoorVisit, HttpDoor, Inside } from '../../relay/inside.ts'
import type { Store } from '../../store/store.ts'
import { Bearers, type Bearer } from './bearer.ts'
import { readJson } from './body.ts'
import { openapi } from './openapi.ts'
import { meaningOf, Problem, problemOf } from './problem.ts'
import { channelOf, resourceAt, type Found } from './resources.ts'
import { needs } from './scopes.ts'
import { Streams, type Wanted } from './streams.ts'
import { isSigned, Signers, type Signer, type SignersOptions } from './signed.ts'

export interface HttpDoorOptions extends Pick<SignersOptions, 'verify' | 'isOwnHost'> {
  readonly inside: () => Inside
  readonly store: Pick<Store, 'read' | 'write' | 'epoch'>
  readonly clock: Clock
  readonly log: Logger
  readonly serverName: string
  readonly serverId: string
  readonly version: string
  readonly maxFrameBytes: number
  readonly random: () => number
}

/** Sent with every answer: no cookie exists, so that a page elsewhere has nothing to ride on. */
const everywhere = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, Link, ETag, Location, Idempotency-Replayed',
  'cache-control': 'no-store',
}
const preflight = {
  ...everywhere,
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Signature, Signature-Input, Content-Digest',
  'access-control-max-age': '86400',
}

type Headers = Readonly<Record<string, string>>
type Fields = Readonly<Record<string, unknown>>

export class Http implements HttpDoor {
  readonly #options: HttpDoorOptions
  readonly #bearers: Bearers
  readonly #streams: Streams
  readonly #signers: Signers
  readonly #openapi: () => { readonly text: string, readonly etag: string }

  constructor(options: HttpDoorOptions) {
    this.#options = options
    this.#bearers = new Bearers({ ...options, via: 'http' })
    this.#streams = new Streams({ ...options, bearers: this.#bearers, askerOf: visit => this.#askerOf(visit), headers: everywhere })
    this.#signers = new Signers(options)
    // Made when somebody asks for it first.
    let made: { readonly text: string, readonly etag: string } | undefined
    this.#openapi = () => {
      if (made !== undefined) return made
      const text = JSON.stringify(openapi(options.version))
      return made = { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
    }
  }

  takes(path: string): boolean {
    return path === '/v1' || path.startsWith('/v1/')
  }

  answer(visit: DoorVisit): void {
    this.#answer(visit).catch((error: unknown) => {
      let problem = problemOf(error)
      if (problem === undefined) {
        this.#options.log.error({ err: error, path: visit.path.slice(0, 200) }, 'the HTTP door failed')
        problem = new Problem('INTERNAL', 'The relay has a fault; its log says more')
      }
      refuse(visit, problem)
    })
  }

  async #answer(visit: DoorVisit): Promise<void> {
    const { request, response, path } = visit
    const method = request.method === 'HEAD' ? 'GET' : request.method ?? 'GET'
    if (!visit.isWelcome)
      throw new Problem('RATE_LIMITED', 'Too many connections of this address, or in all', { connection: 'close' }, crowdedMs)
    if (visit.isBanned) throw new Problem('BANNED', 'Your address is banned from this relay')
    if (method === 'OPTIONS') {
      response.writeHead(204, preflight).end()
      return
    }
    if (this.#answerOpenly(visit, method)) return
    visit.charge(this.#isStream(path) ? streamFrames : callFrames)
    const call = /^\/v1\/call\/([A-Z_]{1,40})$/.exec(path)?.[1]
    if (call !== undefined) {
      if (method !== 'POST') throw notAllowed(['POST'])
      if (!Object.hasOwn(requests, call)) throw new Problem('NOT_FOUND', `There is no request ${call}`)
      const bearer = await this.#askerOf(visit)
      return this.#send(visit, 200, await this.#ask(visit, bearer, call as RequestType, await this.#bodyOf(visit, bearer)), {})
    }
    if (this.#isStream(path)) {
      if (request.method !== 'GET') throw notAllowed(['GET'])
      const bearer = await this.#streams.bearerOf(visit)
      mayBy(bearer, 'read', 'An event stream')
      return this.#streams.follow(visit, bearer, wantedOf(visit))
    }
    if (path === '/v1/events/tickets') {
      if (method !== 'POST') throw notAllowed(['POST'])
      const bearer = await this.#askerOf(visit)
      mayBy(bearer, 'read', 'An event stream')
      return send(visit, 201, JSON.stringify(this.#streams.ticketFor(bearer)))
    }
    if (path === '/v1/inbox') {
      if (method !== 'GET') throw notAllowed(['GET'])
      return this.#answerInbox(visit, await this.#askerOf(visit))
    }
    const found = resourceAt(method, path)
    if (found === undefined) throw new Problem('NOT_FOUND', 'There is nothing here: see /v1/openapi.json')
    if ('length' in found) throw notAllowed(found)
    return this.#answerResource(visit, found, await this.#askerOf(visit))
  }

  /** By its token, or by its key. @throws Problem */
  #askerOf(visit: DoorVisit): Promise<Bearer | Signer> {
    return isSigned(visit.request) ? this.#signers.of(visit) : this.#bearers.of(visit)
  }

  #bodyOf(visit: DoorVisit, bearer: Bearer | Signer): Promise<Fields> {
    return readJson(visit, this.#options.maxFrameBytes, 'checkBody' in bearer ? bytes => bearer.checkBody(bytes) : undefined)
  }

  /** What anybody may ask. True: it was. */
  #answerOpenly(visit: DoorVisit, method: string): boolean {
    const { path } = visit
    const { serverName, serverId, version, store, maxFrameBytes } = this.#options
    const error = /^\/v1\/errors\/([A-Z_]{1,40})$/.exec(path)?.[1]
    const isOpen = path === '/v1' || path === '/v1/openapi.json' || error !== undefined
    if (!isOpen) return false
    if (method !== 'GET') throw notAllowed(['GET'])
    if (path === '/v1/openapi.json') {
      const { text, etag } = this.#openapi()
      if (visit.request.headers['if-none-match'] === etag) visit.response.writeHead(304, { ...everywhere, etag }).end()
      else send(visit, 200, text, { etag })
      return true
    }
    if (error === undefined) {
      const links = { openapi: '/v1/openapi.json', events: '/v1/events' }
      send(visit, 200, JSON.stringify({
        name: serverName,
        version,
        protocol: PROTOCOL,
        server_id: serverId,
        epoch: store.epoch,
        limits: { max_body_bytes: maxFrameBytes },
        links,
      }))
      return true
    }
    const doc = meaningOf(error)
    if (doc === undefined) throw new Problem('NOT_FOUND', `There is no code ${error}`)
    send(visit, 200, JSON.stringify({ code: error, doc }))
    return true
  }

  #isStream(path: string): boolean {
    return path === '/v1/events' || /^\/v1\/channels\/[^/]+\/events$/.test(path)
  }

  /** What waits in the inbox; where nothing does, what comes within the time that is waited. */
  async #answerInbox(visit: DoorVisit, bearer: Bearer): Promise<void> {
    const query = new URLSearchParams(visit.query)
    const wait = query.get('wait') ?? '0'
    query.delete('wait')
    if (!/^\d{1,2}$/.test(wait) || Number(wait) > maxWaitSeconds)
      throw new Problem('INVALID_MSG', `wait: 0 to ${maxWaitSeconds} seconds`)
    const after = query.get('after')
    query.delete('after')
    if (after !== null) query.set('since', after)
    const fields = fieldsOf(query, requests.INBOX.body.shape)
    const page = async () => (await this.#ask(visit, bearer, 'INBOX', fields)).frame() as Frame<'INBOX'>
    let frame = await page()
    if (frame.items.length === 0 && wait !== '0') {
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(), timerMs(Number(wait) * 1_000)).unref()
      visit.response.once('close', () => stop.abort())
      visit.request.socket.setTimeout(timerMs((maxWaitSeconds + 10) * 1_000))
      try {
        if (await this.#options.inside().arrival(bearer, Number(after ?? frame.cursor ?? 0), stop.signal)) frame = await page()
      } finally {
        clearTimeout(timer)
      }
    }
    const last = frame.items.at(-1)?.seq
    const link: Headers = frame.more && last !== undefined ? { link: linkTo(visit, 'after', String(last)) } : {}
    send(visit, 200, JSON.stringify(frame), link)
  }

  async #answerResource(visit: DoorVisit, { resource, fields }: Found, bearer: Bearer): Promise<void> {
    const { type, method, status, list, next } = resource
    const { shape } = requests[type].body as { readonly shape: Readonly<Record<string, z.core.$ZodType>> }
    const given = method === 'GET' ? fieldsOf(visit.query, shape) : await this.#bodyOf(visit, bearer)
    const answer = await this.#ask(visit, bearer, type, { ...given, ...fields })
    if (list === undefined) {
      const { msg_id: id } = type === 'MSG' ? answer.frame() as Frame<'ACK'> : {}
      return this.#send(visit, status, answer, id === undefined ? {} : { location: `/v1/messages/${encodeURIComponent(id)}/status` })
    }
    const frame = answer.frame() as unknown as Record<string, unknown>
    const { [list]: items, ...rest } = frame
    const last = (items as readonly Fields[]).at(-1)?.[next?.of ?? '']
    const isMore = rest['more'] === true || rest['next'] !== undefined
    const headers = isMore && next !== undefined && last !== undefined ? { link: linkTo(visit, next.field, String(last)) } : {}
    send(visit, status, JSON.stringify({ ...rest, items }), headers)
  }

  async #ask(visit: DoorVisit, bearer: Bearer, type: RequestType, body: Fields): Promise<Answer> {
    const needed = needs[type]
    if (needed === 'closed') throw new Problem('NOT_ALLOWED', `${type} is not asked through this door; connect by WebSocket`)
    const isKey = 'checkBody' in bearer
    if ((needed === 'key' && !isKey) || (needed === 'signed' && body['sig'] === undefined)) {
      throw new Problem('SIGNATURE_REQUIRED', needed === 'key'
        ? `${type} is asked by the key itself: sign the request (agentchat curl), or agentchat call ${type}`
        : `${type} carries the signature of the agent in sig; the request's own is not stored`)
    }
    const scope = needed === 'signed' ? 'deals' : needed
    if (scope !== 'key') mayBy(bearer, scope, type)
    const key = visit.request.headers['idempotency-key']
    if (Array.isArray(key) || (key !== undefined && !/^[\x21-\x7e]{1,64}$/.test(key)))
      throw new Problem('INVALID_MSG', 'Idempotency-Key: 1 to 64 printable characters, once')
    const gone = new AbortController()
    visit.response.once('close', () => gone.abort())
    return this.#options.inside().ask(bearer, type, { ...body, ...(key !== undefined && { id: key }) } as never, { signal: gone.signal })
  }

  #send(visit: DoorVisit, status: number, answer: Answer, headers: Headers): void {
    const isRepeat = answer.type === 'ACK' && (answer.frame() as Frame<'ACK'>).duplicate === true
    if (status === 204) visit.response.writeHead(204, { ...everywhere, ...headers }).end()
    else send(visit, status, answer.text, { ...headers, ...(isRepeat && { 'idempotency-replayed': 'true' }) })
  }
}

/** @throws Problem */
const mayBy = ({ scopes }: Bearer, scope: TokenScope, what: string): void => {
  if (scopes.has(scope)) return
  throw new Problem('SCOPE_MISSING', `${what} needs the scope ${scope}; this token has ${[...scopes].join(', ')}`, {
    'www-authenticate': `Bearer realm="agentchat", error="insufficient_scope", scope="${scope}"`,
  })
}

/** What is to be followed. @throws Problem */
const wantedOf = ({ path, query }: DoorVisit): Wanted => {
  const [, one] = /^\/v1\/channels\/([^/]+)\/events$/.exec(path) ?? []
  if (one !== undefined) return { channels: [channelOf(one)], inbox: false }
  const channels = (query.get('channels') ?? '').split(',').filter(name => name !== '').map(channelOf)
  const inbox = query.get('inbox') === '1'
  if (channels.length === 0 && !inbox) throw new Problem('INVALID_MSG', 'Name what to follow: channels=general,core and inbox=1')
  return { channels: [...new Set(channels)], inbox }
}

/** What they take, in frames, beyond what every request over HTTP takes and beside what they ask of the relay. */
const callFrames = 5
const streamFrames = 30
/** Under the limits of what stands between. */
const maxWaitSeconds = 50
/** How long one of too many sockets is asked to stay away. */
const crowdedMs = 5_000

const notAllowed = (methods: readonly string[]): Problem =>
  new Problem('METHOD_NOT_ALLOWED', `This is asked by ${methods.join(', ')}`, { allow: [...methods, 'OPTIONS'].join(', ') })

const send = ({ request, response, owe }: DoorVisit, status: number, body: string | Buffer, headers: Headers = {}, type = 'json'): void => {
  if (response.headersSent || response.destroyed) return
  const length = Buffer.byteLength(body)
  owe(length)
  response.writeHead(status, { ...everywhere, 'content-type': `application/${type}`, 'content-length': length, ...headers })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** A body that nobody read is not waited for. */
const refuse = (visit: DoorVisit, problem: Problem): void => {
  const { retryAfterMs, headers, status, body } = problem
  if (visit.response.headersSent) {
    visit.response.destroy()
    return
  }
  const isRead = visit.request.complete
  send(visit, status, body, {
    ...headers,
    ...(!isRead && { connection: 'close' }),
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
  }, 'problem+json')
}

/** A query as fields of a request: texts, and what only a number or a boolean can be. @throws Problem */
const fieldsOf = (query: URLSearchParams, shape: Readonly<Record<string, z.core.$ZodType>>): Fields => {
  const fields: Record<string, unknown> = {}
  for (const [name, text] of query) {
    const field = Object.hasOwn(shape, name) && name !== 'id' ? shape[name] : undefined
    if (field === undefined) throw new Problem('INVALID_MSG', `${name.slice(0, 40)}: there is no such parameter here`)
    if (Object.hasOwn(fields, name)) throw new Problem('INVALID_MSG', `${name}: once`)
    const read = [
      text,
      ...(/^-?\d{1,16}$/.test(text) ? [Number(text)] : []),
      ...(text === 'true' ? [true] : text === 'false' ? [false] : []),
    ]
    fields[name] = read.find(value => z.safeParse(field, value).success) ?? read.at(-1)
  }
  return fields
}

const linkTo = ({ path, query }: DoorVisit, field: string, value: string): string => {
  const next = new URLSearchParams(query)
  next.delete('before')
  next.set(field, value)
  return `<${path}?${next.toString()}>; rel="next"`
}
