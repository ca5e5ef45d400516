// The relay's log: JSON lines on stderr (stdout is data), pretty on a terminal. Never a key, never a message's content.
import { createRequire } from 'node:module'
import { destination, pino, type DestinationStream } from 'pino'
import type { Logger } from './logger.ts'

export type { Logger } from './logger.ts'

export interface LogOptions {
  readonly level: string
  /** auto: pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty'
  readonly destination?: DestinationStream
}

/** What stands in no line, wherever it is written. */
export const redact = ['admin_key', 'adminKey', 'signature', 'sig', 'privateKey', 'authorization', 'content', 'resume'].flatMap(
  name => [name, `*.${name}`],
)

export const createLogger = ({ level, format, destination: to }: LogOptions): Logger => {
  const options = { level, redact, base: null }
  if (to !== undefined) return pino(options, to)
  const isPretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY === true)
  if (!isPretty) return pino(options, destination({ fd: 2, sync: true }))
  // Loaded only for eyes: a relay under a supervisor never pays for it.
  const pretty = createRequire(import.meta.url)('pino-pretty') as (options: object) => DestinationStream
  return pino(options, pretty({ destination: 2, sync: true, ignore: 'pid,hostname' }))
}
