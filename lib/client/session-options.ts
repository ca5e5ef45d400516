// What a session is opened with, of what a program tells the client.
import { randomNonce, verify } from '../identity/index.ts'
import { platformConnectivity } from './connectivity.ts'
import { MemoryKnownRelays } from './known-relays.ts'
import type { ClientOptions } from './options.ts'
import type { SessionOptions } from './session.ts'
import { webSocketTransport } from './transport.ts'

export const sessionOptions = (
  options: ClientOptions,
  times: Pick<SessionOptions, 'timeoutMs' | 'now' | 'random' | 'backoff'>,
): SessionOptions => {
  const { identity } = options
  return {
    ...times,
    url: options.server,
    transport: options.transport ?? webSocketTransport,
    connectivity: options.connectivity ?? platformConnectivity,
    identity,
    serverId: options.serverId,
    legacyLogin: options.legacyLogin ?? false,
    adminKey: options.adminKey,
    knownRelays: options.knownRelays ?? new MemoryKnownRelays(),
    confirmRelay: options.confirmRelay,
    verify: options.verify ?? verify,
    newNonce: randomNonce,
    onCaptcha: options.onCaptcha,
    heartbeatMs: options.heartbeatMs ?? 30_000,
    login: {
      name: options.name ?? identity?.name ?? 'agent',
      autojoin: false,
      // `auto` would count as received what was only written to the connection.
      inbox: options.inbox === 'none' ? 'none' : identity === undefined ? 'auto' : 'manual',
      ...(options.session !== undefined && { session: options.session }),
    },
  }
}
