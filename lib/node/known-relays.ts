// Which relay answered at which address before, in a file: the first answer is trusted, a change is noticed.
import { renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { addressOf, knownAt, knownElsewhere, type KnownRelays as KnownRelaysPort } from '../client/known-relays.ts'
import { originOf } from '../protocol/index.ts'
import { writePrivateFile } from './private-file.ts'
import { readTextFile } from './text-file.ts'

/** Where the command line remembers relays, under the home directory. */
export const knownRelaysPath = (home: string = process.env['HOME'] ?? homedir()): string => join(home, '.agentchat', 'known-relays.json')

/**
 * Relay identities by address, in a file of mode 0600.
 * @example new AgentChatClient({ server, identity, knownRelays: new KnownRelays() })
 */
export class KnownRelays implements KnownRelaysPort {
  readonly #file: string
  /** Why the file could not be read, though it is there: nothing is known, and it is put aside when something is kept. */
  problem: string | undefined

  constructor(file: string = knownRelaysPath()) {
    this.#file = file
  }

  /** The relay that is known at an address. */
  get(url: string): string | undefined {
    return knownAt(byAddress(this.#kept()), url)
  }

  /** Where else a relay is known. */
  elsewhere(url: string, serverId: string): string | undefined {
    return knownElsewhere(byAddress(this.#kept()), url, serverId)
  }

  /** Whether a relay is the one that is known at its address. */
  check(url: string, serverId: string): 'new' | 'same' | 'changed' {
    const known = this.get(url)
    return known === undefined ? 'new' : known === serverId ? 'same' : 'changed'
  }

  /** Notes which relay is at an address, in the file. */
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
    // What was there is somebody's, though it cannot be read: it is put aside, not lost.
    if (this.problem !== undefined) renameSync(this.#file, `${this.#file}.unreadable`)
    writePrivateFile(this.#file, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`, { overwrite: true })
  }

  /** By url, as they are written. A file that cannot be read knows nothing: that is what first use means. */
  #kept(): Map<string, string> {
    try {
      const value: unknown = JSON.parse(readTextFile(this.#file))
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it holds no addresses')
      this.problem = undefined
      return new Map(
        Object.entries(value).filter((entry): entry is [string, string] =>
          typeof entry[1] === 'string' && /^wss?:/.test(entry[0]) && URL.canParse(entry[0])
        ),
      )
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      this.problem = code === 'ENOENT' ? undefined : message
      return new Map()
    }
  }
}

const byAddress = (kept: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...kept].map(([url, serverId]) => [addressOf(url), serverId]))
