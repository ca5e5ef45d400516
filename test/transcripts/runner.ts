// Plays a scene against a relay: every frame in its order, and after the last line nobody has heard anything that is not written down.
import { defaultConfig, type Config } from '../../src/app.ts'
import { startTestBucket } from '../kit/bucket.ts'
import { startTestCluster } from '../kit/cluster.ts'
import { season } from '../kit/court.ts'
import { isOnPostgres } from '../kit/engine.ts'
import { bring } from '../kit/files.ts'
import { memoryFolder, newFolder } from '../kit/folder.ts'
import { expect } from 'vitest'
import { keptProblems, toldProblems } from '../kit/kept.ts'
import { startTestRelay, type TestRelay } from '../kit/relay.ts'
import { signTrade, type TradeAction } from '../../lib/identity/index.ts'
import type { Frame } from '../../lib/protocol/index.ts'
import { identityOf, signWith, type Key, type Wire } from '../kit/wire.ts'
import { Bindings } from './bindings.ts'
import type { Scene, Statement } from './script.ts'

/** How those of a scene come to the relay: by sockets, or by lines inside of it. */
type Way = 'socket' | 'inside'

class Play {
  readonly #relay: TestRelay
  /** Those who come, come to one after the other. */
  readonly #relays: readonly TestRelay[]
  #arrivals = 0
  /** In so much what one process tells another is there. */
  readonly #settleMs: number
  readonly #way: Way
  readonly #bindings = new Bindings()
  readonly #wires = new Map<string, Wire>()
  readonly #keys = new Map<string, Key>()

  /** `self`: what the relay says of itself. */
  constructor(relays: readonly TestRelay[], self: { readonly pubkey: string }, way: Way, delayMs: number) {
    const relay = relays[0]!
    this.#settleMs = 4 * delayMs
    this.#way = way
    this.#relay = relay
    this.#relays = relays
    const now = relay.clock.now()
    for (
      const [name, value] of Object.entries({
        self,
        server_key: self.pubkey,
        server_id: relay.serverId,
        origin: relay.url,
        now,
        earlier: now - 10_000,
      })
    )
      this.#bindings.bind(name, value)
  }

  /** Of those who logged in with one. */
  get keys(): readonly Key[] {
    return [...new Set(this.#keys.values())]
  }

  async run(statement: Statement): Promise<void> {
    switch (statement.kind) {
      case 'key':
        return this.#bindings.addKey(statement.name)
      case 'clock':
        return this.#relay.clock.advance(statement.ms)
      case 'drain': {
        for (const relay of this.#relays) void relay.drain()
        return
      }
      case 'connect': {
        this.#wires.set(statement.who, await (this.#way === 'socket' ? this.#next().connect() : this.#relay.connectInside()))
        return
      }
      case 'login': {
        const key = statement.key === undefined ? undefined : this.#bindings.key(statement.key)
        const options = { ...this.#bindings.fill(statement.fields) as object, ...(key !== undefined && { key }) }
        const wire = await (this.#way === 'socket'
          ? this.#next().login(statement.who, options)
          : this.#relay.loginInside(statement.who, options))
        this.#wires.set(statement.who, wire)
        if (key !== undefined) this.#keys.set(statement.who, key)
        this.#bindings.bind(`id:${statement.who}`, wire.id)
        return
      }
      case 'season':
        return season(this.#relay, identityOf(this.#keys.get(statement.who)!))
      case 'bring': {
        await bring(this.#way === 'socket' ? this.#next() : this.#relay, this.#wire(statement.who), statement.text)
        return
      }
      case 'leave':
        return this.#wire(statement.who).close()
      case 'silence': {
        await this.#settled()
        return this.#wire(statement.who).hearsNothing()
      }
      case 'send':
        return this.#wire(statement.who).send(this.#bindings.fill(statement.frame) as object)
      case 'sign': {
        const { type, ...fields } = this.#bindings.fill(statement.frame) as { readonly type: TradeAction }
        const key = this.#keys.get(statement.who)
        if (key === undefined) throw new Error(`${statement.who} has no key`)
        const signed = signTrade({ agentId: key.id, sign: text => signWith(key, text) }, type, fields, {
          relay: this.#relay.serverId,
          ts: this.#relay.clock.now(),
        })
        return this.#wire(statement.who).send({ type, ...fields, ...signed })
      }
      case 'sendText':
        return this.#wire(statement.who).send(statement.text)
      case 'hear': {
        const heard = this.#unmarked(await this.#wire(statement.who).next(), statement.frame)
        const mismatch = this.#bindings.mismatch(statement.frame, heard)
        if (mismatch !== undefined) throw new Error(`${mismatch}\nheard ${JSON.stringify(heard)}`)
        return
      }
      case 'closed': {
        const { code } = await this.#wire(statement.who).closed()
        if (code !== statement.code) throw new Error(`closed with ${code}`)
        return
      }
      default:
        statement satisfies never
    }
  }

  /** Whatever anybody heard was written down. */
  async finish(): Promise<void> {
    await this.#settled()
    for (const [who, wire] of this.#wires) {
      if (!wire.isClosed) await wire.barrier()
      const extra = wire.unread[0]
      if (extra !== undefined) throw new Error(`${who} also heard ${JSON.stringify(extra)}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#wires.values()) await wire[Symbol.asyncDispose]()
  }

  /** What is told late is read from the log, and says so, should the like of it have come first. */
  #unmarked(heard: Frame, awaited: unknown): Frame {
    if (this.#settleMs === 0 || 'replay' in (awaited as object)) return heard
    const { replay: _replay, ...unmarked } = heard as Frame<'MSG'>
    return unmarked as Frame
  }

  async #settled(): Promise<void> {
    if (this.#settleMs > 0) await new Promise(resolve => setTimeout(resolve, this.#settleMs))
  }

  #next(): TestRelay {
    return this.#relays[this.#arrivals++ % this.#relays.length]!
  }

  #wire(who: string): Wire {
    const wire = this.#wires.get(who)
    if (wire === undefined) throw new Error(`${who} is not connected`)
    return wire
  }
}

/** … and what it left behind can be carried away and brought back; `isTold`: a relay on it says what the first one says, too. */
export const playScene = async (scene: Scene, isTold: boolean): Promise<void> => {
  using data = newFolder(memoryFolder())
  const keys = await playOn({ data: data.path, ...scene.relay as Partial<Config> }, scene.statements, 'socket')
  // What is kept on a server is carried away by the server's own means.
  if (isOnPostgres) return
  expect(await (isTold ? toldProblems(data.path, keys) : keptProblems(data.path))).toEqual([])
}

/** The same without sockets. */
export const playSceneInside = async ({ relay, statements }: Scene): Promise<void> => {
  await playOn(relay as Partial<Config>, statements, 'inside')
}

/** The same with several processes, to which those of the scene come in turns; `delayMs`: how long those need to tell each other. */
export const playSceneApart = async ({ relay, statements }: Scene, nodes: number, delayMs: number, random: () => number): Promise<void> => {
  // Bytes of files are where all of them reach them.
  await using bucket = await startTestBucket()
  const { maxFileBytes } = defaultConfig()
  await using cluster = await startTestCluster(nodes, { maxFileBytes, ...bucket.settings, ...relay as Partial<Config> }, {
    delayMs,
    random,
    isShuffled: true,
    // Longer than what a scene says of one thing takes here: what it was told of late would be told apart.
    pace: { signalMs: 3_000 },
  })
  await playAmong(cluster.nodes, statements, delayMs)
}

/** The same among processes that run. */
export const playAmong = async (relays: readonly TestRelay[], statements: Scene['statements'], delayMs: number): Promise<void> => {
  await playWith(relays, statements, 'socket', delayMs)
}

const playOn = async (config: Partial<Config>, statements: Scene['statements'], way: Way): Promise<readonly Key[]> => {
  await using relay = await startTestRelay(config, { pace: { signalMs: 200 } })
  return await playWith([relay], statements, way)
}

const playWith = async (
  relays: readonly TestRelay[],
  statements: Scene['statements'],
  way: Way,
  delayMs = 0,
): Promise<readonly Key[]> => {
  const self = await (await fetch(`${relays[0]!.httpUrl}/.well-known/agentchat.json`)).json() as { pubkey: string }
  await using play = new Play(relays, self, way, delayMs)
  for (const statement of statements) {
    try {
      await play.run(statement)
    } catch (error) {
      throw new Error(`line ${statement.line}: ${(error as Error).message}`, { cause: error })
    }
  }
  await play.finish()
  return play.keys
}
