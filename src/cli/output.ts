// stdout is data, stderr is talk. Data is readable text on a terminal, JSON Lines in a pipe, one document under --json, and
// bare values under --field.
import { styleText } from 'node:util'
import { exits } from './exit.ts'
import type { Failure } from './failure.ts'
import type { Io, Sink } from './io.ts'
import { visible, visibleJson, visibleLines } from './terminal.ts'

type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

export interface Output {
  /** Whether --json was given. */
  readonly isJson: boolean
  /** One thing: a line of JSON, or text for eyes. Call it again and again to stream. */
  one<T>(value: T, text: (value: T, paint: Paint) => string): void
  /** What `one` would write, with its end of line. */
  lineOf<T>(value: T, text: (value: T, paint: Paint) => string): string
  /** Several things: a line each; under --json one array. */
  list<T>(values: readonly T[], text: (value: T, paint: Paint) => string): void
  /** How an action went: talk, or under --json a line of JSON; under --field data. */
  done<T>(value: T, text: (value: T) => string): void
  /** Data as it is, byte for byte. */
  raw(text: string): void
  /** The same; resolves once stdout has taken it, and everything before it. @throws what stdout says, EPIPE when its reader has gone */
  taken(text?: string): Promise<void>
  /** A line of talk. */
  say(text: string): void
  /** Replaces the progress line on a terminal; nothing elsewhere. '' takes it away. */
  progress(text: string): void
  /** A failure, as talk or under --json as a JSON line. */
  fail(failure: Failure): void
}

const colours = (sink: Sink, env: Io['env']): boolean => sink.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
const painter = (on: boolean): Paint => on ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text

/** What a path of names leads to: `proposal.status`. */
const valueAt = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>(
    (at, name) => typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined,
    value,
  )

/** The fields of a value as one line; undefined: it has none of them. */
const fieldsOf = (value: unknown, paths: readonly string[]): string | undefined => {
  const found = paths.map(path => valueAt(value, path))
  if (found.every(each => each === undefined)) return undefined
  return found.map(each => typeof each === 'string' ? visible(each) : each === undefined || each === null ? '' : visibleJson(each)).join(
    '\t',
  )
}

export const createOutput = (
  { stdout, stderr, env }: Pick<Io, 'stdout' | 'stderr' | 'env'>,
  isJson: boolean,
  fields?: readonly string[],
): Output => {
  const isText = stdout.isTTY === true && !isJson
  const paint = painter(colours(stdout, env))
  const talkPaint = painter(colours(stderr, env))
  let hasProgress = false

  const line = (text: string) => void stdout.write(`${text}\n`)
  const progress = (text: string) => {
    if (stderr.isTTY !== true || isJson || (text === '' && !hasProgress)) return
    hasProgress = text !== ''
    stderr.write(`\r\u001b[K${talkPaint('dim', visible(text))}`)
  }
  const say = (text: string) => {
    progress('')
    stderr.write(`${text}\n`)
  }

  const bare = (value: unknown): string => {
    const text = fieldsOf(value, fields!)
    return text === undefined ? '' : `${text}\n`
  }
  const raw = (text: string) => {
    if (text !== '') stdout.write(text)
  }
  const lineOf: Output['lineOf'] = (value, text) =>
    fields !== undefined ? bare(value) : `${isText ? text(value, paint) : visibleJson(value)}\n`

  return {
    isJson,
    progress,
    lineOf,
    one: (value, text) => raw(lineOf(value, text)),
    list: (values, text) => {
      if (fields === undefined && isJson) line(visibleJson(values))
      else for (const value of values) raw(lineOf(value, text))
    },
    done: (value, text) => fields !== undefined ? raw(bare(value)) : isJson ? line(visibleJson(value)) : say(visibleLines(text(value))),
    raw,
    taken: (text = '') =>
      new Promise((resolve, reject) => {
        stdout.write(text, error => error == null ? resolve() : reject(error))
      }),
    say: text => say(visibleLines(text)),
    fail: ({ exit, message, hint, code }) => {
      if (isJson)
        say(
          visibleJson({
            error: exit,
            message,
            ...(hint !== undefined && { hint }),
            ...(code !== undefined && { code }),
            exit_code: exits[exit].code,
            retry: exits[exit].retry,
          }),
        )
      else say(
          `${talkPaint('red', 'error:')} ${visibleLines(message, '  ')}${
            hint === undefined ? '' : `\n${talkPaint('dim', `  ${visibleLines(hint, '  ')}`)}`
          }`,
        )
    },
  }
}
