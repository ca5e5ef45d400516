// Who said what comes: the keys of its authors, each asked for once, and again where that was refused for now.
import { agentIdOf } from '../../lib/identity/index.ts'
import { ConnectionError, RelayError } from '../../lib/client/errors.ts'
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
    return found.filter(author => author !== undefined)
  }

  async #find(agent: string): Promise<RemoteAgent | undefined> {
    try {
      const { pubkey, name } = await this.#ask(agent)
      this.#note(agent)
      return pubkey !== null && agentIdOf(pubkey) === agent ? { agent, pubkey, name } : undefined
    } catch (error) {
      // The page is read again then.
      if (error instanceof ConnectionError) throw error
      // What is refused for now is asked with the next that its author says. What is not answered is not: each page would wait for it.
      if (!(error instanceof RelayError) || !error.shouldRetry()) this.#note(agent)
      return undefined
    }
  }

  #note(agent: string): void {
    if (this.#known.size >= maxKnown) this.#known.delete(this.#known.values().next().value!)
    this.#known.add(agent)
  }
}
