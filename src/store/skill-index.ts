// By what skills are found: words, and parts of what they are called. Each engine has an index of its own.
import type { RawBuilder } from 'kysely'
import type { WriteTables } from './tables.ts'

/** The text of one skill, by the id of its row. */
export interface SkillText {
  readonly id: number
  /** What it is called, as it was written. */
  readonly capability: string
  readonly words: string
  /** Whose it is: counts less than the words of the skill. */
  readonly about: string
}

export interface SkillIndex {
  add(tables: WriteTables<unknown>, texts: readonly SkillText[]): Promise<void>
  /** Forgets an agent's skills, whose rows are still there. */
  forget(tables: WriteTables<unknown>, agent: string): Promise<void>
  /** The newest skills with words that begin with these, each of them; a smaller rank is a better one. */
  withWords(words: readonly string[], limit: number): RawBuilder<{ id: number, rank: number }>
  /** The newest skills whose capability holds a part of three letters or more, in lower case. */
  withPart(part: string, limit: number): RawBuilder<{ id: number, rank: number }>
}
