// Who has which message. A message is given to everyone who listens for it, and handled when all of them are done with it. One that nobody
// listens for waits for somebody who does: a program that begins to listen a moment late misses nothing.
import type { MessageFacts } from './message.ts'
import type { Fate } from './progress.ts'

/** A message on its way to those who handle it. */
export interface Delivery extends Fate {
  readonly facts: MessageFacts
  /** The channel, or the other agent of the pair. */
  readonly stream: string
  /** What it takes: characters of its frame. */
  readonly chars: number
  /** Rises in the order in which messages come. */
  readonly order: number
}

/** One consumer's part in a delivery; the first word counts. */
export interface Claim {
  readonly facts: MessageFacts
  /** It is done with the message. */
  handled(): void
  /** It gives the message back. */
  release(): void
}

export interface Consumer {
  /** The streams it listens to. */
  readonly streams: 'all' | readonly string[]
  /** `alone`: it is meant for this one, and for nobody else. */
  wants(facts: MessageFacts, stream: string): boolean | 'alone'
  take(claim: Claim): void
  /** Nothing more comes; with an error when nobody asked for that. `isOver`: what is still waiting is not to be handled either. */
  end(error: Error | undefined, isOver: boolean): void
}

export interface DeliveriesOptions {
  /** Messages that may wait for somebody who listens for them, and characters of their frames. */
  readonly maxWaiting: number
  readonly maxWaitingChars: number
  /** Something was taken, or handled. */
  readonly changed: () => void
  /** Somebody listens for what could not be kept waiting: it is wanted again. */
  readonly missed: (streams: readonly string[]) => void
}

export class Deliveries {
  readonly #options: DeliveriesOptions
  readonly #consumers = new Set<Consumer>()
  /** For whom nobody listens, in the order in which they came. */
  readonly #waiting = new Set<Delivery>()
  #waitingChars = 0
  /** Streams of which something was let go. */
  readonly #behind = new Set<string>()
  #held = 0
  #heldChars = 0
  #isOver = false
  #onIdle: (() => void)[] = []

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /** Messages that are being handled, or wait for it; and the characters of their frames. */
  get held(): { readonly count: number, readonly chars: number } {
    return { count: this.#held, chars: this.#heldChars }
  }

  /** Whether anybody listens for anything. */
  get isAttended(): boolean {
    return this.#consumers.size > 0
  }

  /** Whether messages of the stream are let go: nobody listens for them, and too many of them came. */
  isBehind(stream: string): boolean {
    return this.#behind.has(stream)
  }

  dispatch(delivery: Delivery): void {
    const { facts, stream } = delivery
    const takers: Consumer[] = []
    for (const consumer of this.#consumers) {
      const wants = consumer.wants(facts, stream)
      if (wants === 'alone') return this.#give(delivery, [consumer])
      if (wants) takers.push(consumer)
    }
    if (takers.length > 0) this.#give(delivery, takers)
    else this.#wait(delivery)
  }

  /** Listens from here on, and gets what has waited for it. Gives the function that ends it. */
  attach(consumer: Consumer): () => void {
    const { streams } = consumer
    if (this.#isOver) {
      consumer.end(undefined, true)
      return () => undefined
    }
    this.#consumers.add(consumer)
    for (const delivery of [...this.#waiting].sort((a, b) => a.order - b.order)) {
      const isWanted = consumer.wants(delivery.facts, delivery.stream)
      if (isWanted || !delivery.isOpen()) this.#leave(delivery)
      if (isWanted && delivery.isOpen()) this.#give(delivery, [consumer])
    }
    const missed = streams === 'all' ? [...this.#behind] : streams.filter(stream => this.#behind.has(stream))
    if (missed.length > 0) this.#options.missed(missed)
    return () => this.#consumers.delete(consumer)
  }

  /** Messages of these streams come again, from the first that was let go. */
  caughtUp(streams: Iterable<string> = [...this.#behind]): void {
    for (const stream of streams) this.#behind.delete(stream)
  }

  /** What waits has no place in another life of the log. */
  clear(): void {
    this.#waiting.clear()
    this.#waitingChars = 0
    this.#behind.clear()
  }

  /** Nothing more comes. `isOver`: what is waiting is not to be handled either. */
  end(error: Error | undefined, isOver: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.clear()
    for (const consumer of [...this.#consumers]) consumer.end(error, isOver)
    this.#consumers.clear()
  }

  /** Resolves when nothing is being handled. */
  idle(): Promise<void> {
    return this.#held === 0 ? Promise.resolve() : new Promise(resolve => this.#onIdle.push(resolve))
  }

  #give(delivery: Delivery, takers: readonly Consumer[]): void {
    let holders = takers.length
    let isHandled = false
    this.#held++
    this.#heldChars += delivery.chars
    const ended = () => {
      if (--holders > 0) return
      this.#held--
      this.#heldChars -= delivery.chars
      if (isHandled) delivery.handled()
      else if (!this.#isOver && delivery.isOpen()) this.dispatch(delivery)
      this.#options.changed()
      if (this.#held === 0) { for (const resolve of this.#onIdle.splice(0)) resolve() }
    }
    for (const taker of takers) {
      let isOpen = true
      const end = (handled: boolean) => {
        if (!isOpen) return
        isOpen = false
        isHandled ||= handled
        ended()
      }
      taker.take({ facts: delivery.facts, handled: () => end(true), release: () => end(false) })
    }
  }

  #wait(delivery: Delivery): void {
    this.#waiting.add(delivery)
    this.#waitingChars += delivery.chars
    const { maxWaiting, maxWaitingChars } = this.#options
    if (this.#waiting.size <= maxWaiting && this.#waitingChars <= maxWaitingChars) return
    for (const each of [...this.#waiting]) {
      this.#leave(each)
      this.#behind.add(each.stream)
      each.letGo()
    }
  }

  #leave(delivery: Delivery): void {
    this.#waiting.delete(delivery)
    this.#waitingChars -= delivery.chars
  }
}
