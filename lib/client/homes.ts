// Relays that the one of a client is linked to: which relay a host in a name means, as that relay says of itself under its signature. What is
// signed for it, and checked by it, is held to the key that is known at the host.
import { formerIds, serverDocumentProblem } from '../identity/index.ts'
import type { Frame } from '../protocol/index.ts'
import { AddressError, ConnectionError, RelayDoubtError, RelayError, type RelayDoubt } from './errors.ts'
import { hostOf, isSameHost, refusalOf } from './hosts.ts'
import type { KnownRelays } from './known-relays.ts'
import { after } from './timer.ts'

/** Another relay: its identity, and those that it had before and signed over. */
export interface Home {
  readonly serverId: string
  /** PEM */
  readonly key: string
  readonly former: readonly string[]
}

export interface HomesOptions {
  /** What the relay of the client was told of the one at a host. */
  readonly ask: (host: string) => Promise<Frame<'HOME'>>
  readonly knownRelays: KnownRelays
  readonly confirmRelay: ((doubt: RelayDoubt) => boolean | Promise<boolean>) | undefined
  /** ms since 1970 */
  readonly now: () => number
}

interface Asked {
  readonly home: Promise<Home>
  /** ms; where it failed, it is asked again then */
  retryAt: number
}

/** Hosts that are remembered at once. */
const maxHomes = 1_000
const retryMs = 60_000
/** How often is asked for what is not there yet. */
const attempts = 5
/** However long the relay says: what waits for a home, waits for this. */
const maxWaitMs = 10_000

export class Homes {
  readonly #options: HomesOptions
  readonly #asked = new Map<string, Asked>()
  readonly #homes = new Map<string, Home>()

  constructor(options: HomesOptions) {
    this.#options = options
  }

  /** The relay of a host, where it was asked for and is to be believed. */
  known(host: string): Home | undefined {
    return this.#homes.get(host)
  }

  /**
   * The same, asked for where it has to be: once on a connection.
   * @throws RelayError LINK_REFUSED, NOT_ENABLED; AddressError; RelayDoubtError; ConnectionError; TimeoutError
   */
  of(host: string): Promise<Home> {
    const known = this.#asked.get(host)
    if (known !== undefined && this.#options.now() < known.retryAt) return known.home
    if (this.#asked.size >= maxHomes) this.#asked.delete(this.#asked.keys().next().value!)
    const asked: Asked = { home: this.#find(host), retryAt: Infinity }
    asked.home.catch((error: unknown) => {
      if (error instanceof ConnectionError) this.#asked.delete(host)
      else asked.retryAt = this.#options.now() + retryMs
    })
    this.#asked.set(host, asked)
    return asked.home
  }

  /** Whether the relay of a host has another key by now: it is asked anew. Never rejects. */
  async isAnother(host: string): Promise<boolean> {
    const before = this.known(host)?.serverId
    this.#asked.delete(host)
    const now = await this.of(host).catch(() => undefined)
    return now !== undefined && now.serverId !== before
  }

  /** The connection is gone: on the next one it is asked anew. */
  lost(): void {
    this.#asked.clear()
  }

  async #find(host: string): Promise<Home> {
    const { document } = await this.#told(host)
    const home = await homeIn(document, host, this.#options)
    if (this.#homes.size >= maxHomes) this.#homes.delete(this.#homes.keys().next().value!)
    this.#homes.set(host, home)
    return home
  }

  async #told(host: string): Promise<Frame<'HOME'>> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#options.ask(host)
      } catch (error) {
        const waitMs = error instanceof RelayError && error.shouldRetry() ? error.retryAfterMs : undefined
        if (waitMs === undefined || attempt >= attempts) throw error
        await new Promise<void>(resolve => after(Math.min(waitMs, maxWaitMs), resolve))
      }
    }
  }
}

/**
 * The relay that a document is of, where it may be the one of a host: signed by its key, which is the one that is known there or follows from it.
 * That it is over is no matter: it may be long since the home was reached.
 * @throws AddressError, RelayDoubtError
 */
const homeIn = async (
  document: Frame<'HOME'>['document'],
  host: string,
  { knownRelays, confirmRelay, now }: HomesOptions,
): Promise<Home> => {
  const problem = serverDocumentProblem(document, { now: now() })
  if (problem !== undefined && problem !== 'expired')
    throw new AddressError('DOCUMENT_INVALID', host, `What the relay was told of ${host} is not signed by the key there`)
  const { server_id: serverId, urls } = document
  // Another relay's own words would do for its place, were the host not in them: it would be signed for that one.
  const url = urls.find(each => isSameHost(hostOf(each), host))
  if (url === undefined && (urls.length > 0 || refusalOf(host) === undefined))
    throw new AddressError('OTHER_HOST', host, `The relay that is linked as ${host} does not say that it is there`)
  const place = url ?? `wss://${host}`
  const former = formerIds(document)
  for (const each of new Set([place, `wss://${host}`])) {
    const known = knownRelays.get(each)
    if (known === undefined || known === serverId || former.includes(known)) continue
    const doubt = { kind: 'changed', url: each, serverId, known } as const
    if (await confirmRelay?.(doubt) !== true) throw new RelayDoubtError(doubt)
  }
  knownRelays.remember(place, serverId)
  return { serverId, key: document.pubkey, former }
}
