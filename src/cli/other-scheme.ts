// ws:// or wss://: whether what hung up at one of them answers at the other.
import { request } from 'node:http'
import { connect } from 'node:tls'

const probeMs = 2_000

/** The same URL with the other scheme, where that is what is spoken there. Nothing is trusted that answers. */
export const otherScheme = (url: string): Promise<string | undefined> => {
  const { protocol, hostname, port, host } = new URL(url)
  const isTls = protocol === 'wss:'
  const other = url.replace(/^wss?/i, isTls ? 'ws' : 'wss')
  return new Promise(resolve => {
    const end = (answer: string | undefined) => {
      resolve(answer)
      probe.destroy()
    }
    const probe = isTls
      ? request({
        host: hostname.replace(/^\[|\]$/g, ''),
        port: port || 443,
        path: '/healthz',
        headers: { host },
        timeout: probeMs,
        agent: false,
      }, () => end(other)).end()
      : connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), rejectUnauthorized: false, timeout: probeMs },
        () => end(other))
    probe.on('error', () => end(undefined))
    probe.on('timeout', () => end(undefined))
  })
}
