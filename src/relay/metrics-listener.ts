// A port of its own for /metrics, so that the public one does not tell them.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sendMetrics, sendNothing, type Metrics } from './http.ts'
import { listenErrorOf } from './listen-error.ts'

/** Who may scrape at once; each socket has a few seconds. */
const maxSockets = 32
const patienceMs = 10_000

export interface MetricsListener {
  readonly port: number
  stop(): void
}

/** @param port 0 takes any free one @throws ListenError */
export const listenForMetrics = (
  { host, port }: { readonly host: string, readonly port: number },
  metrics: Metrics,
): Promise<MetricsListener> => {
  const deadlines = { headersTimeout: patienceMs, requestTimeout: patienceMs, connectionsCheckingInterval: 1_000 }
  const server: Server = createServer(deadlines, (request, response) => {
    if (request.method === 'GET' && request.url === '/metrics') sendMetrics(response, metrics)
    else sendNothing(response)
  })
  server.maxConnections = maxSockets
  server.timeout = patienceMs
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenErrorOf(error, host, port, 'metrics-')))
    server.listen({ host, port }, () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        stop: () => {
          server.close()
          server.closeAllConnections()
        },
      }))
  })
}
