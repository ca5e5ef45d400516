// Several relays of one test, as several processes are: each with its own store on one PostgreSQL database, and what they tell each other
// passes a bus that takes its time and lets one thing overtake another.
import type { Config } from '../../src/app.ts'
import type { Bus, Subject } from '../../src/bus/bus.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import { newDatabase, type TestDatabase } from './postgres.ts'
import { startTestRelay, TestClock, type TestRelay } from './relay.ts'

/** ms until a message is there: any time between none and twice that. */
export class SlowBus<Message> implements Bus<Message> {
  readonly #bus: Bus<Message>
  readonly #delayMs: number
  readonly #random: () => number
  /** What is published meanwhile is lost; what was on its way comes. */
  isCut = false
  /** Which of what is published is lost. */
  loses: (message: Message) => boolean = () => false
  readonly #onMissed: (() => void)[] = []

  constructor(bus: Bus<Message>, delayMs: number, random: () => number) {
    this.#bus = bus
    this.#delayMs = delayMs
    this.#random = random
  }

  get node(): string {
    return this.#bus.node
  }

  /** Who comes next is not alone any more, and has to find what was told by the first. */
  readonly isAlone = false

  get isUp(): boolean {
    return !this.isCut
  }

  /** It hears again. */
  mend(): void {
    this.isCut = false
    for (const each of this.#onMissed) each()
  }

  publish(subject: Subject, message: Message): void {
    if (this.isCut || this.loses(message)) return
    if (this.#delayMs === 0) this.#bus.publish(subject, message)
    else setTimeout(() => this.#bus.publish(subject, message), this.#random() * 2 * this.#delayMs)
  }

  follow(subject: Subject): void | Promise<void> {
    this.#bus.follow(subject)
    if (this.#delayMs > 0) return new Promise(resolve => setTimeout(resolve, this.#delayMs))
  }

  unfollow(subject: Subject): void {
    this.#bus.unfollow(subject)
  }

  hear(listener: (message: Message, from: string) => void): void {
    this.#bus.hear((message, from) => {
      if (!this.isCut) listener(message, from)
    })
  }

  missed(listener: () => void): void {
    this.#onMissed.push(listener)
  }

  close(): Promise<void> {
    return this.#bus.close()
  }
}

export interface TestCluster extends AsyncDisposable {
  readonly nodes: readonly TestRelay[]
  readonly buses: readonly SlowBus<BusMessage>[]
  readonly database: TestDatabase
  readonly clock: TestClock
}

/** @example await using cluster = await startTestCluster(2, { msgRate: 10 }) */
export const startTestCluster = async (
  count: number,
  overrides: Partial<Config> = {},
  { delayMs = 0, random = Math.random, clock = new TestClock() } = {},
): Promise<TestCluster> => {
  const database = await newDatabase()
  const bus = new MemoryBus<BusMessage>()
  const nodes: TestRelay[] = []
  const buses: SlowBus<BusMessage>[] = []
  const stop = async () => {
    for (const node of nodes) await node.drain()
    await database[Symbol.asyncDispose]()
  }
  try {
    for (let n = 1; n <= count; n++) {
      const slow = new SlowBus(bus.join(`node${n}`), delayMs, random)
      buses.push(slow)
      const config = { store: database.url, nats: 'nats://in.memory', node: `node${n}`, maxFileBytes: 0, ...overrides }
      nodes.push(await startTestRelay(config, { bus: slow }, { clock }))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, buses, database, clock, [Symbol.asyncDispose]: stop }
}
