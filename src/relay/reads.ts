// Reads take turns: addresses, then their connections. A turn of the event loop reads for a little while and so many bytes; the others
// follow in the next one, so that however many ask, no more answers are made at once than can be sent.
import { Turns, type Source } from './turns.ts'

/** What a turn reads: bytes that are sent, and what each read costs beside them. */
const maxTurnBytes = 256 * 1024
const bytesPerRead = 1_024
const maxTurnMs = 5

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

export class Reads {
  readonly #turns = new Turns<() => Promise<number>>()
  readonly #isSerial: boolean
  #isRunning = false

  /** @param isSerial each waits until the one before it is done: what is dear elsewhere does not pile up there */
  constructor({ isSerial = false }: { readonly isSerial?: boolean } = {}) {
    this.#isSerial = isSerial
  }

  /** Runs when it is its turn; resolves when it is done. `read` gives the bytes that it sent. */
  turn(source: Source, read: () => Promise<number>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#turns.push(source, () =>
        read().then(bytes => {
          resolve()
          return bytes
        }, error => {
          reject(error as Error)
          return 0
        }))
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#turns.length > 0) {
      const until = performance.now() + maxTurnMs
      const turnEnds = nextTurn()
      let left = maxTurnBytes
      while (left > 0 && performance.now() < until) {
        const read = this.#turns.take()
        if (read === undefined) break
        // One that takes longer than the turn, elsewhere, is not waited for.
        left -= bytesPerRead + (await (this.#isSerial ? read() : Promise.race([read(), turnEnds])) ?? maxTurnBytes)
      }
      await turnEnds
    }
    this.#isRunning = false
  }
}
