// Which relay answered at which address before, in a file: the first answer is trusted, a change is noticed.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { addressOf, knownAt, knownElsewhere, type KnownRelays as KnownRelaysPort } from '../client/known-relays.ts'
import { originOf } from '../protocol/index.ts'
import { writePrivateFile } from './private-file.ts'

export const knownRelaysPath = (home: string = process.env['HOME'] ?? homedir()): string => join(home, '.agentchat', 'known-relays.json')

/**
 * Relay identities by address, in a file of mode 0600.
 * @example new AgentChatClient({ server, identity, knownRelays: new KnownRelays() })
 */
export class KnownRelays implements KnownRelaysPort {
  readonly #file: string

  constructor(file: string = knownRelaysPath()) {
    this.#file = file
  }

  get(url: string): string | undefined {
    return knownAt(byAddress(this.#kept()), url)
  }

  elsewhere(url: string, serverId: string): string | undefined {
    return knownElsewhere(byAddress(this.#kept()), url, serverId)
  }

  check(url: string, serverId: string): 'new' | 'same' | 'changed' {
    const known = this.get(url)
    return known === undefined ? 'new' : known === serverId ? 'same' : 'changed'
  }

  remember(url: string, serverId: string): void {
    this.rememberAll([[url, serverId]])
  }

  /** Several at once: the file is written once, and only if something is new. */
  rememberAll(relays: readonly (readonly [url: string, serverId: string])[]): void {
    const kept = this.#kept()
    const known = byAddress(kept)
    const news = relays.filter(([url, serverId]) => known.get(addressOf(url)) !== serverId)
    if (news.length === 0) return
    for (const [url, serverId] of news) {
      // Under one name of the address.
      for (const other of kept.keys()) if (addressOf(other) === addressOf(url)) kept.delete(other)
      kept.set(originOf(url), serverId)
    }
    writePrivateFile(this.#file, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`, { overwrite: true })
  }

  /** By url, as they are written. A file that cannot be read knows nothing: that is what first use means. */
  #kept(): Map<string, string> {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      if (typeof value !== 'object' || value === null) return new Map()
      return new Map(
        Object.entries(value).filter((entry): entry is [string, string] =>
          typeof entry[1] === 'string' && /^wss?:/.test(entry[0]) && URL.canParse(entry[0])
        ),
      )
    } catch {
      return new Map()
    }
  }
}

const byAddress = (kept: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...kept].map(([url, serverId]) => [addressOf(url), serverId]))
