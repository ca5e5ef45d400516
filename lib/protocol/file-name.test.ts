import { expect, test } from 'vitest'
import { safeFileName, safeFileNames } from './file-name.ts'

test.each([
  ['report.pdf', 'report.pdf'],
  ['résumé 2.pdf', 'résumé 2.pdf'],
  ['a-b.c', 'a-b.c'],
  ['.bashrc', '_.bashrc'],
  ['..', '__'],
  ['.', '_'],
  ['../../etc/passwd', '_.._.._etc_passwd'],
  ['C:\\boot.ini', 'C__boot.ini'],
  ['-rf', '_-rf'],
  ['--help', '_--help'],
  ['~root', '_~root'],
  [' a', '_ a'],
  ['a.', 'a_'],
  ['a . ', 'a___'],
  ['nul', '_nul'],
  ['NUL.txt', '_NUL.txt'],
  ['com1.tar.gz', '_com1.tar.gz'],
  ['LPT¹', '_LPT¹'],
  ['CONOUT$', '_CONOUT$'],
  ['console.log', 'console.log'],
  ['a:stream', 'a_stream'],
  ['a\u202efdp.exe', 'a_fdp.exe'],
  ['a\u200b.txt', 'a_.txt'],
  ['\ufeffx', '_x'],
  ['a\nb', 'a_b'],
  ['a\u2028b', 'a_b'],
  ['a\ud800b', 'a_b'],
  ['a\u0000b', 'a_b'],
])('%j is written as %j', (name, safe) => {
  expect(safeFileName(name)).toBe(safe)
  expect(safeFileName(safe)).toBe(safe)
})

test('long names are cut, and keep what they end in', () => {
  const safe = safeFileName(`${'ä'.repeat(255)}.tar`)
  expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(200)
  expect(safe).toMatch(/^ä+\.tar$/)
})

test('two names never become one file', () => {
  expect(safeFileNames(['a/b', 'a\\b', 'A_B', 'c'])).toEqual(['a_b', '2_a_b', '3_A_B', 'c'])
  expect(safeFileNames(['\u00e9', 'e\u0301'])).toEqual(['\u00e9', '2_e\u0301'])
})
