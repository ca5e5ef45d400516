// The relay as the run sees it: killed without warning, and started again on the same data and port.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from './child.ts'
import { endsItself, type Promised } from './promises.ts'
import type { Random } from './random.ts'
import type { RelayCommand, RelayReady, RelayStart } from './relay-process.ts'
import { noTrouble, type BusTrouble } from './shaken-bus.ts'
import { tearWal } from './wal.ts'

const startPatienceMs = 60_000
const startPauseMs = 200

/** What a run attacks: a relay, however many processes it is. */
export type Attacked =
  & Pick<
    Victim,
    | 'port'
    | 'kills'
    | 'fallen'
    | 'ownEnds'
    | 'isStarting'
    | 'refusals'
    | 'start'
    | 'kill'
    | 'end'
    | 'tearLog'
    | 'setClock'
    | 'calm'
    | 'setDisk'
  >
  & Disposable

/** A process among several: another name each time it starts, or its own. */
export interface Apart {
  readonly nats: string
  readonly seed: number
  name(): string
}

export class Victim implements Disposable {
  readonly #apart: Apart | undefined
  readonly #data: string
  readonly #url: () => string
  readonly #channels: readonly string[]
  readonly #broken: Promised | undefined
  readonly #store: string | undefined
  #child: Child<RelayCommand, RelayReady> | undefined
  #clockOffsetMs = 0
  #trouble = noTrouble
  port = 0
  kills = 0
  /** How often it ended by itself, in the worst moment for what it promised. */
  ownEnds = 0
  /** How often it ended by itself, though it promised nothing of the kind. */
  fallen = 0
  isStarting = false
  #isCalm = false
  /** Why it did not start, when it was started again. */
  readonly refusals: string[] = []

  /** `url`: where clients dial it; `store`: a database server, if its data is on one. */
  constructor(
    data: string,
    url: () => string,
    channels: readonly string[],
    broken: Promised | undefined,
    store: string | undefined,
    apart?: Apart,
  ) {
    this.#apart = apart
    this.#data = data
    this.#url = url
    this.#channels = channels
    this.#broken = broken
    this.#store = store
  }

  /** A database server may be away when a relay starts; then it is started again, as a supervisor does. */
  async start(): Promise<void> {
    this.isStarting = true
    const deadline = performance.now() + (this.#store === undefined ? 0 : startPatienceMs)
    for (;;) {
      try {
        await this.#start()
        this.isStarting = false
        return
      } catch (error) {
        if (performance.now() >= deadline) throw error
        this.refusals.push(String(error))
        await sleep(startPauseMs)
      }
    }
  }

  async #start(): Promise<void> {
    const start: RelayStart = {
      data: this.#data,
      port: this.port,
      url: this.#url(),
      channels: this.#channels,
      clockOffsetMs: this.#clockOffsetMs,
      broken: this.#broken,
      isCalm: this.#isCalm,
      store: this.#store,
      apart: this.#apart && { nats: this.#apart.nats, seed: this.#apart.seed, node: this.#apart.name(), trouble: this.#trouble },
    }
    await new Promise<void>((resolve, reject) => {
      let isUp = false
      const child = this.#child = new Child<RelayCommand, RelayReady>('./relay-process.js', start, ({ port, refused }) => {
        if (refused !== undefined) return reject(new Error(`the relay does not start: ${refused}`))
        this.port = port
        isUp = true
        resolve()
      })
      void child.ended.then(() => {
        reject(new Error('the relay ended by itself'))
        // One that breaks a promise ends in its worst moment, and is started again as by a supervisor.
        if (this.#child !== child || this.port === 0) return
        // Where it waits for its database it is started again by whoever waits.
        if (this.#store !== undefined && !isUp) return
        if (this.#store === undefined || endsItself(this.#broken)) this.ownEnds++
        else this.fallen++
        void this.start().catch(() => undefined)
      })
    })
  }

  async kill(): Promise<void> {
    this.kills++
    await this.end()
  }

  async end(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    child?.signal('SIGKILL')
    await child?.ended
  }

  get isRunning(): boolean {
    return this.#child?.isOver === false && !this.isStarting
  }

  /** It stands still for as long, and does not know it. */
  async pause(wait: () => Promise<unknown>): Promise<void> {
    const child = this.#child
    child?.signal('SIGSTOP')
    try {
      await wait()
    } finally {
      child?.signal('SIGCONT')
    }
  }

  /** Damages what a crash may damage, while no relay runs; false: there is nothing. */
  tearLog(random: Random): boolean {
    const wal = join(this.#data, 'agentchat.db-wal')
    if (!existsSync(wal)) return false
    tearWal(wal, random)
    return true
  }

  setClock(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs
    this.#child?.tell({ kind: 'clock', offsetMs })
  }

  /** How it hears the others from now on. */
  setHearing(trouble: BusTrouble): void {
    this.#trouble = trouble
    this.#child?.tell({ kind: 'bus', trouble })
  }

  /** From now on it does not end by itself. */
  calm(): void {
    this.#isCalm = true
    this.#child?.tell({ kind: 'calm' })
  }

  setDisk(isFull: boolean): void {
    this.#child?.tell({ kind: 'disk', isFull })
  }

  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]()
  }
}
