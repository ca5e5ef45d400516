// Session ids of the older era that outlive the process: whoever made one can tell that it did, so that a host which keeps one after a restart
// is served on, and not sent away for good.
import { createHmac, timingSafeEqual, randomUUID } from 'node:crypto'

const sealChars = 22

/** The seal of a genuine one, which names it, too. */
export const sealOf = (session: string): string => session.slice(-sealChars)

export class Seals {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  /** A new id, good for one caller alone. */
  make(caller: string): string {
    const id = randomUUID()
    return `${id}.${this.#seal(id, caller)}`
  }

  /** Whether it was made here, or by another process with the same secret, for this caller. */
  isGenuine(session: string, caller: string): boolean {
    if (!/^[0-9a-f-]{36}\.[\w-]{22}$/.test(session)) return false
    return timingSafeEqual(Buffer.from(sealOf(session)), Buffer.from(this.#seal(session.slice(0, 36), caller)))
  }

  #seal(id: string, caller: string): string {
    return createHmac('sha256', this.#secret).update(`mcp-session|${id}|${caller}`).digest('base64url').slice(0, sealChars)
  }
}
