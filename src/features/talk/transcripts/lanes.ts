// Reading streams on for whoever asks for their heads: one page in a turn of the event loop, addresses one after the other, and each stream once
// however many ask. So a long stream that is read the first time takes its time, and nobody else's.

export interface LaneOptions {
  /** Lets the event loop turn. */
  readonly pause: () => Promise<void>
  /** What may wait in all, and of one address. */
  readonly maxWaiting: number
  readonly maxPerAddress: number
}

interface Work {
  /** One page; gives whether there is more. */
  readonly step: () => Promise<boolean>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Lanes {
  readonly #options: LaneOptions
  readonly #lanes = new Map<string, Work[]>()
  #waiting = 0
  #isRunning = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Whether there is room for more work of an address. */
  hasRoom(address: string): boolean {
    const { maxWaiting, maxPerAddress } = this.#options
    return this.#waiting < maxWaiting && (this.#lanes.get(address)?.length ?? 0) < maxPerAddress
  }

  /** Does work step by step, in turns with that of others. */
  run(address: string, step: () => Promise<boolean>): Promise<void> {
    return new Promise((resolve, reject) => {
      const lane = this.#lanes.get(address)
      const work = { step, resolve, reject }
      if (lane === undefined) this.#lanes.set(address, [work])
      else lane.push(work)
      this.#waiting++
      if (!this.#isRunning) void this.#go()
    })
  }

  async #go(): Promise<void> {
    this.#isRunning = true
    while (this.#lanes.size > 0) {
      const [address, lane] = this.#lanes.entries().next().value!
      // Its next turn comes behind those of all others.
      this.#lanes.delete(address)
      const [work, ...rest] = lane
      const isMore = await work!.step().catch((error: unknown) => {
        work!.reject(error)
        return undefined
      })
      if (isMore === false) work!.resolve()
      if (isMore !== true) this.#waiting--
      // What came meanwhile of this address stands in a lane of its own.
      const later = this.#lanes.get(address) ?? []
      const left = isMore === true ? [...rest, work!] : rest
      if (left.length + later.length > 0) {
        this.#lanes.delete(address)
        this.#lanes.set(address, [...left, ...later])
      }
      if (isMore === true) await this.#options.pause()
    }
    this.#isRunning = false
  }
}
