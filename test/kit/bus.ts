// A bus that does to events what networks do, as often as a test says; and one that carries bytes, as between machines.
import { deserialize, serialize } from 'node:v8'
import type { Bus, Subject } from '../../src/bus/bus.ts'

export type Fate = 'now' | 'lost' | 'twice' | 'late' | 'later'

/** What is late comes behind what is published next; what is later, behind the next two. */
const delays: { readonly [K in Fate]: readonly number[] } = { now: [0], lost: [], twice: [0, 1], late: [1], later: [2] }

export class FaultyBus<Message> implements Bus<Message> {
  readonly #bus: Bus<Message>
  readonly #fateOf: (message: Message) => Fate
  #waiting: { left: number, readonly publish: () => void }[] = []

  constructor(bus: Bus<Message>, fateOf: (message: Message) => Fate = () => 'now') {
    this.#bus = bus
    this.#fateOf = fateOf
  }

  get node(): string {
    return this.#bus.node
  }

  get isAlone(): boolean {
    return this.#bus.isAlone
  }

  get isUp(): boolean {
    return this.#bus.isUp
  }

  missed(listener: () => void): void {
    this.#bus.missed(listener)
  }

  publish(subject: Subject, message: Message): void {
    const due = this.#waiting.filter(each => each.left-- <= 1)
    this.#waiting = this.#waiting.filter(each => !due.includes(each))
    for (const left of delays[this.#fateOf(message)]) {
      const bytes = serialize(message)
      const publish = () => this.#bus.publish(subject, deserialize(bytes) as Message)
      if (left === 0) publish()
      else this.#waiting.push({ left, publish })
    }
    for (const each of due) each.publish()
  }

  follow(subject: Subject): void | Promise<void> {
    return this.#bus.follow(subject)
  }

  unfollow(subject: Subject): void {
    this.#bus.unfollow(subject)
  }

  hear(listener: (message: Message, from: string) => void): void {
    this.#bus.hear(listener)
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}
