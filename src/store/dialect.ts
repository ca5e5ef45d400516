// What each engine says in words of its own. Everything else that a statement outside an engine's files says, both understand.
import type { RawBuilder } from 'kysely'
import type { SkillIndex } from './skill-index.ts'

/** What a column of a list holds. */
export type Held = 'text' | 'number'

export interface Dialect {
  /** The clock of the database, in ms: that of its machine. */
  now(): RawBuilder<number>
  /** The largest of several values, none of which may be NULL: about that engines differ. Numbers, or expressions of them. */
  greatest(...values: readonly (number | RawBuilder<number>)[]): RawBuilder<number>
  /** Whether a column's text holds another, letter by letter. */
  contains(column: string, part: string): RawBuilder<boolean>
  /** Whether a column has one of these values; the statement is the same however many they are. */
  isAmong(column: string, values: readonly string[]): RawBuilder<boolean>
  /** A list as the rows of a table; the statement is the same however many they are. */
  rowsOf<R extends object>(columns: Readonly<Record<keyof R & string, Held>>, rows: readonly R[]): RawBuilder<R>
  /** A column's JSON object without one of its fields, as text. */
  withoutField(column: string, field: string): RawBuilder<string>
  readonly skills: SkillIndex
}
