// Plays two requests at once, or one behind the other, and tells what came of them.
import type { Frame } from '../../../lib/protocol/index.ts'
import type { Random } from '../../chaos/random.ts'
import { families } from './families.ts'
import type { Deed, Family } from './family.ts'
import { Scene, type Lane, type Side } from './scene.ts'

export interface Pair {
  readonly family: Family
  /** How it begins. */
  readonly before: string
  /** What is asked at each side. */
  readonly asked: readonly [Deed, Deed]
}

export const labelOf = ({ family, before, asked }: Pair): string =>
  `${family.name}: ${before}; ${asked.map(({ who, what }) => `${who} ${what}`).join(' | ')}`

export const pairOf = (random: Random, among: readonly Family[] = families): Pair => {
  const pick = <T>(list: readonly T[]): T => list[random.between(0, list.length)]!
  const family = pick(among)
  return { family, before: pick(Object.keys(family.before)), asked: [pick(family.deeds), pick(family.deeds)] }
}

export const pairNamed = (name: string, before: string, one: string, other: string): Pair => {
  const family = families.find(each => each.name === name)!
  const deed = (label: string) => family.deeds.find(({ who, what }) => label === `${who} ${what}`)!
  return { family, before, asked: [deed(one), deed(other)] }
}

/** A pair that is about to be asked. */
export class Play {
  readonly #scene: Scene
  readonly #pair: Pair
  readonly #asks: readonly (() => Promise<Frame>)[]
  /** Of its own. */
  readonly #lane: Lane | undefined
  readonly #answers: [object?, object?] = []

  private constructor(scene: Scene, pair: Pair, asks: readonly (() => Promise<Frame>)[], lane: Lane | undefined) {
    this.#scene = scene
    this.#pair = pair
    this.#asks = asks
    this.#lane = lane
  }

  /** All is as it is when two begin to ask. */
  static async begin(lane: Lane, n: number, pair: Pair): Promise<Play> {
    const own = pair.family.isOfNewcomers ? await lane.newcomers() : undefined
    const scene = new Scene(own ?? lane, n)
    await pair.family.before[pair.before]!(scene)
    const [one, other] = pair.asked
    return new Play(scene, pair, [await one.ready(scene, 0), await other.ready(scene, 1)], own)
  }

  async ask(side: Side): Promise<void> {
    this.#answers[side] = this.#pair.family.answered(await this.#asks[side]!())
  }

  /** What came of it, as text. */
  async outcome(): Promise<string> {
    const { family } = this.#pair
    const stored = await family.stored(this.#scene)
    await family.over?.(this.#scene)
    await this.#scene[Symbol.asyncDispose]()
    await this.#lane?.[Symbol.asyncDispose]()
    return JSON.stringify(sorted(this.#scene.named({ answers: this.#answers, stored })), undefined, 1)
  }
}

/** What comes of it when the one is answered before the other asks. */
export const inTurn = async (lane: Lane, n: number, pair: Pair, sides: readonly [Side, Side]): Promise<string> => {
  const play = await Play.begin(lane, n, pair)
  for (const side of sides) await play.ask(side)
  return play.outcome()
}

/** Rows have no order but what they are called by; events and answers have. */
const sorted = (value: unknown, name = ''): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return name === 'events' || name === 'answers' ? value : value.map(each => JSON.stringify(each)).sort()
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sorted(each, key)]))
}
