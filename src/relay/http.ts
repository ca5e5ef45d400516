// What the relay answers over plain HTTP: health for people and probes, metrics for Prometheus.
import type { RequestListener, ServerResponse } from 'node:http'
import type { Awaitable } from '../store/store.ts'
import type { HttpAnswer } from './feature.ts'

export interface HttpFacts {
  /** Existing clients' discovery reads this shape. */
  readonly health: () => object
  /** Whether the relay can serve writes now, and if not why. */
  readonly ready: () => string | undefined
  /** The answer of a feature's route; undefined: there is none at this path. */
  readonly route: (path: string) => Awaitable<HttpAnswer> | undefined
  readonly metrics: () => Promise<{ readonly contentType: string, readonly text: string }>
}

const send = (response: ServerResponse, status: number, contentType: string, body: string, cacheControl = 'no-store'): void => {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body), 'cache-control': cacheControl })
  response.end(body)
}

const noSuchPage = 'This is an AgentChat relay: connect by WebSocket. Also here: /health /healthz /readyz /metrics\n'

export const httpHandler = (facts: HttpFacts): RequestListener => (request, response) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'text/plain', 'Method not allowed\n')
  const path = request.url?.split('?', 1)[0] ?? '/'
  switch (path) {
    case '/health': return send(response, 200, 'application/json', `${JSON.stringify(facts.health())}\n`)
    case '/healthz': return send(response, 200, 'text/plain', 'ok\n')
    case '/readyz': {
      const problem = facts.ready()
      return send(response, problem === undefined ? 200 : 503, 'text/plain', `${problem ?? 'ready'}\n`)
    }
    case '/metrics': {
      facts.metrics().then(
        ({ contentType, text }) => send(response, 200, contentType, text),
        () => send(response, 500, 'text/plain', 'metrics failed\n'))
      return
    }
    default: {
      const answer = facts.route(path)
      if (answer === undefined) return send(response, 404, 'text/plain', noSuchPage)
      Promise.resolve(answer).then(
        ({ status, contentType, body, maxAgeSeconds }) => send(response, status, contentType, body, maxAgeSeconds === undefined ? undefined : `public, max-age=${maxAgeSeconds}`),
        () => send(response, 500, 'text/plain', 'The relay has a fault\n'))
    }
  }
}
