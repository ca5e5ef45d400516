// The salt of each stored event: so that the hash of what was erased tells nobody what it was. Drawn for many events at once, because asking
// for random bytes costs more than they do.
import { randomFillSync } from 'node:crypto'

const saltBytes = 16
const drawnAtOnce = 256 * saltBytes

export class Salts {
  readonly #bytes = Buffer.alloc(drawnAtOnce)
  #at = drawnAtOnce

  /** 16 random bytes, base64url without padding. */
  next(): string {
    if (this.#at === drawnAtOnce) {
      randomFillSync(this.#bytes)
      this.#at = 0
    }
    const start = this.#at
    this.#at += saltBytes
    return this.#bytes.toString('base64url', start, this.#at)
  }
}
