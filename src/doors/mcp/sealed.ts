// Session ids of the older era that outlive the process: whoever made one can tell that it did, so that a host which keeps one after a restart
// is served on, and not sent away for good.
import { createHmac, timingSafeEqual, randomUUID } from 'node:crypto'

const sealChars = 22

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
    const [id, seal] = session.split('.') as [string, string]
    return timingSafeEqual(Buffer.from(seal), Buffer.from(this.#seal(id, caller)))
  }

  #seal(id: string, caller: string): string {
    return createHmac('sha256', this.#secret).update(`mcp-session|${id}|${caller}`).digest('base64url').slice(0, sealChars)
  }
}
