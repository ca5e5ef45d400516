// How much is taken from each link in a second; in memory, of as many relays as there may be links and more.

interface Taken {
  /** Messages that may come yet, as of `at` (ms). */
  left: number
  at: number
}

/** From one link, in a second, and at once. */
const perSecond = 50
const burst = 500
/** More than there may be links. */
const maxKnown = 1_000

export class LinkRates {
  readonly #links = new Map<string, Taken>()

  /** ms to wait before the next message of a link; 0: it is taken. */
  take(serverId: string, now: number): number {
    const link = this.#of(serverId, now)
    link.left = Math.min(burst, link.left + Math.max(0, now - link.at) * perSecond / 1_000)
    link.at = now
    if (link.left < 1) return Math.ceil((1 - link.left) * 1_000 / perSecond)
    link.left--
    return 0
  }

  #of(serverId: string, now: number): Taken {
    const known = this.#links.get(serverId)
    if (known !== undefined) return known
    if (this.#links.size >= maxKnown) this.#links.delete(this.#links.keys().next().value!)
    const link = { left: burst, at: now }
    this.#links.set(serverId, link)
    return link
  }
}
