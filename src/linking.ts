// LINKS: clients of other relays, and which of those an operator linked, wired for app.ts; and witnesses that it named.
import { isIP } from 'node:net'
import { isWitnessKey, readLogKey, readWitnessKey } from '../lib/identity/transcripts/index.ts'
import type { Logger } from './base/logger.ts'
import type { Metrics } from './base/metrics.ts'
import { openBridges, type BridgeOptions } from './bridges/open.ts'
import type { ConfigProblem } from './config/load.ts'
import type { Config } from './config/schema.ts'
import type { LinkMeter } from './features/links/bridge/meter.ts'
import { allLinks } from './features/links/bridge/store.ts'
import { addressGuard, anywhere, type AddressGuard } from './outbound/guard.ts'
import { sendRequest } from './outbound/request.ts'
import type { Store } from './store/store.ts'

interface LinkParts extends Omit<BridgeOptions, 'lookupOf' | 'read' | 'signal'> {
  readonly stopping: AbortController
  /** Where names of strangers may lead. */
  readonly guard: AddressGuard
  readonly store: Store
  readonly log: Logger
  readonly metrics: Metrics
}

/** Hosts that have metrics of their own: as many as may be linked by default. */
const maxHosts = 100
const readMs = 15_000

const meterOf = ({ counts, links: { up, behind, waiting }, linkMirrors, linkHanded, linkRefusals }: Metrics): LinkMeter => ({
  stand: (links, mirrors) => {
    for (const gauge of [up, behind, waiting]) gauge.reset()
    for (const link of links.slice(0, maxHosts)) {
      const { host } = link
      up.set({ host }, link.isUp ? 1 : 0)
      behind.set({ host }, link.behind)
      waiting.set({ host }, link.waiting)
    }
    for (const [state, count] of Object.entries(mirrors)) linkMirrors.set({ state }, count)
  },
  mirrored: events => {
    counts.linkEvents += events
  },
  handed: outcome => linkHanded.inc({ outcome }),
  relayed: () => {
    counts.linkRelayed++
  },
  refused: code => linkRefusals.inc({ code }),
})

const named = addressGuard(anywhere)
/** Whoever names a link by its address means that one. A name leads where others say, each time anew. */
const guardOf = (guard: AddressGuard, url: string): AddressGuard => {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 ? named : guard
}

/** What the wing is opened with. Nothing is connected before a link wants it. */
export const openLinks = async ({ store, log, metrics, guard, stopping: { signal }, ...bridge }: LinkParts) => ({
  linked: await allLinks(store.read),
  startedAt: bridge.clock.now(),
  openPeer: openBridges({
    ...bridge,
    signal,
    lookupOf: url => guardOf(guard, url).lookup,
    read: async (url, { maxBytes, signal }) => {
      const { status, body } = await sendRequest(guardOf(guard, url), { url, method: 'GET', timeoutMs: readMs, maxBytes, signal })
      if (status !== 200) throw new Error(`it answers ${status} where a relay describes itself`)
      return body.toString()
    },
  }),
  onLinkTrouble: (event: object, what: string) => log.warn(event, what),
  linkMeter: meterOf(metrics),
})

/** Which keys of witnesses and of logs are none. */
export const problemsOfKeys = ({ witnesses, witnessedLogs }: Config): readonly ConfigProblem[] => {
  const problemsIn = (where: string, keys: readonly string[], read: (key: string) => unknown) =>
    keys.flatMap((key, i) => {
      try {
        read(key)
        return []
      } catch (error) {
        return [{ where, message: `item ${i + 1}: ${(error as Error).message}` }]
      }
    })
  return [
    ...problemsIn('witnesses', witnesses, named => isWitnessKey(named) && readWitnessKey(named)),
    ...problemsIn('witnessedLogs', witnessedLogs, readLogKey),
  ]
}
