// Clients of other relays on Node, until the relay stops.
import { createVerify } from '../../lib/node/crypto.ts'
import { wsTransportWith, type Lookup } from '../../lib/node/transport.ts'
import type { Peer, PeerOptions } from '../features/links/bridge/peer.ts'
import { RelayPeer, type RelayPeerOptions } from './peer.ts'

/** What a relay is called at another one: its name, as far as agents may have such. */
const nameAtOthers = (name: string): string => `${name.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 26)}-relay`

/** What all links of a relay have in common; `name` is the relay's. */
export interface BridgeOptions extends Pick<RelayPeerOptions, 'name' | 'random' | 'read'> {
  /** Looks up where a link's url leads, and refuses where it may not. */
  readonly lookupOf: (url: string) => Lookup
  readonly relayKey: RelayPeerOptions['identity']
  /** ms before a lost connection is tried again, at most; undefined: longer each time */
  readonly linkMs?: number | undefined
  /** ms since 1970 */
  readonly clock: { now(): number }
  /** All are closed then. */
  readonly signal: AbortSignal
}

export const openBridges = ({ signal, name, clock, relayKey: identity, linkMs: backoffMs, lookupOf, ...bridge }: BridgeOptions) => {
  const own = {
    ...bridge,
    ...{ identity, backoffMs, name: nameAtOthers(name), verify: createVerify() },
    now: () => clock.now(),
  }
  return (options: PeerOptions): Peer => {
    const peer = new RelayPeer({ ...own, ...options, transport: wsTransportWith({ lookup: lookupOf(options.url) }) })
    signal.addEventListener('abort', () => peer.close(), { once: true })
    return peer
  }
}
