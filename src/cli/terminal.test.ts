import fc from 'fast-check'
import { expect, test } from 'vitest'
import { visible, visibleJson, visibleLines } from './terminal.ts'

/** What a terminal would obey: C0, DEL, C1, and the marks that reorder text. Written as numbers, not as the code's own expression. */
const isUnsafe = (code: number): boolean =>
  code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)
const hasUnsafe = (text: string): boolean => [...text].some(char => isUnsafe(char.codePointAt(0)!))
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\u001b', '\u009b', '\u0007', '\u007f', '\u202e', '\u2066', '\n', '\r', '\t', '\u0000'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('a', '[', '3', '1', 'm'),
  ),
})

test('nothing a terminal obeys gets through, whatever a peer writes', () => {
  fc.assert(fc.property(hostile, text => {
    expect(hasUnsafe(visible(text))).toBe(false)
    expect(visibleLines(text).split('\n').some(hasUnsafe)).toBe(false)
    expect(hasUnsafe(visibleJson({ text }))).toBe(false)
  }))
})

test('harmless text stays as it is, in any script', () => {
  for (const text of ['hi', 'żółw', '你好', '👩‍🚀', 'שלום', '']) expect(visible(text)).toBe(text)
})

test('JSON made visible is JSON of the same value', () => {
  fc.assert(fc.property(hostile, text => {
    expect(JSON.parse(visibleJson({ text, list: [text] }))).toEqual({ text, list: [text] })
  }))
})

test('what is replaced can be read', () => {
  expect(visible('\u001b[31mred\u0007')).toBe('\\u001b[31mred\\u0007')
  expect(visible('a\tb\r\n')).toBe('a\\tb\\r\\n')
  expect(visible('user\u202egpj.exe')).toBe('user\\u202egpj.exe')
})

test('line breaks of a text are its own, and every line after the first is indented', () => {
  expect(visibleLines('one\r\ntwo\nthree', '  | ')).toBe('one\n  | two\n  | three')
})
