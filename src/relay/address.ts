// Whose connection it is: a socket's peer and what proxies say of it, turned into the one address that limits, bans and logs go by.
import { BlockList, isIP } from 'node:net'

/** `trustedProxies` holds something that is neither an address nor a range. */
export class NotARange extends Error {
  override readonly name = 'NotARange'
}

export class Addresses {
  readonly #proxies = new BlockList()
  readonly #hasProxies: boolean
  readonly #ipv6PrefixBits: number

  /**
   * @param trustedProxies addresses or CIDR ranges whose X-Forwarded-For is believed
   * @param ipv6PrefixBits how much of an IPv6 address tells its holder: whoever has one usually has all 2^64 of the network
   * @throws NotARange
   */
  constructor(trustedProxies: readonly string[], ipv6PrefixBits: number) {
    this.#hasProxies = trustedProxies.length > 0
    this.#ipv6PrefixBits = ipv6PrefixBits
    for (const entry of trustedProxies) addTo(this.#proxies, entry)
  }

  /** A socket's own address as limits go by it; '' when the socket has none any more. */
  ofPeer(remoteAddress: string | undefined): string {
    return this.#grouped(canonical(remoteAddress ?? '') ?? '')
  }

  /** Whether this socket is a proxy's, so that others stand behind it. */
  isProxy(remoteAddress: string | undefined): boolean {
    const address = this.#hasProxies ? canonical(remoteAddress ?? '') : undefined
    return address !== undefined && this.#isTrusted(address)
  }

  /**
   * Who sent a request. Each proxy writes whom it heard at the end of X-Forwarded-For, so the header is read from there: the first
   * one that is no proxy itself is the sender, and what stands before it is its own claim. What cannot be read counts as the proxy
   * that wrote it.
   */
  ofRequest(remoteAddress: string | undefined, forwardedFor: string | undefined): string {
    let speaker = canonical(remoteAddress ?? '') ?? ''
    if (forwardedFor === undefined || !this.#hasProxies || !this.#isTrusted(speaker)) return this.#grouped(speaker)
    for (let end = forwardedFor.length; end >= 0;) {
      const comma = end === 0 ? -1 : forwardedFor.lastIndexOf(',', end - 1)
      const heard = withoutPort(forwardedFor.slice(comma + 1, end).trim())
      if (heard === undefined) break
      speaker = heard
      if (!this.#isTrusted(heard)) break
      end = comma
    }
    return this.#grouped(speaker)
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#proxies.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }

  /** Of an IPv6 address only its network, as `2001:db8::/64`. */
  #grouped(address: string): string {
    if (isIP(address) !== 6 || this.#ipv6PrefixBits >= 128) return address
    const groups = groupsOf(address).map((group, i) => {
      const bits = Math.min(16, Math.max(0, this.#ipv6PrefixBits - 16 * i))
      return group & (0xffff << (16 - bits)) & 0xffff
    })
    return `${spelled(groups)}/${this.#ipv6PrefixBits}`
  }
}

/** An address in its one spelling: without a zone, IPv4 as such also where it came wrapped in IPv6; undefined for anything else. */
const canonical = (text: string): string | undefined => {
  const address = text.replace(/%.*$/s, '')
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : undefined
  const groups = groupsOf(address)
  const isWrapped = groups[5] === 0xffff && groups.slice(0, 5).every(group => group === 0)
  return isWrapped ? [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.') : spelled(groups)
}

/** What an entry of X-Forwarded-For names: `192.0.2.1`, `192.0.2.1:4000`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4000`. */
const withoutPort = (entry: string): string | undefined => {
  // The longest address and port; longer texts are not looked at.
  if (entry.length > 64) return undefined
  const bracketed = /^\[([^[\]]*)\](?::\d{1,5})?$/.exec(entry)?.[1]
  if (bracketed !== undefined) return bracketed.includes(':') ? canonical(bracketed) : undefined
  return canonical(/^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry)
}

/** The eight numbers of a valid IPv6 address. */
const groupsOf = (address: string): number[] => {
  const [head = '', tail] = address.split('::')
  const numbers = (part: string) =>
    part === '' ? [] : part.split(':').flatMap(group => {
      if (!group.includes('.')) return [parseInt(group, 16)]
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
      return [a << 8 | b, c << 8 | d]
    })
  const [left, right] = [numbers(head), tail === undefined ? [] : numbers(tail)]
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right]
}

/** RFC 5952: small letters, no leading zeros, the longest run of zeros left out. */
const spelled = (groups: readonly number[]): string => {
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map(group => group.toString(16))
  if (best.start < 0) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

const addTo = (list: BlockList, entry: string): void => {
  const [address = '', bits, ...more] = entry.split('/')
  const network = canonical(address)
  const longest = network?.includes(':') === false ? 32 : 128
  // A wrapped network's length counts the wrapping.
  const prefix = bits === undefined
    ? longest
    : /^\d{1,3}$/.test(bits)
    ? Number(bits) - (address.includes(':') && longest === 32 ? 96 : 0)
    : NaN
  if (network === undefined || more.length > 0 || !(prefix >= 0 && prefix <= longest))
    throw new NotARange(`${JSON.stringify(entry)} is not an address or a CIDR range`)
  list.addSubnet(network, prefix, longest === 32 ? 'ipv4' : 'ipv6')
}
