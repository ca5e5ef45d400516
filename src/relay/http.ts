// What the relay answers over plain HTTP: health for people and probes, metrics for Prometheus, and the features' own pages.
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { timerMs } from '../../lib/protocol/timer.ts'
import { Bucket, type Rate } from './bucket.ts'
import type { Desk } from './desk.ts'
import type { HttpAnswer } from './feature.ts'
import type { HttpDoor } from './inside.ts'
import { requestsSpent, socketsSpent } from './spent.ts'
import type { Health } from './view.ts'
import type { Visit } from './visit.ts'

/** A request as a feature's route gets it; `body` is there for POST. */
export interface PageRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly address: string
  readonly body?: string
}

export interface HttpFacts {
  readonly health: () => Health
  /** Whether the relay can serve writes now, and if not why. */
  readonly ready: () => string | undefined
  /** Whether a feature has a page at this path, and whether it takes a POST there. */
  readonly places: (path: string) => 'get' | 'post' | undefined
  readonly page: (request: PageRequest) => Promise<HttpAnswer>
  /** The wait of an address that has asked too much, in ms; 0: it may ask, and that was counted. */
  readonly pace: (address: string) => number
  /** Ways in over HTTP: asked before anything else. */
  readonly doors: readonly HttpDoor[]
  readonly isBanned: (address: string) => boolean
  /** Where it counts what waits of a request, and of its answer. */
  readonly visit: (response: ServerResponse, address: string) => Visit
  /** Answers at a door when it is the turn of its address. */
  readonly desk: Pick<Desk, 'enter'>
  /** Work that an address owes for, in frames. */
  readonly charge: (address: string, frames: number) => void
  /** undefined: they are told elsewhere. */
  readonly metrics: Metrics | undefined
}

/** What may be posted, and the time it may take to arrive. */
const maxBodyBytes = 64 * 1024
const bodyTimeoutMs = 10_000

const send = (
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void => {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(body)
}

/** The end of a request that cannot be read on. */
const cut = (response: ServerResponse, status: number, text: string): void =>
  send(response, status, 'text/plain', `${text}\n`, { connection: 'close' })

const later = (response: ServerResponse, waitMs: number, text: string): void =>
  send(response, 429, 'text/plain', `${text}\n`, { 'retry-after': String(Math.ceil(waitMs / 1_000)) })

/** How long one of too many sockets is asked to stay away. */
const crowdedMs = 5_000

const noSuchPage = 'This is an AgentChat relay: connect by WebSocket. Also here: /health /healthz /readyz /.well-known/agentchat.json\n'

/** @param isWelcome false: the address has too many sockets, or the relay; only probes are answered */
export const httpHandler = (facts: HttpFacts) =>
(
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
  isWelcome: boolean,
  goesOn: () => void,
): void => {
  const [path = '/', search = ''] = (request.url ?? '/').split('?', 2)
  const visit = facts.visit(response, address)
  const door = facts.doors.find(each => each.takes(path))
  if (door !== undefined) {
    return facts.desk.enter({ address }, over => {
      if (response.destroyed) return over()
      response.once('close', over)
      door.answer({
        request,
        response,
        address,
        path,
        query: new URLSearchParams(search),
        isWelcome,
        isBanned: facts.isBanned(address),
        owe: bytes => visit.owe(bytes),
        took: bytes => visit.took(bytes),
        pace: () => facts.pace(address),
        charge: frames => facts.charge(address, frames),
        goesOn,
      })
    })
  }
  const page = (body?: string) => {
    facts.page({ path, query: new URLSearchParams(search), address, ...(body !== undefined && { body }) }).then(
      answer => {
        visit.owe(answer.body.length)
        sendPage(request, response, answer)
      },
      () => send(response, 500, 'text/plain', 'The relay has a fault\n'),
    )
  }
  const place = facts.places(path)
  const isProbe = path === '/healthz' || path === '/readyz'
  const isFree = isProbe || path === '/health'
  const isPost = request.method === 'POST' && place === 'post'
  // A body that nobody wants is not waited for.
  if (!isWelcome || (!isPost && hasBody(request))) response.setHeader('connection', 'close')
  if (!isWelcome && !isProbe) return later(response, crowdedMs, socketsSpent)
  if (!isPost && request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'text/plain', 'Method not allowed\n')
  const waitMs = isFree ? 0 : facts.pace(address)
  if (waitMs > 0) {
    response.setHeader('connection', 'close')
    return later(response, waitMs, requestsSpent(waitMs))
  }
  if (isPost) return readBody(request, response, visit, page)
  if (path === '/metrics' && facts.metrics !== undefined) return sendMetrics(response, facts.metrics, visit)
  switch (path) {
    case '/health':
      return send(response, 200, 'application/json', `${JSON.stringify(facts.health())}\n`)
    case '/healthz':
      return send(response, 200, 'text/plain', 'ok\n')
    case '/readyz': {
      const problem = facts.ready()
      return send(response, problem === undefined ? 200 : 503, 'text/plain', `${problem ?? 'ready'}\n`)
    }
    default:
      return place === undefined ? send(response, 404, 'text/plain', noSuchPage) : page()
  }
}

export type Metrics = () => Promise<{ readonly contentType: string, readonly text: string }>

/** How often they are put together; who asks more often gets what was. */
const metricsRate: Rate = { perSecond: 10, burst: 50 }

/** Metrics that cost the same however often they are asked for. */
export const sparing = (metrics: Metrics, now: () => number): Metrics => {
  const bucket = new Bucket(metricsRate, now())
  let last: ReturnType<Metrics> | undefined
  return () => {
    const isDue = bucket.take(now()) === 0
    return last = isDue || last === undefined ? metrics() : last
  }
}

export const sendMetrics = (response: ServerResponse, metrics: Metrics, visit?: Visit): void => {
  metrics().then(
    ({ contentType, text }) => {
      visit?.owe(text.length)
      send(response, 200, contentType, text)
    },
    () => send(response, 500, 'text/plain', 'metrics failed\n'),
  )
}

export const sendNothing = (response: ServerResponse): void => send(response, 404, 'text/plain', 'Only /metrics is here\n')

const hasBody = ({ headers }: IncomingMessage): boolean => 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0

/** A page under its fingerprint: who has it already is told so, and gets nothing. */
const sendPage = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, maxAgeSeconds, headers }: HttpAnswer,
): void => {
  const caching = maxAgeSeconds === undefined ? {} : { 'cache-control': `public, max-age=${maxAgeSeconds}` }
  if (status !== 200 || request.method === 'POST') return send(response, status, contentType, body, { ...caching, ...headers })
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const known = request.headers['if-none-match']?.split(',').map(tag => tag.trim().replace(/^W\//, '')) ?? []
  if (!known.includes(etag) && !known.includes('*')) return send(response, status, contentType, body, { ...caching, ...headers, etag })
  response.writeHead(304, { ...caching, ...headers, etag }).end()
}

const readBody = (request: IncomingMessage, response: ServerResponse, visit: Visit, done: (body: string) => void): void => {
  const parts: Buffer[] = []
  let size = 0
  const stop = () => {
    clearTimeout(timer)
    request.removeAllListeners('data').removeAllListeners('end').pause()
  }
  const timer = setTimeout(() => {
    stop()
    cut(response, 408, `The body did not arrive within ${bodyTimeoutMs / 1_000} seconds`)
  }, timerMs(bodyTimeoutMs))
  request.on('data', (part: Buffer) => {
    size += part.length
    if (size > maxBodyBytes) {
      stop()
      cut(response, 413, `At most ${maxBodyBytes} bytes are taken`)
    } else {
      parts.push(part)
      visit.owe(part.length)
    }
  })
  request.on('end', () => {
    stop()
    done(Buffer.concat(parts).toString())
  })
  request.on('error', stop)
  request.on('close', () => clearTimeout(timer))
}
