// How far the inbox was received, told to the relay: the newest message only, one request at a time.
import type { RequestInput } from '../protocol/index.ts'

type Place = RequestInput<'RECEIVED'>

export class Received {
  readonly #ask: (place: Place) => Promise<unknown>
  #newest: Place | undefined
  #telling: Promise<void> | undefined

  constructor(ask: (place: Place) => Promise<unknown>) {
    this.#ask = ask
  }

  /** Resolves when the relay has heard of everything, or the connection was lost. */
  get told(): Promise<void> | undefined {
    return this.#telling
  }

  /** The inbox was received up to here. */
  tell(place: Place): void {
    this.#newest = place
    this.#telling ??= this.#tell()
  }

  async #tell(): Promise<void> {
    while (this.#newest !== undefined) {
      const place = this.#newest
      this.#newest = undefined
      // What is not acknowledged is offered again, and dropped here as seen.
      await this.#ask(place).catch(() => undefined)
    }
    this.#telling = undefined
  }
}
