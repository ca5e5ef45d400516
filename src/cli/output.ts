// stdout is data, stderr is talk. Data is readable text on a terminal, JSON Lines in a pipe, one document under --json, and
// bare values under --field.
import { styleText } from 'node:util'
import { CliError, exits } from './exit.ts'
import type { Failure } from './failure.ts'
import type { Io, Sink } from './io.ts'
import { visible, visibleJson, visibleLines } from './terminal.ts'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** A value for eyes. */
export type Text<T> = (value: T, paint: Paint) => string

/** Values for eyes, together: titles, and a line for each. */
export interface Table<T> {
  lines(values: readonly T[], paint: Paint): readonly string[]
}

/** What --field may name beside what is there: fields that a value may have. */
export interface Shape {
  readonly fields?: readonly string[]
}

/** What --field asks for, and every name that the protocol knows: those may be missing in one value and there in the next. */
export interface Fields {
  readonly paths: readonly string[]
  readonly vocabulary: ReadonlySet<string>
}

export interface Output {
  /** Whether --json was given. */
  readonly isJson: boolean
  /** One thing: a line of JSON, or text for eyes. Call it again and again to stream. */
  one<T>(value: T, text: Text<T>, shape?: Shape): void
  /** What `one` would write, with its end of line. */
  lineOf<T>(value: T, text: Text<T>, shape?: Shape): string
  /** Several things: a line each, or a table; under --json one array. `none` is talk, where there are none. */
  list<T>(values: readonly T[], text: Text<T> | Table<T>, shape?: Shape & { readonly none?: string }): void
  /** How an action went: talk, or under --json a line of JSON; under --field data. */
  done<T>(value: T, text: (value: T) => string, shape?: Shape): void
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

/** @throws CliError when no value has the field, and none can have it */
const checkPath = (path: string, values: readonly unknown[], { vocabulary }: Fields, shape: Shape | undefined, consequence = ''): void => {
  const names = path.split('.')
  let at = values
  for (const [depth, name] of names.entries()) {
    const objects = at.filter((value): value is Record<string, unknown> => typeof value === 'object' && value !== null)
    const known = new Set([...depth === 0 ? shape?.fields ?? [] : [], ...objects.flatMap(Object.keys)])
    const isClosed = depth === 0 && shape?.fields !== undefined
    const isPlace = /^\d+$/.test(name) && objects.some(Array.isArray)
    if (objects.length > 0 && !known.has(name) && !isPlace && (isClosed || !vocabulary.has(name)))
      throw new CliError('usage', `There is no field ${JSON.stringify(names.slice(0, depth + 1).join('.'))} here`,
        `${consequence === '' ? '' : `${consequence} `}${
          known.size === 0 ? 'There are none.' : `Known: ${[...known].map(each => [...names.slice(0, depth), each].join('.')).join(', ')}`
        }`)
    at = objects.map(value => Object.hasOwn(value, name) ? value[name] : undefined)
  }
}

export const createOutput = (
  { stdout, stderr, env }: Pick<Io, 'stdout' | 'stderr' | 'env'>,
  isJson: boolean,
  fields?: Fields,
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
    const text = fieldsOf(value, fields!.paths)
    return text === undefined ? '' : `${text}\n`
  }
  /** A name that nothing has is a mistake, and must not pass for an empty value. */
  const check = (values: readonly unknown[], shape: Shape | undefined, consequence?: string) => {
    if (fields !== undefined && values.length > 0) { for (const path of fields.paths) checkPath(path, values, fields, shape, consequence) }
  }
  const raw = (text: string) => {
    if (text !== '') stdout.write(text)
  }
  const lineOf: Output['lineOf'] = (value, text, shape) => {
    check([value], shape)
    return fields !== undefined ? bare(value) : `${isText ? text(value, paint) : visibleJson(value)}\n`
  }

  return {
    isJson,
    progress,
    lineOf,
    one: (value, text, shape) => raw(lineOf(value, text, shape)),
    list: (values, text, shape) => {
      check(values, shape)
      if (fields !== undefined) raw(values.map(bare).join(''))
      else if (isJson) line(visibleJson(values))
      else if (values.length === 0) say(shape?.none ?? 'Nothing here')
      else if (!isText) raw(values.map(value => `${visibleJson(value)}\n`).join(''))
      else if (typeof text === 'function') { for (const value of values) line(text(value, paint)) }
      else for (const each of text.lines(values, paint)) line(each)
    },
    done: (value, text, shape) => {
      check([value], shape, 'It was done, and only its answer is not shown: do not repeat it.')
      if (fields !== undefined) raw(bare(value))
      else if (isJson) line(visibleJson(value))
      else say(visibleLines(text(value)))
    },
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
