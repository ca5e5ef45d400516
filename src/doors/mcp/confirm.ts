// A word before money moves: what would happen is said first, with a code; done is what comes with that code, within five minutes, by the
// same agent, and exactly as it was said. Nothing is kept for it: the code is made of all that.
import { createHmac, timingSafeEqual } from 'node:crypto'

const windowS = 300
/** A code tells its second within this many: 19 days. */
const wrapS = 36 ** 4

/** What is agreed to: as text, so that any change is another one. */
export interface Plan {
  readonly agent: string
  readonly what: string
}

export class Codes {
  readonly #secret: Uint8Array
  readonly #now: () => number

  /** `now` in ms since 1970 */
  constructor(secret: Uint8Array, now: () => number) {
    this.#secret = secret
    this.#now = now
  }

  make(plan: Plan): string {
    return this.#code(plan, Math.floor(this.#now() / 1_000))
  }

  /** Whether the code was made for this, not longer ago than five minutes. */
  holds(code: string, plan: Plan): boolean {
    if (!/^[0-9a-z]{4}-[0-9a-f]{12}$/.test(code)) return false
    const now = Math.floor(this.#now() / 1_000)
    const ageS = ((now - parseInt(code.slice(0, 4), 36)) % wrapS + wrapS) % wrapS
    return ageS <= windowS && timingSafeEqual(Buffer.from(code), Buffer.from(this.#code(plan, now - ageS)))
  }

  #code({ agent, what }: Plan, second: number): string {
    const mac = createHmac('sha256', this.#secret).update(JSON.stringify([agent, what, second])).digest('hex')
    return `${(second % wrapS).toString(36).padStart(4, '0')}-${mac.slice(0, 12)}`
  }
}
