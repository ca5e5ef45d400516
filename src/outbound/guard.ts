// Where the relay may connect to by itself: public addresses, and private ones that the operator named. Decided after DNS, and
// what was decided is what is connected to.
import { lookup as systemLookup } from 'node:dns/promises'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** A network as address/bits; one address alone is a network of one. */
export interface AddressPolicy {
  /** Networks that may be reached though they are not public: `127.0.0.1`, `10.0.0.0/8`. */
  readonly allow: readonly string[]
  /** Only those, and nothing public. */
  readonly isStrict?: boolean
}

/** For requests that a user makes from its own machine to an address that it named. */
export const anywhere: AddressPolicy = { allow: ['0.0.0.0/0', '::/0'] }

export class AddressRefused extends Error {
  override readonly name = 'AddressRefused'
}

/** Everything that is not the public internet: RFC 6890 and its IPv6 kin, and the addresses that wrap an IPv4 one. */
const special = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::1/128',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

const listOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address)
    if (family === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) throw new TypeError(`Not a network: ${network}`)
    list.addSubnet(address, bits === undefined ? (family === 6 ? 128 : 32) : Number(bits), family === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

const specialList = listOf(special)

/** ::ffff:127.0.0.1, however it is spelled, is 127.0.0.1. */
const unwrapped = (address: string): string => {
  if (isIP(address) !== 6) return address
  const { hostname } = new URL(`http://[${address.split('%', 1)[0]!}]`)
  const match = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname)
  if (match === null) return hostname.slice(1, -1)
  const [high, low] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

export interface AddressGuard {
  mayReach(address: string): boolean
  /** For `http.request`: gives only addresses that may be reached, so that no second look-up can give others. */
  readonly lookup: LookupFunction
}

export type Resolve = (host: string) => Promise<readonly { readonly address: string, readonly family: number }[]>

/** @throws TypeError on a network that is none */
export const addressGuard = (
  { allow, isStrict = false }: AddressPolicy,
  resolve: Resolve = host => systemLookup(host, { all: true, verbatim: true }),
): AddressGuard => {
  const allowed = listOf(allow)
  const mayReach = (text: string): boolean => {
    const address = unwrapped(text)
    const family = isIP(address)
    if (family === 0) return false
    const kind = family === 6 ? 'ipv6' : 'ipv4'
    return allowed.check(address, kind) || (!isStrict && !specialList.check(address, kind))
  }
  return {
    mayReach,
    lookup: (host, options, callback) => {
      resolve(host).then(found => {
        // One bad address among good ones is a trick, not a mirror.
        const bad = found.find(({ address }) => !mayReach(address))
        if (bad !== undefined) throw new AddressRefused(`${host} is at an address that may not be reached`)
        const first = found[0]
        if (first === undefined) throw new AddressRefused(`${host} has no address`)
        if (options.all === true) callback(null, [...found])
        else callback(null, first.address, first.family)
      }).catch((error: unknown) => callback(error as NodeJS.ErrnoException, '', 0))
    },
  }
}
