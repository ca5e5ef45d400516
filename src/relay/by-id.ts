// Things in the order of their ids, kept so while some come and others go: a page of them costs a page.

export class ById<T extends { readonly id: string }> {
  readonly #items: T[]

  constructor(items: Iterable<T>) {
    this.#items = [...items].sort((a, b) => a.id < b.id ? -1 : 1)
  }

  add(item: T): void {
    this.#items.splice(this.#indexAfter(item.id), 0, item)
  }

  delete(item: T): void {
    const at = this.#indexAfter(item.id) - 1
    if (this.#items[at] === item) this.#items.splice(at, 1)
  }

  /** The next ones after an id, and whether there are more behind them. */
  after(id: string, limit: number): { readonly page: readonly T[], readonly more: boolean } {
    const from = this.#indexAfter(id)
    return { page: this.#items.slice(from, from + limit), more: from + limit < this.#items.length }
  }

  /** All that come after an id. */
  *from(id: string): Iterable<T> {
    for (let at = this.#indexAfter(id); at < this.#items.length; at++) yield this.#items[at]!
  }

  #indexAfter(id: string): number {
    let [low, high] = [0, this.#items.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#items[middle]!.id <= id) low = middle + 1
      else high = middle
    }
    return low
  }
}
