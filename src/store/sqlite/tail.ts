// The newest events, which the indexes on disk do not know yet: where they are, under which keys they were published, and what they say.
// Bounded by how often the indexes are brought up to date; read again from the log at a start, without their texts.
import type { PublishKey, Stamp } from '../log.ts'

/** Where an event is: the row of its text, and the numbers it got. */
export interface TailEvent {
  readonly id: number
  readonly stream: number
  readonly stamp: Stamp
  /** The name of the key it was published under. */
  readonly key: string | undefined
  /** What is stored, if it is kept here too. It stays so: what changes is indexed first, and so leaves with the change. */
  readonly text: Buffer | undefined
}

/** Longer texts are not kept but read where they are stored: few are, and so all that is kept is a few MB. */
export const maxKeptBytes = 4 * 1024

/** One name for each key: an agent's id holds no line feed. */
export const nameOf = ({ agent, id }: PublishKey): string => `${agent}\n${id}`

export class Tail {
  readonly #streams = new Map<number, TailEvent[]>()
  readonly #keys = new Map<string, TailEvent>()
  /** In the order they were written. */
  #events: TailEvent[] = []
  /** How many of them are committed; the rest is of the open transaction. */
  #committed = 0
  /** The last row that is. */
  #committedId = 0
  /** How many of them the open transaction has indexed. */
  #indexed = 0

  /** Events that are not indexed, as the open transaction sees it. */
  get size(): number {
    return this.#events.length - this.#indexed
  }

  /** ms; no event in the tail is older. Infinity: there is none. */
  get oldestTs(): number {
    return this.#events[0]?.stamp.ts ?? Infinity
  }

  add(event: TailEvent): void {
    this.#events.push(event)
    const events = this.#streams.get(event.stream)
    if (events === undefined) this.#streams.set(event.stream, [event])
    else events.push(event)
    if (event.key !== undefined) this.#keys.set(event.key, event)
  }

  /** A stream's events in the tail, oldest first. */
  of(stream: number): readonly TailEvent[] {
    return this.#streams.get(stream) ?? []
  }

  at(stream: number, seq: number): TailEvent | undefined {
    const events = this.of(stream)
    // Most streams have no gap here: what goes is indexed first. What was numbered elsewhere has them where its home had let go of some.
    const near = events[seq - (events[0]?.stamp.seq ?? 0)]
    if (near?.stamp.seq === seq) return near
    let [low, high] = [0, events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (events[middle]!.stamp.seq < seq) low = middle + 1
      else high = middle
    }
    return events[low]?.stamp.seq === seq ? events[low] : undefined
  }

  /** The text of one that is committed; undefined: it has to be read where it is stored. */
  textOf({ id, text }: TailEvent): Buffer | undefined {
    return id <= this.#committedId ? text : undefined
  }

  /** @param key its name */
  published(key: string): TailEvent | undefined {
    return this.#keys.get(key)
  }

  /** The open transaction has indexed all there is; what it adds from here on is not. */
  indexed(): void {
    this.#indexed = this.#events.length
  }

  committed(): void {
    this.#forget(this.#events.splice(0, this.#indexed), 'shift')
    this.#indexed = 0
    this.#committed = this.#events.length
    this.#committedId = this.#events.at(-1)?.id ?? this.#committedId
  }

  rolledBack(): void {
    this.#indexed = 0
    this.#forget(this.#events.splice(this.#committed), 'pop')
  }

  #forget(gone: readonly TailEvent[], end: 'shift' | 'pop'): void {
    for (const { stream, key } of gone) {
      const events = this.#streams.get(stream)!
      events[end]()
      if (events.length === 0) this.#streams.delete(stream)
      if (key !== undefined) this.#keys.delete(key)
    }
  }
}
