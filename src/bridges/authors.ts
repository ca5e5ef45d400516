// Who said what comes: the keys of its authors, each asked for once.
import { agentIdOf } from '../../lib/identity/index.ts'
import { ConnectionError } from '../../lib/client/errors.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import type { HomeEvent, RemoteAgent } from '../features/links/bridge/peer.ts'

/** Authors that are remembered to be known. */
const maxKnown = 10_000

export class Authors {
  readonly #ask: (agent: string) => Promise<Frame<'WHOIS'>>
  readonly #known = new Set<string>()

  constructor(ask: (agent: string) => Promise<Frame<'WHOIS'>>) {
    this.#ask = ask
  }

  /** Those of these events that were not asked for before, as far as they have a key that is theirs. @throws ConnectionError */
  async of(events: readonly Pick<HomeEvent, 'from'>[]): Promise<readonly RemoteAgent[]> {
    const asked = [...new Set(events.map(({ from }) => from))].filter(agent => !this.#known.has(agent))
    const found = await Promise.all(asked.map(agent => this.#find(agent)))
    for (const agent of asked) {
      if (this.#known.size >= maxKnown) this.#known.delete(this.#known.values().next().value!)
      this.#known.add(agent)
    }
    return found.filter(author => author !== undefined)
  }

  async #find(agent: string): Promise<RemoteAgent | undefined> {
    try {
      const { pubkey, name } = await this.#ask(agent)
      return pubkey !== null && agentIdOf(pubkey) === agent ? { agent, pubkey, name } : undefined
    } catch (error) {
      // The page is read again then.
      if (error instanceof ConnectionError) throw error
      return undefined
    }
  }
}
