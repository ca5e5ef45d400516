// How this door answers: bodies, problems, and what is sent with every answer.
import { randomBytes } from 'node:crypto'
import type { Logger } from '../../base/logger.ts'
import { socketsSpent, type DoorVisit } from '../../relay/inside.ts'
import { Problem, problemOf } from './problem.ts'

export type Headers = Readonly<Record<string, string>>

/** Sent with every answer: no cookie counts here, so that a page elsewhere has nothing to ride on. */
export const everywhere = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Retry-After, Link, ETag, Location, Idempotency-Replayed, RateLimit, RateLimit-Policy',
  'cache-control': 'no-store',
}

export const preflight = {
  ...everywhere,
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Signature, Signature-Input, Content-Digest, Pubkey, Traceparent',
  'access-control-max-age': '86400',
}

/** How long one of too many sockets is asked to stay away. */
const crowdedMs = 5_000

/** What says who asks what, in one word each. */
const single = new Set([
  'authorization',
  'content-digest',
  'content-type',
  'host',
  'idempotency-key',
  'last-event-id',
  'pubkey',
  'signature',
  'signature-input',
])

/** One of these that was sent more than once. */
const doubled = (rawHeaders: readonly string[]): string | undefined => {
  const seen: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (!single.has(name)) continue
    if (seen.includes(name)) return rawHeaders[i]!
    seen.push(name)
  }
  return undefined
}

/** Before anything else. @throws Problem */
export const checkWelcome = ({ isWelcome, isBanned, request: { rawHeaders } }: DoorVisit): void => {
  if (!isWelcome) throw new Problem('RATE_LIMITED', socketsSpent, { connection: 'close' }, crowdedMs)
  if (isBanned) throw new Problem('BANNED', 'Your address is banned from this relay')
  const twice = doubled(rawHeaders)
  // One that stands between may have read the other one.
  if (twice !== undefined) throw new Problem('INVALID_MSG', `${twice}: once`)
}

/** A trace that goes through here is told in the log, and given back (https://www.w3.org/TR/trace-context). */
export const traced = ({ request: { headers: { traceparent } }, response }: DoorVisit): void => {
  if (isTrace(traceparent)) response.setHeader('traceparent', traceparent)
}

const isTrace = (value: string | readonly string[] | undefined): value is string =>
  typeof value === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)

export const notAllowed = (methods: readonly string[]): Problem =>
  new Problem('METHOD_NOT_ALLOWED', `This is asked by ${methods.join(', ')}`, { allow: [...methods, 'OPTIONS'].join(', ') })

/** @param body or its two parts, which are written as they are */
export const send = (
  { request, response, owe }: DoorVisit,
  status: number,
  body: string | Buffer | readonly [string, Buffer],
  headers: Headers = {},
  type = 'json',
): void => {
  if (response.headersSent || response.destroyed) return
  const [first, rest] = typeof body === 'string' || Buffer.isBuffer(body) ? [body] : body
  const length = Buffer.byteLength(first) + (rest?.length ?? 0)
  owe(length)
  response.writeHead(status, { ...everywhere, 'content-type': `application/${type}`, 'content-length': length, ...headers })
  if (request.method === 'HEAD') {
    response.end()
  } else if (rest === undefined) {
    response.end(first)
  } else {
    response.cork()
    response.write(first)
    response.end(rest)
    response.uncork()
  }
}

/** What an answer came to that is none. @param place where, as a log may say it */
export const fail = (visit: DoorVisit, error: unknown, log: Logger, place: string): void => {
  let problem = problemOf(error)
  if (problem === undefined) {
    const { traceparent } = visit.request.headers
    const incident = randomBytes(6).toString('hex')
    log.error({ err: error, incident, path: place, ...(isTrace(traceparent) && { traceparent }) }, 'the HTTP door failed')
    problem = new Problem('INTERNAL', `The relay has a fault, incident ${incident}; its log says more`)
  }
  refuse(visit, problem)
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
