// Which relay answered at which address before: the first answer is trusted, a change is noticed.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { writePrivateFile } from './private-file.ts'

export const knownRelaysPath = (home: string = process.env['HOME'] ?? homedir()): string => join(home, '.agentchat', 'known-relays.json')

/**
 * Relay identities by address, in a file of mode 0600.
 * @example if (new KnownRelays().check(url, welcome.server_id) === 'changed') throw new Error('not the relay it was')
 */
export class KnownRelays {
  readonly #file: string

  constructor(file: string = knownRelaysPath()) {
    this.#file = file
  }

  /** The relay identity remembered for a url, if any. */
  get(url: string): string | undefined {
    return this.#read()[normal(url)]
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
    const known = this.#read()
    const news = relays.map(([url, serverId]) => [normal(url), serverId] as const).filter(([url, serverId]) => known[url] !== serverId)
    if (news.length > 0)
      writePrivateFile(this.#file, `${JSON.stringify({ ...known, ...Object.fromEntries(news) }, null, 2)}\n`, { overwrite: true })
  }

  /** A file that cannot be read knows nothing: that is what first use means. */
  #read(): Record<string, string> {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, 'utf8'))
      return typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).filter(([, id]) => typeof id === 'string'))
        : {}
    } catch {
      return {}
    }
  }
}

const normal = (url: string): string => {
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}
