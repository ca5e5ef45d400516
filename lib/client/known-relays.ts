// Which relay is known at which address. A first answer is believed; after it another relay there, or the same relay at another
// address, is a question for whoever owns the key.
import { originOf } from '../protocol/index.ts'
import type { RelayDoubt } from './errors.ts'

/** Which relay is at which address, for as long as a program remembers it. */
export interface KnownRelays {
  /** The relay identity that is known at the address of a url. */
  get(url: string): string | undefined
  /** Another address at which the relay is known, if it is not known at this one. */
  elsewhere(url: string, serverId: string): string | undefined
  /** Called once the relay has proved itself there. */
  remember(url: string, serverId: string): void
}

/** The address of a url as relays are kept by it: every name of this machine for itself is one. */
export const addressOf = (url: string): string =>
  originOf(url).replace(/^(wss?:\/\/)(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=:|$)/, '$1localhost')

/** The answers of both questions in a record of addresses. */
export const knownAt = (known: ReadonlyMap<string, string>, url: string): string | undefined => known.get(addressOf(url))
export const knownElsewhere = (known: ReadonlyMap<string, string>, url: string, serverId: string): string | undefined => {
  const here = addressOf(url)
  if (known.get(here) === serverId) return undefined
  for (const [address, id] of known) if (id === serverId && address !== here) return address
  return undefined
}

/** What is not as it was known of a relay that is at a url; undefined: nothing. */
export const doubtOf = (known: KnownRelays, url: string, serverId: string): RelayDoubt | undefined => {
  const before = known.get(url)
  if (before !== undefined) return before === serverId ? undefined : { kind: 'changed', url, serverId, known: before }
  const elsewhere = known.elsewhere(url, serverId)
  return elsewhere === undefined ? undefined : { kind: 'elsewhere', url, serverId, known: elsewhere }
}

/** Relays that are known as long as the process lasts. */
export class MemoryKnownRelays implements KnownRelays {
  readonly #known = new Map<string, string>()

  get(url: string): string | undefined {
    return knownAt(this.#known, url)
  }

  elsewhere(url: string, serverId: string): string | undefined {
    return knownElsewhere(this.#known, url, serverId)
  }

  remember(url: string, serverId: string): void {
    this.#known.set(addressOf(url), serverId)
  }
}
