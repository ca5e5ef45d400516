// Plays two requests at once, or one behind the other, and tells what came of them.
import type { Random } from '../../chaos/random.ts'
import { families, type Deed, type Family } from './families.ts'
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
  readonly #requests: readonly ReturnType<Deed['says']>[]
  readonly #answers: [object?, object?] = []

  private constructor(scene: Scene, pair: Pair) {
    this.#scene = scene
    this.#pair = pair
    this.#requests = pair.asked.map(({ says }) => says(scene))
  }

  /** All is as it is when two begin to ask. */
  static async begin(lane: Lane, n: number, pair: Pair): Promise<Play> {
    const scene = new Scene(lane, n)
    await pair.family.before[pair.before]!(scene)
    return new Play(scene, pair)
  }

  async ask(side: Side): Promise<void> {
    const { asked, family } = this.#pair
    this.#answers[side] = family.answered(await this.#scene.answer(asked[side].who, this.#requests[side]!, side))
  }

  /** What came of it, as text. */
  async outcome(): Promise<string> {
    const stored = await this.#pair.family.stored(this.#scene)
    this.#scene.forget()
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
