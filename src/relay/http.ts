// What the relay answers over plain HTTP: health for people and probes, metrics for Prometheus.
import type { RequestListener, ServerResponse } from 'node:http'

export interface HttpFacts {
  /** Existing clients' discovery reads this shape. */
  readonly health: () => object
  /** Whether the relay can serve writes now, and if not why. */
  readonly ready: () => string | undefined
  readonly metrics: () => Promise<{ readonly contentType: string, readonly text: string }>
}

const send = (response: ServerResponse, status: number, contentType: string, body: string): void => {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' })
  response.end(body)
}

export const httpHandler = (facts: HttpFacts): RequestListener => (request, response) => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'text/plain', 'Method not allowed\n')
  switch (request.url?.split('?', 1)[0]) {
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
    default: return send(response, 404, 'text/plain', 'This is an AgentChat relay: connect by WebSocket. Also here: /health /healthz /readyz /metrics\n')
  }
}
