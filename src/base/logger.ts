// What the relay says to its log; pino's is one, and any other with these methods will do.

interface Say {
  (facts: object, message?: string): void
  (message: string): void
}

/** Where the relay writes what happens to it. */
export interface Logger {
  readonly trace: Say
  readonly debug: Say
  readonly info: Say
  readonly warn: Say
  readonly error: Say
  readonly fatal: Say
  /** Whether what is said at this level is written: it is not worked out otherwise. */
  isLevelEnabled(level: string): boolean
}
