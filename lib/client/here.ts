// Names with a host, at the relay that a client is connected to: those of this relay are bare there, and in what is signed.
import { addressOf, hasHost } from '../protocol/index.ts'
import { hostOf } from './hosts.ts'

/** The bare name where the host is that of the url; another one stays as it is, and the relay says what it thinks of it. */
export const bareAt = <N extends string>(url: string, name: N): N => {
  if (!hasHost(name)) return name
  const address = addressOf(name)
  return hostOf(url) === address.host ? address.name as N : name
}

/** The same of the fields of a request that are such names. */
export const withBareNames = <T extends object>(url: string, body: T): T => {
  const { to, channel } = body as { readonly to?: unknown, readonly channel?: unknown }
  if (!hasHost(to) && !hasHost(channel)) return body
  return { ...body, ...(hasHost(to) && { to: bareAt(url, to) }), ...(hasHost(channel) && { channel: bareAt(url, channel) }) }
}
