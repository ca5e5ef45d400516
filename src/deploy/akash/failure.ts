// What keeps a deployment on Akash from going on: one error, with its kind and the way out.

/**
 * notFound: nothing there; refused: against a limit or a rule, and it would be again; auth: a wrong password or token;
 * timeout: it did not happen in time; unreachable: a node or provider does not answer; error: anything else.
 */
export type AkashProblem = 'notFound' | 'refused' | 'auth' | 'timeout' | 'unreachable' | 'error'

export class AkashError extends Error {
  override readonly name: string = 'AkashError'
  readonly problem: AkashProblem
  readonly hint: string | undefined

  constructor(problem: AkashProblem, message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.problem = problem
    this.hint = hint
  }
}
