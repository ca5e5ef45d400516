// One HTTP request of the relay's own: bounded in time and bytes, to where the guard lets it, and never redirected.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP } from 'node:net'
import { rootCertificates } from 'node:tls'
import { timerMs } from '../../lib/protocol/timer.ts'
import { AddressRefused, type AddressGuard } from './guard.ts'

export interface OutboundRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** for all of it, from the look-up of the name to the last byte */
  readonly timeoutMs: number
  /** of the answer's body */
  readonly maxBytes: number
  /**
   * Nobody wants the body: once the answer has begun, whatever it does then (goes on for ever, stands still, breaks off) is no failure, and
   * it is cut when a second later it is not over.
   */
  readonly isBodyOptional?: boolean
  /** Certificates in PEM that are trusted beside those of the public authorities. */
  readonly ca?: string | undefined
  /** Ends it early. */
  readonly signal?: AbortSignal
}

export interface OutboundResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Nothing that was asked came back. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  /** address: refused by the guard; it will be refused again. The others may go away. unreachable: no connection, so nothing was sent. */
  readonly kind: 'address' | 'unreachable' | 'timeout' | 'too-large' | 'failed'

  constructor(kind: OutboundError['kind'], message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

/** What an answer that nobody wants has to end by itself. */
const endMs = 1_000

/** What looking up a name and connecting fail with. */
const unreachable: ReadonlySet<string | undefined> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'])

const kindOf = (error: NodeJS.ErrnoException): OutboundError['kind'] =>
  error instanceof AddressRefused ? 'address' : unreachable.has(error.code) ? 'unreachable' : 'failed'

/** @throws OutboundError */
export const sendRequest = (
  guard: AddressGuard,
  { url, method, headers = {}, body, timeoutMs, maxBytes, isBodyOptional = false, ca, signal }: OutboundRequest,
): Promise<OutboundResponse> => {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target === undefined || !['http:', 'https:'].includes(target.protocol))
    return Promise.reject(new OutboundError('address', 'Only http and https addresses are asked'))
  if (target.username !== '' || target.password !== '')
    return Promise.reject(new OutboundError('address', 'An address with a password in it is not asked'))
  const host = target.hostname.replace(/^\[|\]$/g, '')
  // An address is connected to without a look-up, so it is judged here.
  if (isIP(host) !== 0 && !guard.mayReach(host)) return Promise.reject(new OutboundError('address', `${host} may not be reached`))

  return new Promise((resolve, reject) => {
    let begun: OutboundResponse | undefined
    let cut: NodeJS.Timeout | undefined
    const fail = (kind: OutboundError['kind'], message: string, cause?: unknown) => {
      clearTimeout(timer)
      clearTimeout(cut)
      if (begun === undefined) reject(new OutboundError(kind, message, cause))
      else resolve(begun)
      request.destroy()
    }
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(target, {
      method,
      lookup: guard.lookup,
      agent: false,
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
      ...(signal !== undefined && { signal }),
      headers: { ...headers, ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }) },
    })
    const timer = setTimeout(() => fail('timeout', `No answer within ${timeoutMs} ms`), timerMs(timeoutMs))
    request.on('error', (error: NodeJS.ErrnoException) => fail(kindOf(error), error.message, error))
    request.on('response', response => {
      if (isBodyOptional) {
        begun = { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.alloc(0) }
        cut = setTimeout(() => fail('timeout', 'Its answer did not end'), timerMs(endMs))
      }
      const parts: Buffer[] = []
      let size = 0
      response.on('data', (part: Buffer) => {
        size += part.length
        if (size > maxBytes) fail('too-large', `More than ${maxBytes} bytes came back`)
        else parts.push(part)
      })
      response.on('error', error => fail('failed', error.message, error))
      response.on('end', () => {
        clearTimeout(timer)
        clearTimeout(cut)
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) })
      })
      response.on('close', () => {
        if (!response.complete) fail('failed', 'The answer was cut')
      })
    })
    request.end(body)
  })
}
