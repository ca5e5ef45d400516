// How much is read, so that what waits stays within bounds. A small machine:
//
// | state   | as much waits as may     | an answer is awaited | half of it is done          | a multiple waits | another connection |
// |---------|--------------------------|----------------------|-----------------------------|------------------|--------------------|
// | reading | paused, unless an answer | –                    | –                           | deaf             | –                  |
// |         | is awaited, or the       |                      |                             |                  |                    |
// |         | socket cannot pause      |                      |                             |                  |                    |
// | paused  | –                        | reading              | reading                     | –                | reading            |
// | deaf    | –                        | –                    | the connection is given up, | –                | reading            |
// |         |                          |                      | to come back and resume     |                  |                    |
//
// Who handles a message may await an answer to go on: then the socket is read though much waits. A browser's WebSocket cannot pause at
// all. Both are bounded by deafness: what comes is let go unseen, and comes again on the next connection, after what was seen.
import { after } from './timer.ts'

export interface Load {
  readonly count: number
  readonly chars: number
}

export interface FlowOptions {
  /** What may wait before the socket is not read. */
  readonly limits: Load
  /** What waits: all of it, and what was given to those who handle it. */
  readonly load: () => Load
  readonly held: () => Load
  /** Whether the program awaits an answer of the relay. */
  readonly isAwaiting: () => boolean
  readonly canPause: () => boolean
  readonly pause: () => void
  readonly resume: () => void
  /** What waits unseen is let go. */
  readonly letGo: () => void
  /** Gives the connection up, to come back and resume. */
  readonly restart: () => void
  /** ms that answers are awaited before the connection is given up all the same */
  readonly patienceMs: number
}

/** So many times as much may wait as makes the client stop reading. */
const deafAt = 8

export class Flow {
  readonly #options: FlowOptions
  #state: 'reading' | 'paused' | 'deaf' = 'reading'
  #stopPatience: (() => void) | undefined
  #onRoom: (() => void)[] = []

  constructor(options: FlowOptions) {
    this.#options = options
  }

  /** What comes is not to be taken. */
  get isDeaf(): boolean {
    return this.#state === 'deaf'
  }

  /** Resolves when those who handle messages have room for more: what is read from the log waits for that. */
  room(): Promise<void> | undefined {
    return this.#holds(1, this.#options.held()) ? new Promise(resolve => this.#onRoom.push(resolve)) : undefined
  }

  /** Something came, was handled, was asked or answered. */
  changed(): void {
    if (this.#onRoom.length > 0 && !this.#holds(0.5, this.#options.held())) { for (const resolve of this.#onRoom.splice(0)) resolve() }
    const { canPause, isAwaiting, pause, resume } = this.#options
    switch (this.#state) {
      case 'reading':
        if (!this.#holds(1)) return
        if (this.#holds(deafAt)) this.overflow()
        else if (canPause() && !isAwaiting()) {
          this.#state = 'paused'
          pause()
        }
        return
      case 'paused':
        if (this.#holds(0.5) && !isAwaiting()) return
        this.#state = 'reading'
        return resume()
      case 'deaf':
        return this.#comeBack()
    }
  }

  /** More came than can be kept. */
  overflow(): void {
    if (this.#state === 'paused') this.#options.resume()
    this.#state = 'deaf'
    this.#options.letGo()
    this.#comeBack()
  }

  /** Another connection, or none. */
  reconnected(): void {
    this.#state = 'reading'
    this.#stopPatience?.()
    this.#stopPatience = undefined
    for (const resolve of this.#onRoom.splice(0)) resolve()
  }

  /** As soon as there is room. Calls under way would be lost with the connection: they may end first. */
  #comeBack(): void {
    if (this.#holds(0.5)) return
    const { isAwaiting, patienceMs, restart } = this.#options
    if (!isAwaiting()) return restart()
    this.#stopPatience ??= after(patienceMs, () => {
      if (this.#state === 'deaf') restart()
    })
  }

  #holds(times: number, { count, chars } = this.#options.load()): boolean {
    const { limits } = this.#options
    return count >= limits.count * times || chars >= limits.chars * times
  }
}
