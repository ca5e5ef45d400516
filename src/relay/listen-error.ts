// Why the relay cannot listen, in words that say what to do about it.
import { readFileSync } from 'node:fs'

/** The relay cannot listen, and what to do about it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  /** What to do next. */
  readonly hint: string

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}

/** @throws ListenError */
export const readPem = (what: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ListenError(`Cannot read the TLS ${what}: ${(error as Error).message}`,
      `Check the path given with --${what === 'key' ? 'key' : 'cert'} and that the relay may read it.`, error)
  }
}

/** @param prefix of the flags that say where */
export const listenErrorOf = (
  error: Error & { readonly code?: string | undefined },
  host: string,
  port: number,
  prefix: '' | 'metrics-' = '',
): Error => {
  if (error.code === 'EADDRINUSE')
    return new ListenError(`Port ${port} on ${host} is taken`,
      `Is a relay running already? Otherwise choose another port: agentchat serve --${prefix}port ${port + 1}`, error)
  if (error.code === 'EACCES')
    return new ListenError(`Not allowed to listen on port ${port}`,
      `Ports below 1024 need privileges; choose another with --${prefix}port.`, error)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new ListenError(`Cannot listen on ${host}`, `Give an address of this machine with --${prefix}host, or 0.0.0.0 for all of them.`,
      error)
  return error
}
