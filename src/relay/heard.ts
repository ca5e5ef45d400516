// An event of a channel in which somebody has subscribed: read once for all who hear it, and each condition is asked once.
import type { Frame } from '../../lib/protocol/index.ts'
import { hereWord, mentionsIn } from '../../lib/protocol/mentions.ts'
import { textOfFrame } from './encode.ts'

/** A condition that was checked when it was saved. */
export interface Test {
  readonly source: string
  /** What a run takes at most, of a text of so many characters: about so many nanoseconds. */
  steps(chars: number): number
  /** Never throws. */
  of(said: Frame<'MSG'>): boolean
}

/** What the conditions of a channel may take of one message together, for each thousand characters: past it they are not asked. */
const stepsPerPart = 500_000
const partChars = 1_024
const maxParts = 4

export interface Heard {
  readonly seq: number
  readonly text: Buffer
  readonly said: Frame<'MSG'>
  /** The words behind an @ in it. */
  readonly words: readonly string[]
  /** Whether it calls several: all who are here, or a group. */
  readonly callsMany: boolean
  /** What the conditions say of it; one that could not be asked says nothing. */
  readonly verdicts: ReadonlyMap<Test, boolean>
}

const noWords: readonly string[] = []

/** `tests`: those with least work first, so that the heavy ones are not asked where there is too much. */
export const heard = (text: Buffer, tests: readonly Test[], groups: readonly { readonly name: string }[] | undefined): Heard => {
  const said = JSON.parse(text.toString()) as Frame<'MSG'>
  const isMessage = said.type === 'MSG'
  const words = isMessage ? mentionsIn(said.content) : noWords
  const verdicts = new Map<Test, boolean>()
  if (isMessage) {
    const { length } = said.content
    let left = stepsPerPart * Math.min(maxParts, Math.ceil(length / partChars) || 1)
    for (const test of tests) {
      left -= test.steps(length)
      if (left < 0) break
      verdicts.set(test, test.of(said))
    }
  }
  const callsMany = words.length > 0 && (words.includes(hereWord) || groups?.some(({ name }) => words.includes(name)) === true)
  return { seq: said.seq ?? 0, text, said, words, callsMany, verdicts }
}

export const heardFrame = (frame: Buffer, tests: readonly Test[], groups: readonly { readonly name: string }[] | undefined): Heard =>
  heard(textOfFrame(frame), tests, groups)
