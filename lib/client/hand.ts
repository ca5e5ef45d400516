// What one listener or iteration has in its hands: each message until it is done with it, or gives it back.
import type { Claim } from './deliveries.ts'
import { messageOf, type Message, type Reply } from './message.ts'
import { after } from './timer.ts'

interface Given {
  readonly claim: Claim
  /** Set while it was given back and is away. */
  stopTimer?: () => void
}

export class Hand {
  readonly #again: (claim: Claim, attempt: number) => void
  readonly #reply: Reply
  readonly #given = new Set<Given>()

  /** `again` takes a message that was given back, once its time is over. */
  constructor(reply: Reply, again: (claim: Claim, attempt: number) => void) {
    this.#reply = reply
    this.#again = again
  }

  give(claim: Claim, attempt: number): Message {
    const given: Given = { claim }
    this.#given.add(given)
    return messageOf(claim.facts, attempt, {
      ack: () => {
        if (given.stopTimer === undefined && this.#given.delete(given)) claim.handled()
      },
      nack: afterMs => {
        if (given.stopTimer !== undefined || !this.#given.has(given)) return
        given.stopTimer = after(afterMs, () => {
          this.#given.delete(given)
          this.#again(claim, attempt + 1)
        })
      },
    }, this.#reply)
  }

  /** It is done with everything that it did not give back. */
  handledAll(): void {
    for (const given of [...this.#given]) {
      if (given.stopTimer !== undefined) continue
      this.#given.delete(given)
      given.claim.handled()
    }
  }

  /** Nothing comes any more, and nothing comes again. */
  end(): void {
    for (const given of [...this.#given]) {
      if (given.stopTimer === undefined) continue
      given.stopTimer()
      this.#given.delete(given)
      given.claim.release()
    }
  }

  /** It goes away: what it is not done with is for others. */
  releaseAll(): void {
    for (const { claim, stopTimer } of this.#given) {
      stopTimer?.()
      claim.release()
    }
    this.#given.clear()
  }
}
