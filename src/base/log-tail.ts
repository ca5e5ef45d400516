// The newest lines of the log, in memory: for an operator who looks at them from elsewhere.
import { pino } from 'pino'
import { redact } from './log.ts'
import type { Logger } from './logger.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = typeof logLevels[number]

/** A line as it is told. */
export interface LogLine {
  /** Each line has a higher one, also those after the next start. */
  readonly n: number
  /** ms since 1970 */
  readonly at: number
  readonly level: LogLevel
  readonly text: string
  readonly facts: Readonly<Record<string, unknown>>
}

export interface LogQuery {
  readonly after: number | undefined
  readonly limit: number
  readonly level: LogLevel
}

const maxLines = 1_000
/** What is longer is cut: a line is for eyes. */
const maxLineChars = 4_000
const maxPageChars = 256 * 1024
const levelsByNumber: ReadonlyMap<number, LogLevel> = new Map(logLevels.map(level => [pino.levels.values[level]!, level]))

export class LogTail {
  /** The line of number n stands at n % maxLines. */
  readonly #lines: string[] = []
  #oldest: number
  #next: number

  /** @param start ms since 1970, by which lines are numbered: no relay writes more than one in each of them for long */
  constructor(start: number) {
    this.#oldest = this.#next = start
  }

  /** The same log, of which each line that is written is kept here too: redacted, whatever writes it. */
  watching(log: Logger): Logger {
    const kept = pino({ level: 'trace', redact, base: null }, { write: line => this.#add(line) })
    const both = (level: LogLevel): Logger['info'] => (facts: object | string, message?: string) => {
      if (!log.isLevelEnabled(level)) return
      for (const each of [log, kept as Logger]) {
        if (typeof facts === 'string') each[level](facts)
        else each[level](facts, message)
      }
    }
    return {
      trace: both('trace'),
      debug: both('debug'),
      info: both('info'),
      warn: both('warn'),
      error: both('error'),
      fatal: both('fatal'),
      isLevelEnabled: level => log.isLevelEnabled(level),
    }
  }

  /** Lines from the oldest to the newest: those behind `after`, or without it the newest ones. `more`: there are others behind them. */
  page({ after, limit, level }: LogQuery): { readonly lines: readonly LogLine[], readonly more: boolean, readonly oldest: number } {
    const lines: LogLine[] = []
    const least = logLevels.indexOf(level)
    const isForward = after !== undefined
    const first = Math.max(this.#oldest, (after ?? -1) + 1)
    let chars = 0
    for (let i = 0; i < this.#next - first; i++) {
      const n = isForward ? first + i : this.#next - 1 - i
      const line = this.#lines[n % maxLines]!
      const told = toldOf(n, line)
      if (logLevels.indexOf(told.level) < least) continue
      chars += line.length
      if (lines.length === limit || (lines.length > 0 && chars > maxPageChars))
        return { lines: isForward ? lines : lines.reverse(), more: isForward, oldest: this.#oldest }
      lines.push(told)
    }
    return { lines: isForward ? lines : lines.reverse(), more: false, oldest: this.#oldest }
  }

  #add(line: string): void {
    const n = this.#next++
    this.#lines[n % maxLines] = line.length <= maxLineChars ? line : shortOf(line)
    if (this.#next - this.#oldest > maxLines) this.#oldest = this.#next - maxLines
  }
}

const toldOf = (n: number, line: string): LogLine => {
  const { level, time, msg, ...facts } = JSON.parse(line) as Record<string, unknown>
  return {
    n,
    at: typeof time === 'number' ? time : 0,
    level: levelsByNumber.get(level as number) ?? 'info',
    text: typeof msg === 'string' ? msg : '',
    facts,
  }
}

/** What is too long, as it begins. */
const shortOf = (line: string): string => {
  const { level, time, msg } = JSON.parse(line) as Record<string, unknown>
  return JSON.stringify({
    level,
    time,
    msg: typeof msg === 'string' ? msg.slice(0, maxLineChars / 2) : '',
    cut: line.slice(0, maxLineChars / 2),
  })
}
