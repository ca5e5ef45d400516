import { expect, test } from 'vitest'
import { textOf } from './text-file.ts'

test('text as editors save it: with a mark, in UTF-16, with their ends of lines; bytes are none', () => {
  const text = '{"name": "ann"}\r\n'
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
  expect(textOf(Buffer.from(text))).toBe(text)
  expect(textOf(Buffer.from(`\ufeff${text}`))).toBe(text)
  expect(textOf(utf16)).toBe(text)
  expect(textOf(Buffer.from(utf16).swap16())).toBe(text)
  expect(textOf(new Uint8Array())).toBe('')
  expect(() => textOf(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow('no text in UTF-8')
})
