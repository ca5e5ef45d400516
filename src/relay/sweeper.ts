// One timer for everything that happens by the clock: pings, deadlines, forgotten buckets, and the features' own sweeps.
import { timerMs } from '../../lib/protocol/index.ts'

export interface SweepTask {
  readonly everyMs: number
  run(now: number): void
}

const tickMs = 1_000

export class Sweeper {
  readonly #tasks: readonly SweepTask[]
  readonly #now: () => number
  readonly #due: number[]
  #timer: NodeJS.Timeout | undefined

  constructor(tasks: readonly SweepTask[], now: () => number) {
    this.#tasks = tasks
    this.#now = now
    this.#due = tasks.map(task => now() + task.everyMs)
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), timerMs(tickMs))
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
