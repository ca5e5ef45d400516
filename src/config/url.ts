// Where a relay is dialled: the URL that goes with an address it listens on.
import { isIPv6 } from 'node:net'

/** An address as it stands in a URL: IPv6 in brackets. */
export const hostInUrl = (address: string): string => isIPv6(address) ? `[${address}]` : address

/** Whether it means every address of the machine. */
export const isAnywhere = (address: string): boolean => ['0.0.0.0', '::'].includes(address)

/** Where the relay is dialled from its own machine. */
export const relayUrl = ({ isTls, host, port }: { readonly isTls: boolean, readonly host: string, readonly port: number }): string =>
  `${isTls ? 'wss' : 'ws'}://${isAnywhere(host) ? 'localhost' : hostInUrl(host)}:${port}`
