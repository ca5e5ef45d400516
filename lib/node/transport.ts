// The client's transport on the `ws` library, for Node versions without a WebSocket of their own.
import { rootCertificates } from 'node:tls'
import { WebSocket } from 'ws'
import { limits } from '../protocol/index.ts'
import type { Transport, TransportProblem } from '../client/index.ts'

/** Replies and pages may be larger than a frame that a client may send. */
const maxPayload = limits.maxPageBytes + 2 * limits.maxFrameBytes * 6

/** A certificate that is not trusted, by the names that OpenSSL and Node give to the reason. */
const certificateCodes: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
/** What answered a greeting in TLS with something else. */
const plainCodes: ReadonlySet<string> = new Set(['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'])

const problemOf = (code: string | undefined, isTls: boolean): TransportProblem | undefined => {
  if (code === undefined) return undefined
  if (certificateCodes.has(code)) return 'certificate'
  if (code === 'ECONNRESET') return 'hung-up'
  return isTls && plainCodes.has(code) ? 'not-tls' : code.startsWith('HPE_') ? 'not-a-relay' : undefined
}

/** What an answer in HTTP says: for a while it may be a proxy's whose relay is away. */
const isPassing = (status: number): boolean => status >= 500 || status === 408 || status === 429

/** As dns.lookup is called by Node's sockets: said here, so that programs need no types of Node. */
export type Lookup = (
  hostname: string,
  options: { readonly family?: number | 'IPv4' | 'IPv6' | undefined, readonly all?: boolean | undefined },
  callback: (error: Error | null, address: string | { address: string, family: number }[], family?: number) => void,
) => void

/** How sockets are opened on Node. */
export interface WsTransportOptions {
  /** Certificates in PEM that are trusted beside those of the public authorities: a relay's own, or its authority's. */
  readonly ca?: string | undefined
  /** Looks names up, in the place of the system's own: refuses those that are not to be connected to. */
  readonly lookup?: Lookup | undefined
}

/**
 * @example new AgentChatClient({ server: 'wss://chat.intern', transport: wsTransportWith({ ca: readFileSync('ca.pem', 'utf8') }) })
 */
export const wsTransportWith = ({ ca, lookup }: WsTransportOptions = {}): Transport => {
  const how = { ...(ca !== undefined && { ca: [...rootCertificates, ca] }), ...(lookup !== undefined && { lookup }) }
  return (url, handlers) => {
    const isTls = /^wss:/i.test(url)
    let reason = ''
    let problem: TransportProblem | undefined
    let socket: WebSocket
    try {
      socket = new WebSocket(url, { perMessageDeflate: false, maxPayload, handshakeTimeout: 15_000, ...how })
    } catch (error) {
      queueMicrotask(() => handlers.close(1006, (error as Error).message))
      return { send: () => undefined, close: () => undefined }
    }
    socket.on('open', () => handlers.open())
    socket.on('message', data => handlers.message(String(data)))
    socket.on('unexpected-response', (_, response) => {
      const { statusCode = 0, headers: { location } } = response
      reason = `something answers there in HTTP (${statusCode}), and no relay${
        location === undefined ? '' : `; it points to ${location.slice(0, 300)}`
      }`
      problem = isPassing(statusCode) ? undefined : 'not-a-relay'
      response.destroy()
      socket.terminate()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (reason !== '') return
      reason = error.message
      problem = problemOf(error.code, isTls)
    })
    socket.on('close', (code, said) => handlers.close(code, String(said) || reason, problem))
    return {
      send: text => socket.send(text),
      close: (code, said) => socket.close(code, said),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
    }
  }
}

/**
 * @example new AgentChatClient({ server: 'ws://localhost:6667', name: 'alice', transport: wsTransport })
 */
export const wsTransport: Transport = wsTransportWith()
