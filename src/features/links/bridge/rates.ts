// How much is taken from each link: what its agents say has a rate in all, and one that goes on bringing what its agents did not sign is heard no
// more for a day. In memory, and bounded: what a restart forgets is a day at most.

interface Taken {
  /** Messages that may come yet, as of `at` (ms). */
  left: number
  at: number
  strikes: number
  strikesSince: number
  closedUntil: number
}

/** From one link, in a second, and at once. */
const perSecond = 50
const burst = 500
const maxStrikes = 100
const hourMs = 3_600_000
const dayMs = 24 * hourMs
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

  /** Until when nothing is taken from it, in ms; 0: it is. */
  closedUntil(serverId: string, now: number): number {
    const { closedUntil } = this.#of(serverId, now)
    return closedUntil > now ? closedUntil : 0
  }

  /** It brought what nobody signed. True: that was once too often. */
  strike(serverId: string, now: number): boolean {
    const link = this.#of(serverId, now)
    if (now - link.strikesSince > hourMs) Object.assign(link, { strikes: 0, strikesSince: now })
    if (++link.strikes < maxStrikes) return false
    Object.assign(link, { strikes: 0, strikesSince: now, closedUntil: now + dayMs })
    return true
  }

  #of(serverId: string, now: number): Taken {
    const known = this.#links.get(serverId)
    if (known !== undefined) return known
    if (this.#links.size >= maxKnown) this.#links.delete(this.#links.keys().next().value!)
    const link = { left: burst, at: now, strikes: 0, strikesSince: now, closedUntil: 0 }
    this.#links.set(serverId, link)
    return link
  }
}
