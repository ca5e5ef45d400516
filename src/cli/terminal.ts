// What peers wrote must not drive the reader's terminal: control characters and direction overrides are shown, never obeyed.

/** C0, DEL, C1, line separators, and the marks that reorder text. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const unicodeEscape = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`

/** One line of text with everything unsafe written out, as in `\u001b[31m`. */
export const visible = (text: string): string => text.replace(unsafe, char => named[char] ?? unicodeEscape(char))

/** Text that may have several lines: its own line breaks stay, with `indent` after each so that no line passes for another message. */
export const visibleLines = (text: string, indent = ''): string =>
  text.split('\n').map(line => visible(line.endsWith('\r') ? line.slice(0, -1) : line)).join(`\n${indent}`)

/** JSON of the same value, without a character that a terminal would obey. */
export const visibleJson = (value: unknown): string => JSON.stringify(value).replace(unsafe, unicodeEscape)
