// What peers wrote must not drive the reader's terminal: control characters and direction overrides are shown, never obeyed.
import { visible as written } from '../../lib/identity/fence.ts'

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** One line of text with everything unsafe written out, as in `\u001b[31m`. */
export const visible = (text: string): string => written(text.replace(/[\n\r\t]/g, char => named[char]!))

/** Text that may have several lines: its own line breaks stay, with `indent` after each so that no line passes for another message. */
export const visibleLines = (text: string, indent = ''): string =>
  text.split('\n').map(line => visible(line.endsWith('\r') ? line.slice(0, -1) : line)).join(`\n${indent}`)

/** JSON of the same value, without a character that a terminal would obey. */
export const visibleJson = (value: unknown): string => written(JSON.stringify(value))
