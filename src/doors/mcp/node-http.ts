// Between Node's requests and answers and those of the web, which the SDK speaks: bodies of bounded size and time, streams that wait for whoever
// reads them, and an end on both sides when one has gone.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { timerMs } from '../../../lib/protocol/timer.ts'

const maxBodyBytes = 1024 * 1024
const bodyTimeoutMs = 10_000

/** What cannot be read on: a status, and a word. */
export interface Cut {
  readonly status: number
  readonly title: string
}

export const tooMany: Cut = { status: 429, title: 'Too many requests of this address (addressRate, addressBurst)' }

/** Who is not let in, and what is said of it. */
export interface Refused extends Cut {
  readonly headers: Readonly<Record<string, string>>
}

export const isRefused = (error: unknown): error is Refused =>
  typeof error === 'object' && error !== null && 'status' in error && 'headers' in error

/** `owe` is told how many bytes of it wait. */
export const bodyOf = (request: IncomingMessage, owe: (bytes: number) => void): Promise<string | Cut> =>
  new Promise(resolve => {
    const parts: Buffer[] = []
    let size = 0
    const end = (result: string | Cut) => {
      clearTimeout(timer)
      request.removeListener('data', take).removeListener('end', whole).removeListener('close', gone)
      resolve(result)
    }
    const take = (part: Buffer) => {
      size += part.length
      if (size > maxBodyBytes) end({ status: 413, title: `At most ${maxBodyBytes} bytes are taken` })
      else {
        parts.push(part)
        owe(part.length)
      }
    }
    const whole = () => end(Buffer.concat(parts).toString())
    const gone = () => end({ status: 400, title: 'The body broke off' })
    const timer = setTimeout(() => end({ status: 408, title: 'The body did not arrive in time' }), timerMs(bodyTimeoutMs))
    request.on('data', take).on('end', whole).on('close', gone)
    request.once('error', gone)
  })

/** Of requests whose answers are not over: whether they were handed over whole. */
const answers = new WeakMap<Request, Promise<boolean>>()

/** Whether the answer to a request was handed over to the system, to its last byte: known once it was, or whoever asked is gone. */
export const wasAnswered = (request: Request): Promise<boolean> => answers.get(request) ?? Promise.resolve(false)

/** A request of the web, whose signal aborts when whoever asked is gone before the answer was. */
export const webRequest = (request: IncomingMessage, response: ServerResponse, body: string | undefined): Request => {
  const gone = new AbortController()
  // It listens to the answer: a kept-alive socket is asked again.
  const answered = new Promise<boolean>(resolve => {
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
      resolve(response.writableFinished)
    })
  })
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  const { method = 'GET', url = '/' } = request
  const web = new Request(`http://relay.invalid${url.startsWith('/') ? url : '/'}`, {
    method,
    headers,
    signal: gone.signal,
    ...(body !== undefined && method !== 'GET' && { body }),
  })
  answers.set(web, answered)
  return web
}

/** How long an answer waits for somebody who does not read it: what comes meanwhile waits in memory. */
const stallMs = 30_000

/** How long the head of an answer waits for its first bytes, so that both are one write. */
const headMs = 50

/** Writes an answer of the web, as fast as it is read; who does not read it is cut. */
export const sendWeb = async (answer: Response, response: ServerResponse): Promise<void> => {
  if (response.destroyed) return void answer.body?.cancel().catch(() => undefined)
  const headers = { ...Object.fromEntries(answer.headers), 'x-accel-buffering': 'no' }
  if (answer.body === null) return void response.writeHead(answer.status, headers).end()
  if (isWhole(answer)) return sendWhole(Buffer.from(await answer.arrayBuffer()), answer.status, headers, response)
  response.writeHead(answer.status, headers)
  // What stands in between holds even the head back until a first byte comes.
  const early = setTimeout(() => response.flushHeaders(), timerMs(headMs))
  const reader = answer.body.getReader()
  const stop = () => void reader.cancel().catch(() => undefined)
  response.once('close', stop)
  try {
    for (;;) {
      const { done, value } = await reader.read()
      clearTimeout(early)
      if (done || response.destroyed) break
      // What comes at once goes at once: the last bytes and the end are one write.
      response.cork()
      const isTaken = response.write(value)
      process.nextTick(() => response.uncork())
      if (!isTaken) await readOn(response, 'drain')
    }
  } finally {
    clearTimeout(early)
    response.removeListener('close', stop)
    response.end()
  }
}

/** JSON stands in memory already when its answer is made: it needs no stream. */
const isWhole = ({ headers }: Response): boolean => headers.get('content-type')?.startsWith('application/json') === true

/** One write, and done where the system takes it at once. */
const sendWhole = async (
  body: Buffer,
  status: number,
  headers: Readonly<Record<string, string>>,
  response: ServerResponse,
): Promise<void> => {
  if (response.destroyed) return
  response.writeHead(status, { ...headers, 'content-length': body.length }).end(body)
  if (response.socket?.writableLength) await readOn(response, 'finish')
}

/** Until what was written is read, or whoever should read it is gone, or cut. */
const readOn = (response: ServerResponse, event: 'drain' | 'finish'): Promise<void> =>
  new Promise(resolve => {
    const on = () => {
      clearTimeout(stalled)
      response.removeListener(event, on).removeListener('close', on)
      resolve()
    }
    const stalled = setTimeout(() => response.destroy(), timerMs(stallMs))
    response.on(event, on).on('close', on)
  })

export const problem = (response: ServerResponse, { status, title }: Cut, headers: Readonly<Record<string, string>> = {}): void => {
  const body = JSON.stringify({ type: 'about:blank', title, status })
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  })
  response.end(body)
}

/** Says no before the body was read: what comes of it is not waited for. */
export const refuse = (
  { headers: asked }: IncomingMessage,
  response: ServerResponse,
  cut: Cut,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const hasBody = 'transfer-encoding' in asked || Number(asked['content-length'] ?? 0) > 0
  problem(response, cut, { ...headers, ...(hasBody && { connection: 'close' }) })
}
