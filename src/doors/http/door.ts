// THE HTTP DOOR: a request of HTTP becomes a request of the protocol, and the frame that answers it the answer.
import { createHash } from 'node:crypto'
import { PROTOCOL, requests, timerMs, type Frame, type RequestType } from '../../../lib/protocol/index.ts'
import type { Logger } from '../../base/logger.ts'
import type { Seal } from '../../base/seal.ts'
import type { DoorVisit, HttpDoor } from '../../relay/inside.ts'
import { accepts } from './accept.ts'
import { checkWelcome, everywhere, fail, notAllowed, preflight, send, traced } from './answer.ts'
import { Asking, mayBy, type Asked, type AskingOptions } from './asking.ts'
import { readJson } from './body.ts'
import { Guests } from './guests.ts'
import { eventPage, fieldsOf, linkTo, nextOf, type Shape } from './lists.ts'
import { openapi } from './openapi.ts'
import { Prepare, preparedPath, type PrepareOptions } from './prepare.ts'
import { meaningOf, Problem } from './problem.ts'
import { channelOf, resourceAt, type Found } from './resources.ts'
import { Streams, type Wanted } from './streams.ts'

export interface HttpDoorOptions extends AskingOptions, Pick<PrepareOptions, 'serverId' | 'legacyTrade'> {
  readonly log: Logger
  readonly serverName: string
  readonly version: string
  readonly random: () => number
  /** Of tickets for event streams. */
  readonly ticketSeal: Seal
  /** Of questions to newcomers. */
  readonly guestSeal: Seal
}

/** What is asked, of whom, and how it is answered, where it is no single request of the protocol. */
interface Place {
  readonly method: 'GET' | 'POST'
  answer(visit: DoorVisit): Promise<void>
}

export class Http implements HttpDoor {
  readonly #options: HttpDoorOptions
  readonly #asking: Asking
  readonly #streams: Streams
  readonly #prepare: Prepare
  readonly #guests: Guests
  readonly #openapi: () => { readonly text: string, readonly etag: string }
  readonly #places: Readonly<Record<string, Place>> = {
    '/v1/events': { method: 'GET', answer: visit => this.#follow(visit) },
    '/v1/events/tickets': { method: 'POST', answer: visit => this.#answerTicket(visit) },
    '/v1/inbox': { method: 'GET', answer: visit => this.#answerInbox(visit) },
    '/v1/me': { method: 'GET', answer: visit => this.#answerMe(visit) },
  }

  constructor(options: HttpDoorOptions) {
    this.#options = options
    this.#prepare = new Prepare(options)
    this.#asking = new Asking(options, this.#prepare)
    this.#guests = new Guests({ ...options, seal: options.guestSeal })
    this.#streams = new Streams({
      ...options,
      bearers: this.#asking.bearers,
      seal: options.ticketSeal,
      askerOf: visit => this.#asking.askerOf(visit),
      headers: everywhere,
    })
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
    traced(visit)
    this.#answer(visit).catch((error: unknown) => fail(visit, error, this.#options.log, visit.path.slice(0, 200)))
  }

  async #answer(visit: DoorVisit): Promise<void> {
    const { request, response, path } = visit
    const method = request.method === 'HEAD' ? 'GET' : request.method ?? 'GET'
    checkWelcome(visit)
    if (method === 'OPTIONS') {
      response.writeHead(204, preflight).end()
      return
    }
    const isStream = path === '/v1/events' || (path.endsWith('/events') && /^\/v1\/channels\/[^/]+\/events$/.test(path))
    if (!accepts(request.headers.accept, isStream ? 'text/event-stream' : 'application/json'))
      throw new Problem('NOT_ACCEPTABLE', `This is answered as ${isStream ? 'text/event-stream' : 'application/json'}`)
    if (this.#answerOpenly(visit, method)) return
    visit.charge(isStream ? streamFrames : callFrames)
    const place = isStream ? this.#places['/v1/events'] : Object.hasOwn(this.#places, path) ? this.#places[path] : undefined
    if (place !== undefined) {
      if (place.method !== method || (isStream && request.method === 'HEAD')) throw notAllowed([place.method])
      return place.answer(visit)
    }
    if (path === '/v1/agents' && method === 'POST') return this.#answerGuest(visit)
    const unsigned = preparedPath(path)
    if (unsigned !== undefined) return this.#answerPrepared(visit, preparableAt(method, unsigned))
    return this.#answerResource(visit, foundAt(method, path))
  }

  /** What anybody may ask. True: it was. */
  #answerOpenly(visit: DoorVisit, method: string): boolean {
    const { path } = visit
    const { serverName, serverId, version, store, maxFrameBytes } = this.#options
    const error = path.startsWith('/v1/errors/') ? /^\/v1\/errors\/([A-Z_]{1,40})$/.exec(path)?.[1] : undefined
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

  async #follow(visit: DoorVisit): Promise<void> {
    const bearer = await this.#streams.bearerOf(visit)
    mayBy(bearer, 'read', 'An event stream')
    return this.#streams.follow(visit, bearer, wantedOf(visit))
  }

  async #answerTicket(visit: DoorVisit): Promise<void> {
    const bearer = await this.#asking.askerOf(visit)
    mayBy(bearer, 'read', 'An event stream')
    await this.#asking.spend(bearer)
    send(visit, 201, JSON.stringify(this.#streams.ticketFor(bearer)))
  }

  async #answerGuest(visit: DoorVisit): Promise<void> {
    const guest = await this.#guests.arrive(visit, await readJson(visit, maxGuestBytes))
    send(visit, 201, JSON.stringify(guest), { location: `/v1/agents/${encodeURIComponent(guest.agent_id)}` })
  }

  /** Who asks, and what it may. */
  async #answerMe(visit: DoorVisit): Promise<void> {
    const bearer = await this.#asking.askerOf(visit)
    const { answer, headers } = await this.#asking.ask(visit, bearer, 'WHOIS', { agent: bearer.agent })
    const { token, until, scopes } = bearer
    send(visit, 200, JSON.stringify({
      ...answer.frame(),
      scopes: [...scopes],
      ...(token !== undefined && { token_id: token, expires_at: until }),
    }), headers)
  }

  /** What waits in the inbox; where nothing does, what comes within the time that is waited. */
  async #answerInbox(visit: DoorVisit): Promise<void> {
    const bearer = await this.#asking.askerOf(visit)
    const query = new URLSearchParams(visit.query)
    const wait = query.get('wait') ?? '0'
    query.delete('wait')
    if (!/^\d{1,2}$/.test(wait) || Number(wait) > maxWaitSeconds)
      throw new Problem('INVALID_MSG', `wait: 0 to ${maxWaitSeconds} seconds`)
    const after = query.get('after')
    query.delete('after')
    if (after !== null) query.set('since', after)
    const fields = fieldsOf(query, requests.INBOX.body.shape)
    const page = () => this.#asking.ask(visit, bearer, 'INBOX', fields)
    let { answer, headers } = await page()
    let frame = answer.frame() as Frame<'INBOX'>
    if (frame.items.length === 0 && wait !== '0') {
      const stop = new AbortController()
      const timer = setTimeout(() => stop.abort(), timerMs(Number(wait) * 1_000)).unref()
      visit.response.once('close', () => stop.abort())
      visit.request.socket.setTimeout(timerMs((maxWaitSeconds + 10) * 1_000))
      try {
        if (await this.#options.inside().arrival(bearer, Number(after ?? frame.cursor ?? 0), stop.signal)) {
          await this.#asking.bearers.check(bearer)
          ;({ answer, headers } = await page())
          frame = answer.frame() as Frame<'INBOX'>
        }
      } finally {
        clearTimeout(timer)
      }
    }
    const last = frame.items.at(-1)?.seq
    const link = frame.more && last !== undefined ? linkTo(visit, 'after', String(last)) : {}
    send(visit, 200, JSON.stringify(frame), { ...headers, ...link })
  }

  /** The text to sign: nothing is done. */
  async #answerPrepared(visit: DoorVisit, { resource: { type }, fields }: Found): Promise<void> {
    const bearer = await this.#asking.askerOf(visit)
    const body = await this.#asking.bodyOf(visit, bearer)
    mayBy(bearer, 'deals', `${type}:prepare`)
    send(visit, 200, JSON.stringify(await this.#prepare.of(bearer, type, { ...body, ...fields })))
  }

  async #answerResource(visit: DoorVisit, { resource, fields }: Found): Promise<void> {
    const bearer = await this.#asking.askerOf(visit)
    const { type, method, status, list, only, within } = resource
    const { shape } = requests[type].body as { readonly shape: Shape }
    const given = method !== 'GET'
      ? await this.#asking.bodyOf(visit, bearer)
      : within === undefined
      ? fieldsOf(visit.query, shape)
      : { [within.field]: fieldsOf(visit.query, (shape[within.field] as unknown as { readonly shape: Shape }).shape, within.names) }
    const asked = await this.#asking.ask(visit, bearer, type, { ...given, ...fields })
    const { answer, headers } = asked
    if (only !== undefined)
      return send(visit, status, JSON.stringify((answer.frame() as unknown as Record<string, unknown>)[only]), headers)
    if (list === undefined) {
      const { msg_id: id } = type === 'MSG' ? answer.frame() as Frame<'ACK'> : {}
      const isCreated = status === 201 && id !== undefined
      return answerWith(visit, status, asked, isCreated ? { location: `/v1/messages/${encodeURIComponent(id)}/status` } : {})
    }
    const page = list === 'events' && type === 'HISTORY' ? eventPage(visit, resource, answer.text) : undefined
    if (page !== undefined) return send(visit, status, page.parts, { ...headers, ...page.link })
    const { [list]: items, ...rest } = answer.frame() as unknown as Record<string, unknown>
    const link = nextOf(visit, resource, rest, items as readonly Readonly<Record<string, unknown>>[])
    send(visit, status, JSON.stringify({ ...rest, items }), { ...headers, ...link })
  }
}

const answerWith = (visit: DoorVisit, status: number, { answer, headers }: Asked, more: Readonly<Record<string, string>>): void => {
  if (status === 204) visit.response.writeHead(204, { ...everywhere, ...headers, ...more }).end()
  else send(visit, status, answer.text, { ...headers, ...more })
}

/** A name, or the answer to a question. */
const maxGuestBytes = 4 * 1024
/** What they take, in frames, beyond what every request over HTTP takes and beside what they ask of the relay. */
const callFrames = 5
const streamFrames = 30
/** Under the limits of what stands between. */
const maxWaitSeconds = 50

/** A resource, or any request as it is. @throws Problem */
const foundAt = (method: string, path: string): Found => {
  if (path.startsWith('/v1/call/')) {
    if (method !== 'POST') throw notAllowed(['POST'])
    const type = path.slice('/v1/call/'.length)
    if (!Object.hasOwn(requests, type)) throw new Problem('NOT_FOUND', `There is no request ${type.slice(0, 40)}`)
    return { resource: { method, path, type: type as RequestType, status: 200 }, fields: {} }
  }
  const found = resourceAt(method, path)
  if (found === undefined) throw new Problem('NOT_FOUND', 'There is nothing here: see /v1/openapi.json')
  if ('length' in found) throw notAllowed(path === '/v1/agents' ? [...found, 'POST'] : found)
  return found
}

/** What is signed is prepared by POST, however it is sent then. @throws Problem */
const preparableAt = (method: string, path: string): Found => {
  if (method !== 'POST') throw notAllowed(['POST'])
  const found = path.startsWith('/v1/call/') ? undefined : resourceAt('POST', path)
  return found !== undefined && 'length' in found && found.includes('PUT') ? foundAt('PUT', path) : foundAt('POST', path)
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
