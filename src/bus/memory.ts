// The bus of processes that are one: it is alone where one relay is, and costs nothing then.
import type { Bus, Subject } from './bus.ts'

export class MemoryBus<Message> {
  readonly #nodes = new Set<MemoryNode<Message>>()

  /** One more node; `node` names it. */
  join(node: string): Bus<Message> {
    const joined = new MemoryNode<Message>(node, this.#nodes)
    this.#nodes.add(joined)
    return joined
  }
}

class MemoryNode<Message> implements Bus<Message> {
  readonly node: string
  readonly #nodes: Set<MemoryNode<Message>>
  readonly #followed = new Set<Subject>()
  #listener: ((message: Message, from: string) => void) | undefined

  constructor(node: string, nodes: Set<MemoryNode<Message>>) {
    this.node = node
    this.#nodes = nodes
  }

  readonly isUp = true

  get isAlone(): boolean {
    return this.#nodes.size === 1
  }

  publish(subject: Subject, message: Message): void {
    if (!this.#nodes.has(this)) return
    for (const other of this.#nodes) if (other !== this && other.#followed.has(subject)) other.#take(message, this.node)
  }

  follow(subject: Subject): void {
    this.#followed.add(subject)
  }

  unfollow(subject: Subject): void {
    this.#followed.delete(subject)
  }

  hear(listener: (message: Message, from: string) => void): void {
    this.#listener = listener
  }

  /** Nothing is. */
  missed(): void {}

  close(): Promise<void> {
    this.#nodes.delete(this)
    return Promise.resolve()
  }

  /** Behind what runs now: who publishes is in the midst of its own. */
  #take(message: Message, from: string): void {
    queueMicrotask(() => {
      if (this.#nodes.has(this)) this.#listener?.(message, from)
    })
  }
}
