// Hosts, as addresses name relays by them: which is that of a url, which are asked, and where.
import { originOf } from '../protocol/index.ts'

/** Names and addresses that this machine has for itself. */
const isHere = (hostname: string): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+)$/.test(hostname) || hostname.endsWith('.localhost')

const isIpv4 = (hostname: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(hostname)

/** Names that mean something on this machine or in its own network alone. */
const isLocalName = (hostname: string): boolean =>
  !hostname.includes('.') || /\.(?:local|localhost|internal|lan|home\.arpa)$/.test(hostname)

/** `chat.example`, `chat.example:8443`: as names say it of the relay at this url. @throws TypeError when it is no ws:// or wss:// URL */
export const hostOf = (url: string): string => originOf(url).replace(/^wss?:\/\//, '')

/** Whether both are one place: every name of this machine for itself is one. */
export const isSameHost = (a: string, b: string): boolean => hereOf(a) === hereOf(b)

const hereOf = (host: string): string => {
  const [hostname = '', port] = host.split(':')
  return isHere(hostname) ? `localhost:${port ?? ''}` : host
}

/** Why a host that somebody else named is not asked; undefined: it is. Its TLS certificate has to be for it, whatever it leads to. */
export const refusalOf = (host: string): string | undefined => {
  const url = `https://${host}`
  // Other spellings of an address, and of a name, are taken for tricks. What is long, or has other characters, is not even read.
  if (!/^[a-z0-9.-]{1,253}(?::\d{1,5})?$/.test(host) || !URL.canParse(url) || new URL(url).host !== host)
    return 'it is not how a host is written'
  const { hostname } = new URL(url)
  if (isIpv4(hostname)) return 'it is an address, not a name'
  return isLocalName(hostname) ? 'it is a name of this machine or its network' : undefined
}
