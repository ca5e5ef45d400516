// Long arithmetic beside everything else: one piece in a turn of the event loop, however many ask, and each in its turn.

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

interface Work {
  /** Runs a piece; gives whether that was the last. */
  next(): boolean
}

export class PieceWork {
  readonly #waiting: Work[] = []
  #isRunning = false

  run<T>(pieces: Generator<unknown, T, void>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        next() {
          try {
            const piece = pieces.next()
            if (piece.done === true) resolve(piece.value)
            return piece.done === true
          } catch (error) {
            reject(error as Error)
            return true
          }
        },
      })
      if (!this.#isRunning) void this.#go()
    })
  }

  async #go(): Promise<void> {
    this.#isRunning = true
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      await nextTurn()
      if (!work.next()) this.#waiting.push(work)
    }
    this.#isRunning = false
  }
}
