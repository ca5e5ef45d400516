// What is sent leaves in the order in which it was asked for, though a signature may take its time: one line per client.
import type { Awaitable } from '../identity/awaitable.ts'

interface Place {
  text: string | undefined
  isReady: boolean
}

export class Line {
  readonly #send: (text: string) => void
  /** What is waited for, oldest first; empty where every key signs at once. */
  #places: Place[] = []

  constructor(send: (text: string) => void) {
    this.#send = send
  }

  /** Sends a text when it is there, and what was put before has gone. undefined: it is not wanted any more. */
  put(text: Awaitable<string | undefined>): void {
    if (typeof text === 'string' && this.#places.length === 0) return this.#send(text)
    const place: Place = { text: undefined, isReady: false }
    this.#places.push(place)
    const ready = (made: string | undefined) => {
      place.text = made
      place.isReady = true
      this.#move()
    }
    if (text instanceof Promise) text.then(ready, () => ready(undefined))
    else ready(text)
  }

  /** The connection is gone: what was signed for it is not sent on the next one. */
  lost(): void {
    this.#places = []
  }

  #move(): void {
    while (this.#places[0]?.isReady === true) {
      const { text } = this.#places.shift()!
      if (text !== undefined) this.#send(text)
    }
  }
}
