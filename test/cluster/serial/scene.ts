// Two agents, each connected to two processes, and what is theirs alone in a scene: so that many scenes are played beside each other.
import type { Frame } from '../../../lib/protocol/index.ts'
import type { TestRelay } from '../../kit/relay.ts'
import { adminKey, Trader, type Signed } from '../../kit/trade.ts'
import { newKey, type Key, type Wire } from '../../kit/wire.ts'

export type Name = 'ann' | 'bob'
/** Of the two processes; where one serves all, both are it. */
export type Side = 0 | 1

interface Player {
  readonly key: Key
  /** By side. */
  readonly wires: readonly [Wire, Wire]
}

/** Two agents that play one scene after the other. */
export class Lane implements AsyncDisposable {
  readonly players: Readonly<Record<Name, Player>>
  readonly relays: readonly [TestRelay, TestRelay]

  private constructor(players: Lane['players'], relays: Lane['relays']) {
    this.players = players
    this.relays = relays
  }

  static async enter(relays: readonly [TestRelay, TestRelay]): Promise<Lane> {
    const player = async (name: Name): Promise<Player> => {
      const key = newKey()
      const [left, right] = await Promise.all(
        relays.map((relay, side) => relay.login(name, { key, session: `at${side}`, autojoin: false, inbox: 'manual' })),
      )
      return { key, wires: [left!, right!] }
    }
    return new Lane({ ann: await player('ann'), bob: await player('bob') }, relays)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { wires } of Object.values(this.players)) for (const wire of wires) await wire[Symbol.asyncDispose]()
  }
}

/** What a request says, by the names of a scene. */
export type Says = (scene: Scene) => { readonly type: string } & Record<string, unknown>

export class Scene {
  readonly #lane: Lane
  /** Of what is its own: a channel, a currency. */
  readonly room: `#${string}`
  readonly currency: string
  /** What it keeps: ids of messages, of proposals. */
  readonly kept: Record<string, string> = {}
  #asked = 0
  readonly #once = new Map<string, ReturnType<Says>>()

  /** @param n which no other scene of its relays has */
  constructor(lane: Lane, n: number) {
    this.#lane = lane
    this.room = `#s${n}x`
    this.currency = `Q${n}Q`
  }

  get relay(): TestRelay {
    return this.#lane.relays[0]
  }

  id(name: Name): string {
    return this.#lane.players[name].key.id
  }

  wire(name: Name, side: Side): Wire {
    return this.#lane.players[name].wires[side]
  }

  sign(name: Name, action: Parameters<Trader['sign']>[0], fields: Record<string, unknown>): Signed {
    return new Trader(this.wire(name, 0), this.#lane.players[name].key, this.relay).sign(action, fields)
  }

  /** The same request, however often it is asked for. */
  once(name: string, make: () => ReturnType<Says>): ReturnType<Says> {
    const request = this.#once.get(name) ?? make()
    this.#once.set(name, request)
    return request
  }

  answer(name: Name, request: Parameters<Wire['answer']>[0], side: Side): Promise<Frame> {
    return this.wire(name, side).answer({ id: this.#newId(), ...request })
  }

  /** Before it begins: what is asked has to be done. */
  async ask<T extends Parameters<Wire['ask']>[1]>(
    name: Name,
    request: Parameters<Wire['ask']>[0],
    answer: T,
    side: Side = 0,
  ): Promise<Frame<T>> {
    return this.wire(name, side).ask({ id: this.#newId(), ...request }, answer)
  }

  async credit(name: Name, amountMinor: number): Promise<void> {
    await this.ask('ann', {
      type: 'ADMIN_CREDIT',
      admin_key: adminKey,
      agent_id: this.id(name),
      currency: this.currency,
      amount_minor: amountMinor,
      note: 'to begin with',
    }, 'ADMIN_RESULT')
  }

  /** With the names of a scene in the place of what other scenes call otherwise. */
  named(value: unknown): unknown {
    let text = JSON.stringify(value)
    const names: (readonly [string, string])[] = [
      [this.id('ann'), '@ann'],
      [this.id('bob'), '@bob'],
      [this.room, '#room'],
      [this.currency, 'MONEY'],
      ...Object.entries(this.kept).map(([name, id]) => [id, `<${name}>`] as const),
    ]
    for (const [own, name] of names) text = text.replaceAll(own, name)
    return JSON.parse(text)
  }

  /** An id is an agent's, whatever the connection. */
  #newId(): string {
    return `${this.room}-${++this.#asked}`
  }

  forget(): void {
    for (const { wires } of Object.values(this.#lane.players)) for (const wire of wires) wire.forget()
  }
}
