// The refusal that a client is told about.
import type { ErrorCode } from '../../lib/protocol/index.ts'

/** An expected failure: the only kind a client is told about. */
export class Fail extends Error {
  override readonly name = 'Fail'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, retryAfterMs?: number) {
    super(message)
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

/** The session of whoever asked is another connection's: what it asked is not done, and it is told so by its end. */
export class Displaced extends Fail {
  constructor() {
    super('BUSY', 'Identity claimed by another connection')
  }
}
