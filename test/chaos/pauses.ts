// Waits of many loops that end together: one thing to be told, and no listener for each of them.

export class Pauses {
  readonly #underWay = new Set<() => void>()
  #isOver = false

  get isOver(): boolean {
    return this.#isOver
  }

  /** Resolves after a while, or when all is over. Infinity: then alone. */
  wait(ms: number): Promise<void> {
    if (this.#isOver) return Promise.resolve()
    return new Promise(resolve => {
      const over = () => {
        clearTimeout(timer)
        this.#underWay.delete(over)
        resolve()
      }
      const timer = ms === Infinity ? undefined : setTimeout(over, ms)
      this.#underWay.add(over)
    })
  }

  end(): void {
    this.#isOver = true
    for (const over of [...this.#underWay]) over()
  }
}
