// What keeps data from being exported, imported, backed up, restored or moved: one error, with its kind, its line, and the way out.

/** notFound: nothing there; refused: what is there cannot be used or must not be replaced; busy: a relay holds it. */
export type KeepingProblem = 'notFound' | 'refused' | 'busy'

/** Data cannot be exported, imported, backed up, restored or moved, and what to do about it. */
export class KeepingError extends Error {
  override readonly name = 'KeepingError'
  /** Which kind of failure it is. */
  readonly problem: KeepingProblem
  /** What to do next. */
  readonly hint: string | undefined
  /** Line of the archive, from 1. */
  readonly line: number | undefined

  constructor(
    problem: KeepingProblem,
    message: string,
    { hint, line, cause }: { readonly hint?: string, readonly line?: number, readonly cause?: unknown } = {},
  ) {
    super(line === undefined ? message : `Line ${line}: ${message}`, { cause })
    this.problem = problem
    this.hint = hint
    this.line = line
  }
}

const sqliteFailures: readonly (readonly [string, KeepingProblem, string, string?])[] = [
  ['SQLITE_NOTADB', 'refused', 'is not a database'],
  ['SQLITE_CORRUPT', 'refused', 'is damaged', 'Take another copy.'],
  ['SQLITE_CANTOPEN', 'notFound', 'cannot be opened', 'Check the path, and that it is yours.'],
  ['SQLITE_BUSY', 'busy', 'is held by another process', 'Stop the relay that uses it.'],
  ['SQLITE_ERROR', 'refused', 'is not a database of AgentChat'],
]

/** A database error, told of the file it is about; anything else as it is. */
export const explained = (error: unknown, file: string): unknown => {
  const code = (error as { code?: unknown } | null)?.code
  const known = typeof code === 'string' ? sqliteFailures.find(([prefix]) => code.startsWith(prefix)) : undefined
  if (known === undefined) return error
  const [, problem, what, hint] = known
  return new KeepingError(problem, `${file} ${what} (${(error as Error).message})`, { cause: error, ...(hint !== undefined && { hint }) })
}
