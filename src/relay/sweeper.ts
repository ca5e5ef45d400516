// One timer for everything that happens by the clock: pings, deadlines, forgotten buckets, and the features' own sweeps.
import { timerMs } from '../../lib/protocol/index.ts'

/** How often what is done again and again. */
export interface Pace {
  /** How often is looked whether anything is due by the clock. */
  readonly tickMs: number
  /** How often features do what they do by the clock. */
  readonly sweepMs: number
  /** Least time between two signals of one kind, of one agent, in one place. */
  readonly signalMs: number
}

export interface SweepTask {
  readonly everyMs: number
  run(now: number): void
}

export class Sweeper {
  readonly #tasks: readonly SweepTask[]
  readonly #now: () => number
  readonly #tickMs: number
  readonly #due: number[]
  #timer: NodeJS.Timeout | undefined

  /** `tickMs`: how often it looks whether anything is due. */
  constructor(tasks: readonly SweepTask[], now: () => number, tickMs: number) {
    this.#tasks = tasks
    this.#now = now
    this.#tickMs = tickMs
    this.#due = tasks.map(task => now() + task.everyMs)
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), timerMs(this.#tickMs))
    this.#timer.unref()
  }

  tick(): void {
    const now = this.#now()
    this.#tasks.forEach((task, i) => {
      if (now < this.#due[i]! && this.#due[i]! - now <= task.everyMs) return
      this.#due[i] = now + task.everyMs
      task.run(now)
    })
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
