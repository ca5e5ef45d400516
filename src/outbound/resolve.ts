// Where the names of strangers lead: asked of DNS servers, without the system's own look-up. That takes one of a few threads for each name
// and may keep it for half a minute, so that two names which are slow on purpose would keep all others waiting.
import { lookup as systemLookup, Resolver } from 'node:dns/promises'
import type { Resolve } from './guard.ts'

/** For each server, each time that it is asked. */
const timeoutMs = 2_500
const tries = 2
/** Names that only this machine or its network knows. No stranger answers for them. */
const localName = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)\.?$/i

export interface ResolveOptions {
  /** `address:port` of each; default: those of the system */
  readonly servers?: readonly string[]
}

/** For addresses that strangers name. @throws Error with the code of the DNS, as `node:dns` */
export const strangersResolve = ({ servers }: ResolveOptions = {}): Resolve => {
  const resolver = new Resolver({ timeout: timeoutMs, tries })
  if (servers !== undefined) resolver.setServers(servers)
  return async host => {
    if (!host.includes('.') || localName.test(host)) return systemLookup(host, { all: true, verbatim: true })
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found = [
      ...(four.status === 'fulfilled' ? four.value.map(address => ({ address, family: 4 })) : []),
      ...(six.status === 'fulfilled' ? six.value.map(address => ({ address, family: 6 })) : []),
    ]
    if (found.length === 0 && four.status === 'rejected') throw four.reason
    return found
  }
}
