// The outside of a command: its streams, environment and signals, handed in so that tests can be the outside.

export interface Sink {
  /** Calls back once the text was taken: by a pipe, a file, a terminal. With an error it was not. */
  write(text: string, taken?: (error?: Error | null) => void): unknown
  readonly isTTY?: boolean
  /** Of a terminal: its width. */
  readonly columns?: number
  /** It is a pipe: what it has taken, nobody may ever read. */
  readonly isPipe?: boolean
}

export interface Source extends AsyncIterable<Uint8Array> {
  readonly isTTY?: boolean
  /** On a terminal: whether what is typed comes at once and is not shown. */
  setRawMode?(isRaw: boolean): unknown
  destroy(): unknown
}

export interface Io {
  readonly stdin: Source
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Readonly<Record<string, string | undefined>>
  /** The command line as the system has it, each word ended by a zero byte; undefined where it cannot be read. */
  rawArguments?(): Uint8Array | undefined
  /** Aborted when the user or the system asks the command to end. */
  readonly interrupted: AbortSignal
  /** Calls the listener at each SIGHUP from now on. */
  onHangup(listener: () => void): void
  /** Hands warnings of the platform to the listener, instead of printing them. */
  onWarning(listener: (warning: Error) => void): void
  /** ms since 1970 */
  now(): number
  /** 0 ≤ random < 1 */
  random(): number
}
