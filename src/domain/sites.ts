// At which pages of its own a relay takes passkeys: browsers ask for them where nobody listens in, which is HTTPS and the machine itself, and
// bind each to the host's name.
import type { Site } from './passkey.ts'

export interface SitesOptions {
  /** What the operator names, like wss://relay.example. */
  readonly publicUrls: readonly string[]
  readonly isTls: boolean
  /** Where the relay listens, the best for a browser first; looked at where nothing is named. */
  readonly ports: readonly number[]
}

/** Where it is reached under a name that a passkey can be bound to, the best first; none: nowhere. */
export const sitesOf = ({ publicUrls, isTls, ports }: SitesOptions): readonly Site[] => {
  const urls = publicUrls.length > 0 ? publicUrls : ports.map(port => `${isTls ? 'wss' : 'ws'}://localhost:${port}`)
  return urls.map(url => new URL(url.replace(/^ws/, 'http'))).filter(isGood).map(({ origin, hostname }) => ({ origin, rpId: hostname }))
}

/** An address of numbers is no name. */
const isGood = ({ protocol, hostname }: URL): boolean =>
  !/^\[|^[\d.]+$/.test(hostname) && (protocol === 'https:' || hostname === 'localhost' || hostname.endsWith('.localhost'))

export const noSite =
  'passkeys are bound to a name: publicUrls needs an address like wss://relay.example, or none at all for this machine alone'
