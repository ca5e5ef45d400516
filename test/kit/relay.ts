// Relays for tests: quiet, on a free port of the loopback, in memory, unpaced, with a clock that a test can move.
import { startRelay, defaultConfig, type Config, type RelayParts, type RunningRelay } from '../../src/app.ts'
import type { Inside } from '../../src/relay/inside.ts'
import type { Clock } from '../../src/base/clock.ts'
import { openRunStore } from './engine.ts'
import { HeldStore } from './store.ts'
import { connect, connectBy, insideCable, login, loginOn, type LoginOptions, type Wire } from './wire.ts'

/** A clock that is moved is looked at soon, and nobody is given up for what it was moved by. */
const tickMs = 20

/** Real time, moved or stopped by hand. */
export class TestClock implements Clock {
  #aheadMs = 0
  #stoppedAt: number | undefined

  now(): number {
    return (this.#stoppedAt ?? Date.now()) + this.#aheadMs
  }

  /** Nothing happens by the clock any more: no sweep runs beside what a test counts. */
  stop(at = Date.now()): void {
    this.#stoppedAt = at
  }

  go(): void {
    this.#stoppedAt = undefined
  }

  advance(ms: number): void {
    this.#aheadMs += ms
  }
}

export const testConfig = (overrides: Partial<Config> = {}): Config =>
  defaultConfig({
    host: '127.0.0.1',
    port: 0,
    data: ':memory:',
    logLevel: 'silent',
    msgRate: 0,
    // What is not built is not there.
    console: false,
    drainMs: 500,
    pingTimeoutMs: 1e12,
    ...overrides,
  })

export class TestRelay {
  readonly clock: TestClock
  readonly store: HeldStore
  readonly #running: RunningRelay
  readonly #stopped: () => Promise<void>

  /** `stopped`: called when it has stopped. */
  constructor(running: RunningRelay, clock: TestClock, store: HeldStore, stopped: () => Promise<void> = () => Promise.resolve()) {
    this.#stopped = stopped
    this.#running = running
    this.clock = clock
    this.store = store
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#running.port}`
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${this.#running.port}`
  }

  get webPort(): number | undefined {
    return this.#running.webPort
  }

  get setUpUrl(): string | undefined {
    return this.#running.setUpUrl
  }

  get metricsPort(): number | undefined {
    return this.#running.metricsPort
  }

  get serverId(): string {
    return this.#running.serverId
  }

  connect(from?: string, headers?: Readonly<Record<string, string>>): Promise<Wire> {
    return connect(this.url, from, headers)
  }

  login(name: string, options?: Parameters<typeof login>[2]): Promise<Wire> {
    return login(this.url, name, options)
  }

  get inside(): Inside {
    return this.#running.inside
  }

  /** The same without a socket. */
  connectInside(): Promise<Wire> {
    return connectBy(insideCable(this.inside, this))
  }

  /** Why it has to be started again. */
  get renewed(): Promise<string> {
    return this.#running.renewed
  }

  async loginInside(name: string, options?: LoginOptions): Promise<Wire> {
    return loginOn(await this.connectInside(), this.url, name, options)
  }

  /** One number of /metrics. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.httpUrl}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  }

  async drain(): Promise<void> {
    this.store.release()
    await this.leave()
  }

  /** The same while a test holds the store. */
  async leave(): Promise<void> {
    await this.#running.drain()
    await this.#stopped()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain()
  }
}

/** @example await using relay = await startTestRelay({ captcha: true }) */
export const startTestRelay = async (
  overrides: Partial<Config> = {},
  parts: Omit<RelayParts, 'clock'> = {},
  { clock = new TestClock(), stopped }: { readonly clock?: TestClock, readonly stopped?: () => Promise<void> } = {},
): Promise<TestRelay> => {
  let store: HeldStore | undefined
  const running = await startRelay(testConfig(overrides), {
    loadsLate: true,
    ...parts,
    pace: { tickMs, ...parts.pace },
    clock,
    openStore: async options => store = new HeldStore(await (parts.openStore ?? openRunStore)(options)),
  })
  return new TestRelay(running, clock, store!, stopped)
}
