// Tokens by which somebody is answered for long: once anything changed that may have ended them, here or at another process of the relay, they
// are looked up, all at once.
import { timerMs } from '../../../lib/protocol/index.ts'
import type { Clock } from '../../base/clock.ts'
import type { Inside } from '../../relay/inside.ts'
import type { Store } from '../../store/store.ts'
import { tokensAmong } from '../../store/tokens.ts'

export interface HeldTokensOptions {
  readonly inside: () => Pick<Inside, 'admissions'>
  readonly store: Pick<Store, 'read'>
  readonly clock: Clock
}

interface Held {
  readonly token: string
  /** ms since 1970 */
  readonly until: number
  readonly ended: () => void
}

const lookMs = 1_000
/** So often they are looked up though nobody told of anything. */
const lookAnywayAfter = 15
/** In one question. */
const atOnce = 500

export class HeldTokens {
  readonly #options: HeldTokensOptions
  readonly #held = new Set<Held>()
  #timer: NodeJS.Timeout | undefined
  /** Those that were the newest when it was looked last. */
  #admissions = -1
  #skipped = 0
  #isLooking = false

  constructor(options: HeldTokensOptions) {
    this.#options = options
  }

  /** Calls `ended` once the token is not there any more, or its time is over, until the function that it gives is called. */
  hold(held: Held): () => void {
    this.#held.add(held)
    // It may have ended since it was looked up.
    this.#admissions = -1
    this.#timer ??= setInterval(() => void this.#look(), timerMs(lookMs)).unref()
    return () => {
      this.#held.delete(held)
      if (this.#held.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  async #look(): Promise<void> {
    const { inside, store, clock } = this.#options
    const now = clock.now()
    for (const { until, ended } of this.#held) if (until <= now) ended()
    const { admissions } = inside()
    if (this.#isLooking || (admissions === this.#admissions && ++this.#skipped < lookAnywayAfter)) return
    this.#isLooking = true
    this.#admissions = admissions
    this.#skipped = 0
    try {
      const tokens = [...new Set([...this.#held].map(({ token }) => token))]
      for (let at = 0; at < tokens.length; at += atOnce) {
        const some = new Set(tokens.slice(at, at + atOnce))
        const there = new Set(await tokensAmong(store.read, [...some]))
        for (const { token, ended } of this.#held) if (some.has(token) && !there.has(token)) ended()
      }
    } catch {
      // A storage that does not answer says nothing of them: they are looked up again.
      this.#admissions = -1
    } finally {
      this.#isLooking = false
    }
  }
}
