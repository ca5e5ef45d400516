// What changes, told to a host: the same thing once in so many ms, however often it does.
import { timerMs } from '../../../lib/protocol/timer.ts'

const tellMs = 200
/** How many things wait to be told; what is beyond them comes again, or is read. */
const maxWaiting = 200

export class Changes {
  readonly #tell: (uri: string) => void
  readonly #waiting = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  constructor(tell: (uri: string) => void) {
    this.#tell = tell
  }

  add(uri: string): void {
    if (this.#waiting.size >= maxWaiting) return
    this.#waiting.add(uri)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const uris = [...this.#waiting]
      this.#waiting.clear()
      for (const each of uris) this.#tell(each)
    }, timerMs(tellMs)).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}
