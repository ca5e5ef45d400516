// THE HTTP DOOR: a request of HTTP becomes a request of the protocol, and the frame that answers it the answer.
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { PROTOCOL, requests, type Frame, type RequestType } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Answer, DoorVisit, HttpDoor, Inside } from '../../relay/inside.ts'
import type { Store } from '../../store/store.ts'
import { Bearers, type Bearer } from './bearer.ts'
import { readJson } from './body.ts'
import { openapi } from './openapi.ts'
import { meaningOf, Problem, problemOf } from './problem.ts'
import { resourceAt, type Found } from './resources.ts'
import { needs } from './scopes.ts'

export interface HttpDoorOptions {
  readonly inside: () => Inside
  readonly store: Pick<Store, 'read' | 'write' | 'epoch'>
  readonly clock: Clock
  readonly log: Logger
  readonly serverName: string
  readonly serverId: string
  readonly version: string
  readonly maxFrameBytes: number
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
  readonly #openapi: () => { readonly text: string, readonly etag: string }

  constructor(options: HttpDoorOptions) {
    this.#options = options
    this.#bearers = new Bearers({ ...options, via: 'http' })
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
    const call = /^\/v1\/call\/([A-Z_]{1,40})$/.exec(path)?.[1]
    if (call !== undefined) {
      if (method !== 'POST') throw notAllowed(['POST'])
      if (!Object.hasOwn(requests, call)) throw new Problem('NOT_FOUND', `There is no request ${call}`)
      const bearer = await this.#bearers.of(visit)
      const type = call as RequestType
      return this.#send(visit, 200, await this.#ask(visit, bearer, type, await readJson(visit, this.#options.maxFrameBytes)), {})
    }
    const found = resourceAt(method, path)
    if (found === undefined) throw new Problem('NOT_FOUND', 'There is nothing here: see /v1/openapi.json')
    if ('length' in found) throw notAllowed(found)
    return this.#answerResource(visit, found, await this.#bearers.of(visit))
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

  async #answerResource(visit: DoorVisit, { resource, fields }: Found, bearer: Bearer): Promise<void> {
    const { type, method, status, list, next } = resource
    const { shape } = requests[type].body as { readonly shape: Readonly<Record<string, z.core.$ZodType>> }
    const given = method === 'GET' ? fieldsOf(visit.query, shape) : await readJson(visit, this.#options.maxFrameBytes)
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
    if (needed === 'key' || (needed === 'signed' && body['sig'] === undefined)) {
      throw new Problem('SIGNATURE_REQUIRED', needed === 'key'
        ? `${type} needs a session of the key itself: agentchat call ${type}`
        : `${type} carries the signature of the agent in sig; a token does not sign`)
    }
    const scope = needed === 'signed' ? 'deals' : needed
    if (!bearer.scopes.has(scope)) {
      throw new Problem('SCOPE_MISSING', `${type} needs the scope ${scope}; this token has ${[...bearer.scopes].join(', ')}`, {
        'www-authenticate': `Bearer realm="agentchat", error="insufficient_scope", scope="${scope}"`,
      })
    }
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
