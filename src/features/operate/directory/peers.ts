// Other directories: their lists are fetched page by page, and each description is taken like an announcement, by its own signature.
import { ServerDocument } from '../../../../lib/protocol/index.ts'

/** One page of a directory's list; undefined: as it was at `etag`. Rejects with the reason. */
export type PullPage = (
  url: string,
  etag?: string,
) => Promise<{ readonly servers: readonly unknown[], readonly next?: string | undefined, readonly etag?: string | undefined } | undefined>

export interface PeersOptions {
  readonly directoryPeers: readonly string[]
  readonly probeEveryMs: number
  readonly pull: PullPage
  /** Whether the relay of this key signed it. */
  readonly isSigned: (document: ServerDocument) => Promise<boolean>
  readonly onPullFailed: (event: { readonly directory: string, readonly message: string }) => void
}

/** A description on its way in. */
export interface Arrival {
  readonly document: ServerDocument
  readonly from: string
}

interface Peer {
  readonly url: string
  at: number
  etag: string | undefined
  isAsked: boolean
  hasFailed: boolean
}

/** What waits to be written, from all peers together; a peer is not read on while it is full. */
const maxArrivals = 2_000
const maxPages = 500

export class Peers {
  readonly #options: PeersOptions
  readonly #peers: readonly Peer[]
  #arrivals: Arrival[] = []

  constructor(options: PeersOptions) {
    this.#options = options
    this.#peers = options.directoryPeers.map(url => ({ url, at: 0, etag: undefined, isAsked: false, hasFailed: false }))
  }

  /** Begins to pull where it is time to. */
  turn(now: number): void {
    for (const peer of this.#peers) {
      if (peer.isAsked || (now < peer.at && peer.at - now <= this.#options.probeEveryMs)) continue
      peer.at = now + this.#options.probeEveryMs
      void this.#pull(peer)
    }
  }

  /** The next ones to write; they are given again until they are `taken`. */
  next(count: number): readonly Arrival[] {
    return this.#arrivals.slice(0, count)
  }

  taken(count: number): void {
    this.#arrivals = this.#arrivals.slice(count)
  }

  async #pull(peer: Peer): Promise<void> {
    const { pull, isSigned, onPullFailed } = this.#options
    peer.isAsked = true
    try {
      let etag: string | undefined
      let url: string | undefined = peer.url
      for (let pages = 0; url !== undefined && pages < maxPages && this.#arrivals.length < maxArrivals; pages++) {
        const page: Awaited<ReturnType<PullPage>> = await pull(url, pages === 0 ? peer.etag : undefined)
        if (page === undefined) return
        // One page tells whether a list of one page is as it was; of a longer one it tells nothing.
        if (pages === 0 && page.next === undefined) etag = page.etag
        for (const entry of page.servers) {
          const parsed = ServerDocument.safeParse((entry as { readonly document?: unknown } | null)?.document)
          if (parsed.success && await isSigned(parsed.data)) this.#arrivals.push({ document: parsed.data, from: peer.url })
        }
        url = page.next
      }
      peer.etag = etag
      peer.hasFailed = false
    } catch (error) {
      if (!peer.hasFailed) onPullFailed({ directory: peer.url, message: (error as Error).message })
      peer.hasFailed = true
    } finally {
      peer.isAsked = false
    }
  }
}
