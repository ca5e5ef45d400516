// LINKS: clients of other relays, and which of those an operator linked, wired for app.ts.
import type { Logger } from './base/logger.ts'
import { openBridges, type BridgeOptions } from './bridges/open.ts'
import { allLinks } from './features/links/bridge/store.ts'
import type { Store } from './store/store.ts'

/** What the wing is opened with. Nothing is connected before a link wants it. */
export const openLinks = async ({ store, log, ...bridge }: BridgeOptions & { readonly store: Store, readonly log: Logger }) => ({
  linked: await allLinks(store.read),
  startedAt: bridge.clock.now(),
  openPeer: openBridges(bridge),
  onLinkTrouble: (event: object, what: string) => log.warn(event, what),
})
