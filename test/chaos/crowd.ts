// Several processes of one relay as the run sees them: one of them is killed, stands still or has a wrong clock, and whoever connects comes to
// one that runs, if any does.
import { TestNats } from '../kit/nats.ts'
import type { Fault } from './ground.ts'
import { Random } from './random.ts'
import { noTrouble, type BusTrouble } from './shaken-bus.ts'
import type { Attacked, Victim } from './victim.ts'
import { Way } from './way.ts'

/** Longer than the lease for which a process is believed to run. */
const longestPauseMs = 14_000
const leaseMs = 10_000
/** So often a balancer asks each process whether it is ready, so long it waits for the answer, and so often in vain before it sends nobody. */
const checkMs = 500
const checkPatienceMs = 1_000
const maxFailedChecks = 2
/** Beyond that a process of several is not to serve at all. */
const maxClockOffsetMs = 30_000
/** What one hears badly of the others: little of it, all of it twice, one thing before the other, or nothing. */
const troubles: readonly BusTrouble[] = [
  { lost: 0.1, twice: 0.1, lateMs: 50 },
  { lost: 0, twice: 1, lateMs: 100 },
  { lost: 0.5, twice: 0.2, lateMs: 400 },
  { lost: 1, twice: 0, lateMs: 0 },
]

export class Crowd implements Attacked {
  readonly #nodes: readonly Victim[]
  readonly #random: Random
  readonly #failed = new Map<Victim, number>()
  readonly #checking: NodeJS.Timeout
  #killed: Victim | undefined

  constructor(nodes: readonly Victim[], seed: number) {
    this.#nodes = nodes
    this.#random = new Random(seed, 'crowd')
    this.#checking = setInterval(() => {
      for (const node of nodes) void this.#check(node)
    }, checkMs)
  }

  /** Where a balancer sends who comes: one that is ready, or, where none says so, any that runs. */
  get port(): number {
    const running = this.#nodes.filter(({ isRunning }) => isRunning)
    const ready = running.filter(node => (this.#failed.get(node) ?? 0) < maxFailedChecks)
    return this.#one(ready.length > 0 ? ready : running.length > 0 ? running : this.#nodes).port
  }

  get kills(): number {
    return this.#nodes.reduce((sum, { kills }) => sum + kills, 0)
  }

  get fallen(): number {
    return this.#nodes.reduce((sum, { fallen }) => sum + fallen, 0)
  }

  get ownEnds(): number {
    return this.#nodes.reduce((sum, { ownEnds }) => sum + ownEnds, 0)
  }

  get isStarting(): boolean {
    return this.#nodes.some(({ isStarting }) => isStarting)
  }

  get refusals(): string[] {
    return this.#nodes.flatMap(({ refusals }) => refusals.splice(0))
  }

  async start(): Promise<void> {
    if (this.#killed !== undefined) return this.#killed.start()
    for (const node of this.#nodes) await node.start()
  }

  async kill(): Promise<void> {
    this.#killed = this.#one(this.#nodes)
    await this.#killed.kill()
  }

  /** Kills one process after the other, while nothing else is wrong; gives what `served` tells each time when everybody is served again. */
  async killAlone(count: number, served: () => Promise<number>): Promise<readonly number[]> {
    const told: number[] = []
    let starting: Promise<void> | undefined
    for (let n = 0; n < count; n++) {
      const node = this.#nodes[n % this.#nodes.length]!
      await starting
      await node.kill()
      told.push(Math.round(await served()))
      starting = node.start()
    }
    await starting
    return told
  }

  async end(): Promise<void> {
    await Promise.all(this.#nodes.map(node => node.end()))
  }

  async pauseOne(random: Random, wait: (ms: number) => Promise<unknown>): Promise<void> {
    const node = this.#nodes[random.between(0, this.#nodes.length)]!
    if (node.isRunning) await node.pause(() => wait(random.between(leaseMs + 1_000, longestPauseMs)))
  }

  /** How all hear each other from now on. */
  setHearing(trouble: BusTrouble): void {
    for (const node of this.#nodes) node.setHearing(trouble)
  }

  /** One hears the others badly for a while, and does not know it. */
  async deafenOne(random: Random, wait: (ms: number) => Promise<unknown>): Promise<void> {
    const node = this.#nodes[random.between(0, this.#nodes.length)]!
    node.setHearing(troubles[random.between(0, troubles.length)]!)
    await wait(random.between(200, 5_000))
    node.setHearing(noTrouble)
  }

  get ports(): readonly number[] {
    return this.#nodes.map(({ port }) => port)
  }

  tearLog(): boolean {
    return false
  }

  setClock(offsetMs: number): void {
    this.#one(this.#nodes).setClock(offsetMs % maxClockOffsetMs)
  }

  calm(): void {
    this.setHearing(noTrouble)
    for (const node of this.#nodes) node.calm()
  }

  setDisk(): void {}

  [Symbol.dispose](): void {
    clearInterval(this.#checking)
    for (const node of this.#nodes) node[Symbol.dispose]()
  }

  async #check(node: Victim): Promise<void> {
    const isReady = node.isRunning
      && await fetch(`http://127.0.0.1:${node.port}/readyz`, { signal: AbortSignal.timeout(checkPatienceMs) })
        .then(({ ok }) => ok, () => false)
    this.#failed.set(node, isReady ? 0 : (this.#failed.get(node) ?? 0) + 1)
  }

  #one(nodes: readonly Victim[]): Victim {
    return nodes[this.#random.between(0, nodes.length)]!
  }
}

export interface Between extends AsyncDisposable {
  /** Where the n-th process reaches NATS. */
  urlOf(n: number): string
  readonly counts: {
    nats_kills: number
    nats_stalls: number
    small_payloads: number
    ways_parted: number
    pauses: number
    bad_hearings: number
  }
  /** Whether enough happened to say something. */
  readonly isTried: boolean
  faults(crowd: Crowd): Readonly<Record<string, Fault>>
}

/** What NATS takes in one message for a while: less than some of what processes tell. */
const smallPayloadBytes = 2_048

/**
 * The server of NATS between them, which ends, hangs, and takes too little; the way of each to it, which is cut, also in one direction alone;
 * and processes that stand still, or hear badly.
 */
export const between = async (nodes: number): Promise<Between> => {
  const nats = await TestNats.start()
  const ways = await Promise.all(Array.from({ length: nodes }, () => Way.open(() => Number(new URL(nats.url).port))))
  const counts = { nats_kills: 0, nats_stalls: 0, small_payloads: 0, ways_parted: 0, pauses: 0, bad_hearings: 0 }
  return {
    urlOf: n => `nats://127.0.0.1:${ways[n]!.port}`,
    counts,
    get isTried() {
      return counts.nats_kills > 0 && counts.pauses > 0 && counts.bad_hearings > 0 && counts.ways_parted > 0
    },
    faults: crowd => ({
      nats: async (random, wait, isOver) => {
        await wait(random.between(2_000, 8_000))
        if (isOver()) return
        if (random.chance(0.5)) {
          counts.nats_kills++
          await nats.stop()
          await wait(random.between(200, 4_000))
          if (random.chance(0.3)) {
            counts.small_payloads++
            await nats.start(smallPayloadBytes)
            await wait(random.between(1_000, 5_000))
            await nats.stop()
          }
          await nats.start()
        } else {
          counts.nats_stalls++
          await nats.stall(() => wait(random.between(200, 4_000)))
        }
      },
      way: async (random, wait, isOver) => {
        await wait(random.between(1_000, 6_000))
        if (isOver()) return
        counts.ways_parted++
        const way = ways[random.between(0, ways.length)]!
        const how = (['shut', 'silence', 'cutWords', 'cutAnswers'] as const)[random.between(0, 4)]!
        await way[how](() => wait(random.between(200, 6_000)))
      },
      hearing: async (random, wait, isOver) => {
        await wait(random.between(500, 4_000))
        if (isOver()) return
        counts.bad_hearings++
        await crowd.deafenOne(random, wait)
      },
      pause: async (random, wait, isOver) => {
        await wait(random.between(1_000, 6_000))
        if (isOver()) return
        counts.pauses++
        await crowd.pauseOne(random, wait)
      },
    }),
    [Symbol.asyncDispose]: async () => {
      for (const way of ways) way.close()
      await nats[Symbol.asyncDispose]()
    },
  }
}
