// Moving a relay's data from one engine to the other: what each side does with the tables that both have, and how it is told that they hold
// the same. Rows travel in one form, which both engines can hold.
import { createHash } from 'node:crypto'
import { StorageError } from './failure.ts'

export type Value = string | number | null
export type Values = readonly Value[]

/** A table as it is moved. */
export interface MovedTable {
  readonly name: string
  readonly columns: readonly string[]
  /** What tells its rows apart. */
  readonly key: readonly string[]
}

/** The newest number that a table gave to a row, where it gives numbers: none is given twice. */
export type Numbers = ReadonlyMap<string, number>

/** A database that nobody else uses meanwhile. */
export interface Side {
  /** How it is called, without a password. */
  readonly where: string
  count(table: MovedTable): Promise<number>
  /** All rows in pages of bounded size, as they are moved. */
  pages(table: MovedTable): AsyncIterable<readonly Values[]>
  close(): Promise<void>
}

export interface Origin extends Side {
  numbers(): Promise<Numbers>
  /** From now on no relay starts on it, whatever becomes of the move. */
  markMoving(to: string, move: string): Promise<void>
  /** It has arrived there. */
  markMoved(to: string): Promise<void>
}

export interface Target extends Side {
  add(table: MovedTable, rows: readonly Values[]): Promise<void>
  /** Makes what follows from the rows: indexes of words, and the numbers that come next. */
  finish(numbers: Numbers): Promise<void>
  /** From now on it is there, brought by this move; before nothing of it is. */
  commit(move: string | undefined): Promise<void>
}

/** Kept in `meta` of a database that was left: where to. */
export const movedKey = 'moved_to'
/** Kept there before that: the name of the move, and where it goes. */
export const movingKey = 'moving_to'
/** Kept in a database that was moved to: the name of the move that brought it. Where both have it, it has arrived. */
export const arrivedKey = 'moved_by'

/** What says where the data is, and is not moved itself. */
const marks: readonly string[] = [movedKey, movingKey, arrivedKey]

/** Nobody has noted whether it has arrived. */
export class MovingError extends StorageError {
  readonly move: string
  readonly to: string

  constructor(mark: string) {
    const at = mark.indexOf(' ')
    const to = mark.slice(at + 1)
    const isThere = to.startsWith('postgres://')
    super(`What was kept here was being moved to ${to} when that broke off`, isThere
      ? 'Run agentchat migrate --to once more: it finishes the move. Or take it back: agentchat migrate --back.'
      : 'Run agentchat migrate --back once more: it finishes the move.')
    this.move = mark.slice(0, at)
    this.to = to
  }
}

export const movingMark = (move: string, to: string): string => `${move} ${to}`

/** @throws StorageError where no relay may start: what was kept there is elsewhere, or may be */
export const checkMarks = (markOf: (key: string) => string | undefined): void => {
  const [to, moving] = [markOf(movedKey), markOf(movingKey)]
  if (to !== undefined)
    throw new StorageError(`What was kept here was moved to ${to}`,
      'Start the relay there. To come back: agentchat migrate --back (docs/OPERATIONS.md, "Moving to PostgreSQL and back").')
  if (moving !== undefined) throw new MovingError(moving)
}

/** Names of tables and columns, as both engines take them. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const list = (names: readonly string[]): string => names.map(quoted).join(', ')

/** The statement that gives a table's rows as they are moved, from `found` in its place; of what both engines keep by age, the oldest first. */
export const rowsStatement = ({ name, columns, key }: MovedTable, found = quoted(name), order = key): string =>
  `SELECT ${list(columns)} FROM ${found} AS rows ${name === 'meta' ? `WHERE key NOT IN (${marks.map(mark => `'${mark}'`).join(', ')})` : ''}
    ORDER BY ${list(name === 'publish_keys' ? ['ts', ...key] : order)}`

/** Tables that each engine fills by itself: what was migrated, and by what skills and messages are found. */
export const isOwn = (table: string): boolean => /^(?:migrations$|skill_words|skill_parts|search_)/.test(table)

/** What a table holds, whatever the order of its rows: how many, and all of their SHA-256 laid over each other. */
export interface Content {
  readonly rows: number
  readonly digest: string
}

export const contentOf = async (side: Side, table: MovedTable, onRows: (rows: number) => void): Promise<Content> => {
  const digest = Buffer.alloc(32)
  let rows = 0
  for await (const page of side.pages(table)) {
    for (const row of page) {
      const hash = createHash('sha256').update(JSON.stringify(row)).digest()
      for (let i = 0; i < digest.length; i++) digest[i]! ^= hash[i]!
    }
    rows += page.length
    onRows(page.length)
  }
  return { rows, digest: digest.toString('hex') }
}
