// What is due by the clock, some in a turn. One that cannot be carried out holds up no other: after a turn that was undone all are tried one by
// one, and those that could not be once more when the others are through.

export class DueTurns {
  readonly #perTurn: number
  readonly #stuck = new Set<string>()
  #isCareful = false

  constructor(perTurn: number) {
    this.#perTurn = perTurn
  }

  /** So many have to be looked for: those that could not be carried out may be the first of them. */
  get looked(): number {
    return this.#perTurn + this.#stuck.size
  }

  /** @param carryOut gives undefined where it is not for now. @throws what it throws: the turn is undone, and the next one goes on without that one */
  async run<D extends { readonly id: string }, R>(
    found: readonly D[],
    carryOut: (each: D) => Promise<R | undefined>,
  ): Promise<readonly R[]> {
    const due = found.filter(({ id }) => !this.#stuck.has(id)).slice(0, this.#isCareful ? 1 : this.#perTurn)
    if (due.length === 0) {
      this.#isCareful = false
      this.#stuck.clear()
      return []
    }
    const done: R[] = []
    try {
      for (const each of due) {
        const outcome = await carryOut(each)
        if (outcome === undefined) this.#stuck.add(each.id)
        else done.push(outcome)
      }
    } catch (error) {
      if (due.length === 1) this.#stuck.add(due[0]!.id)
      this.#isCareful = true
      throw error
    }
    return done
  }
}
