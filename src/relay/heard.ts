// An event of a channel in which somebody has subscribed: read once for all who hear it, and each condition is asked once.
import type { Frame } from '../../lib/protocol/index.ts'
import { hereWord, mentionsIn } from '../../lib/protocol/mentions.ts'
import { storedMsgId } from '../store/links.ts'
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
  /** The beginning of what it says. */
  readonly excerpt: string
  /** Whether it calls several: all who are here, or a group. */
  readonly callsMany: boolean
  /** What the conditions say of it; one that could not be asked says nothing. */
  readonly verdicts: ReadonlyMap<Test, boolean>
}

const noWords: readonly string[] = []
const maxExcerptChars = 120

/** A part of a text as a text of its own: as a part it would keep the whole one in memory, for as long as a digest waits. */
const ownCopy = (part: string): string => Buffer.from(part).toString()

/** A character of two halves is not cut. */
const excerptOf = (content: string): string => {
  const cut = content.slice(0, maxExcerptChars)
  const last = cut.charCodeAt(cut.length - 1)
  return ownCopy(last >= 0xd800 && last < 0xdc00 ? cut.slice(0, -1) : cut)
}

/** `tests`: those with least work first, so that the heavy ones are not asked where there is too much. */
export const heard = (text: Buffer, tests: readonly Test[], groups: readonly { readonly name: string }[] | undefined): Heard => {
  const said = JSON.parse(text.toString()) as Frame<'MSG'>
  const isMessage = said.type === 'MSG'
  const words = isMessage ? mentionsIn(said.content).map(ownCopy) : noWords
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
  return { seq: said.seq ?? 0, text, said, words, excerpt: isMessage ? excerptOf(said.content) : '', callsMany, verdicts }
}

/** Which message an event says anew, or takes back. */
export const changedBy = ({ edit, retract }: Heard['said']): string | undefined => edit?.of ?? retract?.of

export const heardFrame = (frame: Buffer, tests: readonly Test[], groups: readonly { readonly name: string }[] | undefined): Heard =>
  heard(textOfFrame(frame), tests, groups)

/** Ids of the events that one of these agents said. Found by their bytes: a quote inside of a string is written otherwise. */
export const saidBy = (rows: readonly { readonly text: Buffer }[], agents: readonly string[]): readonly string[] => {
  const froms = agents.map(agent => Buffer.from(`"from":"${agent}"`))
  return rows.flatMap(({ text }) => froms.some(from => text.includes(from)) ? storedMsgId(text) ?? [] : [])
}
