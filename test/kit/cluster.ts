// Several relays of one test, as several processes are: each with its own store on one PostgreSQL database, and what they tell each other
// passes a bus that takes its time and lets one thing overtake another.
import type { Config, RelayParts } from '../../src/app.ts'
import type { Bus, Subject } from '../../src/bus/bus.ts'
import { MemoryBus } from '../../src/bus/memory.ts'
import type { BusMessage } from '../../src/relay/told.ts'
import { newDatabase, type TestDatabase } from './postgres.ts'
import { startTestRelay, TestClock, type TestRelay } from './relay.ts'
import { watchStatements } from './statements.ts'

/** What is published is there after any time up to twice the delay: in its order, as NATS keeps it on one line, or shuffled. */
export class SlowBus<Message> implements Bus<Message> {
  readonly #bus: Bus<Message>
  readonly #delayMs: number
  readonly #random: () => number
  /** What is published meanwhile is lost; what was on its way comes. */
  isCut = false
  /** Which of what is published is lost. */
  loses: (message: Message) => boolean = () => false
  /** Which of it comes twice, each in its time. */
  doubles: (message: Message) => boolean = () => false
  readonly #onMissed: (() => void)[] = []
  readonly #isShuffled: boolean
  readonly #underWay: (() => void)[] = []

  constructor(bus: Bus<Message>, delayMs: number, random: () => number, isShuffled: boolean) {
    this.#bus = bus
    this.#delayMs = delayMs
    this.#random = random
    this.#isShuffled = isShuffled
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
    this.#publish(subject, message)
    if (this.doubles(message)) this.#publish(subject, message)
  }

  #publish(subject: Subject, message: Message): void {
    if (this.#delayMs === 0) return this.#bus.publish(subject, message)
    const tell = () => this.#bus.publish(subject, message)
    if (!this.#isShuffled) this.#underWay.push(tell)
    // Whichever is due: in order it is the first of those under way.
    setTimeout(() => this.#isShuffled ? tell() : this.#underWay.shift()!(), this.#random() * 2 * this.#delayMs)
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

/** Resolves when a process knows all there is of the others. */
const known = async ({ httpUrl }: TestRelay, count: number): Promise<void> => {
  for (;;) {
    const { nodes } = await (await fetch(`${httpUrl}/health`)).json() as {
      readonly nodes: { readonly live: number, readonly behind: number }
    }
    if (nodes.live === count && nodes.behind === 0) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

export interface ClusterOptions {
  /** Between the processes: any time up to twice as much. */
  readonly delayMs?: number
  /** One thing overtakes another. */
  readonly isShuffled?: boolean
  readonly random?: () => number
  readonly clock?: TestClock
  readonly pace?: RelayParts['pace']
  readonly openStore?: RelayParts['openStore']
  /** By which way each of them, from 1 on, reaches the database. */
  readonly storeOf?: (database: TestDatabase, n: number) => string
}

/** @example await using cluster = await startTestCluster(2, { msgRate: 10 }) */
export const startTestCluster = async (
  count: number,
  overrides: Partial<Config> = {},
  {
    delayMs = 0,
    isShuffled = false,
    random = Math.random,
    clock = new TestClock(),
    pace = {},
    openStore,
    storeOf = ({ url }) => url,
  }: ClusterOptions = {},
): Promise<TestCluster> => {
  await watchStatements()
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
      const slow = new SlowBus(bus.join(`node${n}`), delayMs, random, isShuffled)
      buses.push(slow)
      const config = { store: storeOf(database, n), nats: 'nats://in.memory', node: `node${n}`, maxFileBytes: 0, ...overrides }
      nodes.push(
        await startTestRelay(config, { bus: slow, pace: { ...pace, isOwnTime: true }, ...(openStore && { openStore }) }, { clock }),
      )
    }
    await Promise.all(nodes.map(node => known(node, count)))
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, buses, database, clock, [Symbol.asyncDispose]: stop }
}
