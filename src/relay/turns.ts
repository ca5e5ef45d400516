// Fair turns: addresses one after the other, in each of them its connections, in each connection its items in their order.
// Whoever has little to ask waits for one item of each of the others, however much they ask.

interface Node<T> {
  readonly item: T
  next: Node<T> | undefined
}

/** First in, first out; taking costs the same however much waits, and what is empty holds nothing: most lines have one item. */
export class Fifo<T> {
  #first: Node<T> | undefined
  #last: Node<T> | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** What is taken next. */
  get first(): T | undefined {
    return this.#first?.item
  }

  push(item: T): void {
    const node = { item, next: undefined }
    if (this.#last === undefined) this.#first = node
    else this.#last.next = node
    this.#last = node
    this.#length++
  }

  shift(): T | undefined {
    const node = this.#first
    if (node === undefined) return undefined
    this.#first = node.next
    if (node.next === undefined) this.#last = undefined
    this.#length--
    return node.item
  }
}

/** Where somebody comes from. */
export interface Source {
  readonly address: string
}

interface Line<T, S> {
  readonly source: S
  readonly items: Fifo<T>
}

interface Address<T, S> {
  readonly name: string
  readonly lines: Fifo<Line<T, S>>
}

export class Turns<T, S extends Source = Source> {
  readonly #order = new Fifo<Address<T, S>>()
  // Those in which something waits.
  readonly #addresses = new Map<string, Address<T, S>>()
  readonly #lines = new Map<S, Line<T, S>>()
  #length = 0

  get length(): number {
    return this.#length
  }

  /** How many connections have something waiting. */
  get sources(): number {
    return this.#lines.size
  }

  has(source: S): boolean {
    return this.#lines.has(source)
  }

  push(source: S, item: T): void {
    this.#length++
    const waiting = this.#lines.get(source)
    if (waiting !== undefined) return waiting.items.push(item)
    const line: Line<T, S> = { source, items: new Fifo() }
    line.items.push(item)
    this.#lines.set(source, line)
    let address = this.#addresses.get(source.address)
    if (address === undefined) {
      this.#addresses.set(source.address, address = { name: source.address, lines: new Fifo() })
      this.#order.push(address)
    }
    address.lines.push(line)
  }

  /** Of whom something waits, in no order of their turns. */
  get all(): Iterable<S> {
    return this.#lines.keys()
  }

  /** The item that is taken next. */
  get first(): T | undefined {
    return this.#order.first?.lines.first?.items.first
  }

  /** The next item; whose turn it was goes to the end. */
  take(): T | undefined {
    const address = this.#order.shift()
    const line = address?.lines.shift()
    if (address === undefined || line === undefined) return undefined
    this.#length--
    const item = line.items.shift()
    if (line.items.length > 0) address.lines.push(line)
    else this.#lines.delete(line.source)
    if (address.lines.length > 0) this.#order.push(address)
    else this.#addresses.delete(address.name)
    return item
  }
}
