// What conditions may name of an event: its words, and where they are found in what is stored.
import { fieldLimits } from '../../lib/protocol/field-limits.ts'
import type { Values, Vocabulary } from '../../lib/rules/index.ts'
import { maxMentions, mentionsIn } from '../../lib/protocol/mentions.ts'

/** Characters of a content that a condition sees: what comes behind them is long, and costs everybody. */
const maxContentChars = 16_384
const maxIdChars = 65

export const eventWords = {
  event: { kind: 'text', maxChars: 64, doc: 'what happened: `"MSG"`, `"PROPOSAL"`, …' },
  from: { kind: 'text', maxChars: maxIdChars, doc: 'the id of its author, with its @' },
  from_name: { kind: 'text', maxChars: fieldLimits.maxNameChars, doc: "the author's name" },
  to: { kind: 'text', maxChars: maxIdChars, doc: 'the channel with its #, or the agent with its @' },
  direct: { kind: 'flag', doc: 'whether it was said to an agent' },
  content: { kind: 'text', maxChars: maxContentChars, doc: `the text, its first ${maxContentChars} characters` },
  chars: { kind: 'number', doc: 'how many characters the whole text has' },
  mentions: { kind: 'texts', maxItems: maxMentions, maxChars: 64, doc: 'the words behind an @ in it, as they are written, without the @' },
  in_reply_to: { kind: 'text', maxChars: 256, doc: 'the message that it answers; empty: none' },
  thread: { kind: 'text', maxChars: 256, doc: 'the first message of its thread, as far as it is known; empty: it answers none' },
  change: { kind: 'text', maxChars: 8, doc: '`"edit"`, `"retract"`; empty: it is said for the first time' },
  verified: { kind: 'flag', doc: 'whether its author is verified here' },
  signed: { kind: 'flag', doc: 'whether it carries a signature' },
  files: { kind: 'number', doc: 'how many files it names' },
} as const satisfies Vocabulary

export type EventValues = Values<typeof eventWords>

/** Fields of stored events, of whatever type. */
export interface SaidFields {
  readonly type: string
  readonly from?: unknown
  readonly from_name?: unknown
  readonly to?: unknown
  readonly content?: unknown
  readonly in_reply_to?: unknown
  readonly thread?: unknown
  readonly edit?: unknown
  readonly retract?: unknown
  readonly verified?: unknown
  readonly sig?: unknown
  readonly files?: unknown
}

const textOf = (value: unknown, maxChars: number): string => typeof value === 'string' ? value.slice(0, maxChars) : ''

/** Reads nothing before a condition asks for it. */
export class EventFacts implements EventValues {
  readonly #said: SaidFields

  constructor(said: SaidFields) {
    this.#said = said
  }

  get event(): string {
    return this.#said.type
  }
  get from(): string {
    return textOf(this.#said.from, maxIdChars)
  }
  get from_name(): string {
    return textOf(this.#said.from_name, fieldLimits.maxNameChars)
  }
  get to(): string {
    return textOf(this.#said.to, maxIdChars)
  }
  get direct(): boolean {
    return this.to.startsWith('@')
  }
  get content(): string {
    return textOf(this.#said.content, maxContentChars)
  }
  get chars(): number {
    const { content } = this.#said
    return typeof content === 'string' ? content.length : 0
  }
  get mentions(): readonly string[] {
    return mentionsIn(this.content)
  }
  get in_reply_to(): string {
    return textOf(this.#said.in_reply_to, 256)
  }
  get thread(): string {
    return textOf(this.#said.thread, 256) || this.in_reply_to
  }
  get change(): string {
    return this.#said.edit !== undefined ? 'edit' : this.#said.retract !== undefined ? 'retract' : ''
  }
  get verified(): boolean {
    return this.#said.verified === true
  }
  get signed(): boolean {
    return this.#said.sig !== undefined
  }
  get files(): number {
    const { files } = this.#said
    return Array.isArray(files) ? files.length : 0
  }
}
