// At which addresses a relay is itself: those that its operator names, or else the very sockets it listens on. Nothing that a
// client or a proxy in between says counts.
import { originOf } from '../../lib/protocol/index.ts'

export interface OwnOriginsOptions {
  /** What the operator names, as `originOf` takes it. */
  readonly publicUrls: readonly string[]
  /** Whether the relay does TLS itself. */
  readonly isTls: boolean
}

/** The relay's end of a connection. */
export interface ArrivedAt {
  readonly address: string | undefined
  readonly port: number | undefined
}

export interface OwnOrigins {
  /** Whether a client that dialled `origin`, and came in there, dialled this relay. */
  isOwn(origin: string, arrival: ArrivedAt): boolean
  /** The same of a host and port alone, as they stand behind a name: `#general@chat.example`. */
  isOwnHost(host: string, arrival: ArrivedAt): boolean
  /** Why not, and what to do, for the client's eyes. */
  whyNot(origin: string): string
}

/** Names of an address that means another machine on every machine: who dials it is on this one, or it is another's. */
const loopbackHosts = ['localhost', '127.0.0.1', '[::1]']

/** The hosts that mean an address in a URL. */
const hostsAt = (address: string): readonly string[] => {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, '').replace(/%.*$/, '')
  const host = plain.includes(':') ? `[${plain}]` : plain
  return plain.startsWith('127.') || plain === '::1' ? [...loopbackHosts, host] : [host]
}

export const ownOrigins = ({ publicUrls, isTls }: OwnOriginsOptions): OwnOrigins => {
  const named = new Set(publicUrls.map(originOf))
  const scheme = isTls ? 'wss' : 'ws'
  const isOwn = (origin: string, { address, port }: ArrivedAt): boolean =>
    named.size > 0
      ? named.has(origin)
      : address !== undefined && hostsAt(address).some(host => originOf(`${scheme}://${host}:${port}`) === origin)
  return {
    isOwn,
    isOwnHost: (host, arrival) =>
      ['wss', 'ws'].some(scheme => URL.canParse(`${scheme}://${host}`) && isOwn(originOf(`${scheme}://${host}`), arrival)),
    whyNot: origin => {
      const dialled = JSON.stringify(origin)
      return named.size > 0
        ? `This relay answers for ${[...named].join(', ')}, not for ${dialled}: dial what it answers for, or have its operator add the `
          + 'address to its setting publicUrls (AGENTCHAT_PUBLIC_URLS)'
        : `This relay does not know that it is reached at ${dialled}, behind a proxy, a mapped port or a name: its operator has to name the `
          + 'address in the setting publicUrls (agentchat serve --public-urls, AGENTCHAT_PUBLIC_URLS)'
    },
  }
}
