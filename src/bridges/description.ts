// What another relay says of itself: read once it has proved its key, and by and by again, for agents here to sign for it; and where another key
// answers, for that may be one that the former handed over to.
import { serverDocumentProblem, succeeds, type Verify } from '../../lib/identity/index.ts'
import { limits, ServerDocument, timerMs } from '../../lib/protocol/index.ts'
import { documentUrl, type ReadDocument } from '../../lib/client/resolving.ts'
import type { Described } from '../features/links/bridge/peer.ts'
import { isOver, none, waitOf } from './wait.ts'

export interface DescriptionOptions {
  readonly url: string
  /** The relay as it is known. */
  readonly serverId: string
  readonly verify: Verify
  readonly read: ReadDocument
  /** ms since 1970 */
  readonly now: () => number
  /** There is something new. */
  onArrival(): void
}

const everyMs = 3_600_000
const retryMs = 1_000
const timeoutMs = 15_000
const maxBytes = 6 * limits.maxServerChars

export class Description {
  readonly #options: DescriptionOptions
  readonly #over = new AbortController()
  #found: Described | undefined
  #isReading = false
  /** Until it is read again. */
  #rest = none

  constructor(options: DescriptionOptions) {
    this.#options = options
  }

  /** What was read and is not noted. */
  get found(): Described | undefined {
    return this.#found
  }

  noted(described: Described): void {
    if (this.#found === described) this.#found = undefined
  }

  close(): void {
    this.#over.abort()
  }

  /** Reads it, whenever that was done before. */
  readAnew(): void {
    this.#rest = none
    this.readNow()
  }

  /** Reads it, where that is due. */
  readNow(): void {
    if (this.#isReading || this.#over.signal.aborted || !isOver(this.#rest, this.#options.now())) return
    this.#isReading = true
    this.#read().then(() => {
      this.#rest = waitOf(everyMs, this.#options.now())
    }, () => {
      this.#rest = waitOf(retryMs, this.#options.now())
    }).finally(() => {
      this.#isReading = false
    })
  }

  /** Rejects where there is none that is of this relay, or of a key that it handed over to. */
  async #read(): Promise<void> {
    const { url, serverId, verify, read, now, onArrival } = this.#options
    const signal = AbortSignal.any([this.#over.signal, AbortSignal.timeout(timerMs(timeoutMs))])
    const text = await read(documentUrl(url), { maxBytes, signal })
    const document = ServerDocument.parse(JSON.parse(text))
    if (serverDocumentProblem(document, { now: now(), verify }) !== undefined) throw new Error('it is not signed, or over')
    if (document.server_id !== serverId && !succeeds(document, serverId, verify)) throw new Error('it is of another relay')
    this.#found = { serverId: document.server_id, document: JSON.stringify(document) }
    onArrival()
  }
}
