// Two agents, each connected to two processes, and what is theirs alone in a scene: so that many scenes are played beside each other. Who may
// judge between two is there for all of them.
import type { Frame } from '../../../lib/protocol/index.ts'
import type { TestRelay } from '../../kit/relay.ts'
import { adminKey, Trader, type Signed } from '../../kit/trade.ts'
import { newKey, type Key, type Wire } from '../../kit/wire.ts'

export type Party = 'ann' | 'bob'
/** Of a panel, in the order of the draw. */
export const seats = ['seat 0', 'seat 1', 'seat 2'] as const
export type Seat = typeof seats[number]
export type Name = Party | Seat
/** Of the two processes; where one serves all, both are it. */
export type Side = 0 | 1

type Relays = readonly [TestRelay, TestRelay]

class Player implements AsyncDisposable {
  readonly key: Key
  /** By side. */
  readonly wires: readonly [Wire, Wire]

  private constructor(key: Key, wires: Player['wires']) {
    this.key = key
    this.wires = wires
  }

  static async enter(relays: Relays, name: string, key: Key): Promise<Player> {
    const [left, right] = await Promise.all(
      relays.map((relay, side) => relay.login(name, { key, session: `at${side}`, autojoin: false, inbox: 'manual' })),
    )
    return new Player(key, [left!, right!])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.wires) await wire[Symbol.asyncDispose]()
  }
}

/** Those who may judge, by their ids. */
export class Jury implements AsyncDisposable {
  readonly players: ReadonlyMap<string, Player>

  private constructor(players: readonly Player[]) {
    this.players = new Map(players.map(player => [player.key.id, player]))
  }

  static async enter(relays: Relays, keys: readonly Key[]): Promise<Jury> {
    return new Jury(await Promise.all(keys.map((key, i) => Player.enter(relays, `juror${i}`, key))))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const player of this.players.values()) await player[Symbol.asyncDispose]()
  }
}

/** Two agents that play one scene after the other. */
export class Lane implements AsyncDisposable {
  readonly players: Readonly<Record<Party, Player>>
  readonly relays: Relays
  readonly jury: Jury

  private constructor(players: Lane['players'], relays: Relays, jury: Jury) {
    this.players = players
    this.relays = relays
    this.jury = jury
  }

  static async enter(relays: Relays, jury: Jury): Promise<Lane> {
    const [ann, bob] = await Promise.all((['ann', 'bob'] as const).map(name => Player.enter(relays, name, newKey())))
    return new Lane({ ann: ann!, bob: bob! }, relays, jury)
  }

  /** The same place for two who did nothing yet. */
  newcomers(): Promise<Lane> {
    return Lane.enter(this.relays, this.jury)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const player of Object.values(this.players)) await player[Symbol.asyncDispose]()
  }
}

/** What a request says, by the names of a scene. */
export type Says = (scene: Scene) => { readonly type: string } & Record<string, unknown>

export class Scene implements AsyncDisposable {
  readonly #lane: Lane
  /** Of what is its own: a channel, a currency. */
  readonly room: `#${string}`
  readonly currency: string
  /** What it keeps: ids of messages, of proposals. */
  readonly kept: Record<string, string> = {}
  /** Connections of its own. */
  readonly opened: Wire[] = []
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
    return this.key(name).id
  }

  key(name: Name): Key {
    return this.#player(name).key
  }

  wire(name: Name, side: Side): Wire {
    return this.#player(name).wires[side]
  }

  /** One more connection. */
  async connect(side: Side): Promise<Wire> {
    const wire = await this.#lane.relays[side].connect()
    this.opened.push(wire)
    return wire
  }

  #player(name: Name): Player {
    return name === 'ann' || name === 'bob' ? this.#lane.players[name] : this.#lane.jury.players.get(this.kept[name]!)!
  }

  sign(name: Name, action: Parameters<Trader['sign']>[0], fields: Record<string, unknown>): Signed {
    return new Trader(this.wire(name, 0), this.key(name), this.relay).sign(action, fields)
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

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.opened) await wire[Symbol.asyncDispose]()
    for (const { wires } of Object.values(this.#lane.players)) for (const wire of wires) wire.forget()
  }
}
