// The other processes as they are heard: each says something every second. Of one that runs and says nothing what it stores has to be looked
// for: a line that was cut in one direction, or that nothing passes any more, tells nobody.

/** Longer than a process takes between two things that it says. */
const quietMs = 3_000

export class Neighbours {
  /** When each was heard last, or first known to run. */
  readonly #heardAt = new Map<string, number>()
  /** When each said last that the database answers it. */
  readonly #wellAt = new Map<string, number>()

  heard(name: string, now: number): void {
    this.#heardAt.set(name, now)
  }

  well(name: string, now: number): void {
    this.#wellAt.set(name, now)
  }

  /** These run, and nobody else. */
  run(names: Iterable<string>, now: number): void {
    const live = new Set(names)
    for (const known of [...this.#heardAt.keys()]) {
      if (live.has(known)) continue
      this.#heardAt.delete(known)
      this.#wellAt.delete(known)
    }
    for (const name of live) if (!this.#heardAt.has(name)) this.#heardAt.set(name, now)
  }

  /** Those of whom nothing comes. */
  unheard(now: number): readonly string[] {
    return [...this.#heardAt.keys()].filter(name => this.isUnheard(name, now))
  }

  isUnheard(name: string, now: number): boolean {
    return now - (this.#heardAt.get(name) ?? now) > quietMs
  }

  /** Whether the database answers one of them. */
  isAnyWell(now: number): boolean {
    return [...this.#wellAt.values()].some(at => now - at <= quietMs)
  }
}
