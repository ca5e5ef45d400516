import fc from 'fast-check'
import { expect, test } from 'vitest'
import { linesOf } from './lines.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** The bytes in pieces of the given sizes, the rest at once. */
async function* inPieces(data: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0
  for (const size of sizes) {
    yield data.subarray(start, start + size)
    start += size
  }
  yield data.subarray(start)
}

const all = async (lines: AsyncIterable<string>): Promise<readonly string[]> => {
  const list: string[] = []
  for await (const line of lines) list.push(line)
  return list
}

const read = (data: string | Uint8Array, sizes: readonly number[] = [], maxBytes = 1_000) =>
  all(linesOf(inPieces(typeof data === 'string' ? bytes(data) : data, sizes), maxBytes))

test('lines come out as they went in, however the bytes are cut', async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\n', '\r'))),
    fc.boolean(),
    fc.array(fc.nat(7)),
    async (lines, endsWithNewline, sizes) => {
      const text = lines.map(line => `${line}\n`).join('')
      const data = endsWithNewline || lines.length === 0 ? text : text.slice(0, -1)
      // A last line without its newline is there only if it has something in it.
      const expected = endsWithNewline || lines.at(-1) !== '' ? lines : lines.slice(0, -1)
      expect(await read(data, sizes, 10_000)).toEqual(expected)
    },
  ))
})

test.each([
  ['', []],
  ['\n', ['']],
  ['a\n\nb', ['a', '', 'b']],
  ['a\r\nb\r\n', ['a\r', 'b\r']],
  ['\ufeffa\n', ['\ufeffa']],
  ['a\u2028b\u0085c\n', ['a\u2028b\u0085c']],
])('%j has the lines %j', async (text, lines) => {
  expect(await read(text)).toEqual(lines)
})

test('a line may be as long as the limit and no longer, and the error says which', async () => {
  expect(await read(`${'a'.repeat(10)}\n`, [3, 3], 10)).toEqual(['a'.repeat(10)])
  await expect(read(`ok\n${'a'.repeat(11)}\n`, [], 10)).rejects.toThrow('Line 2 is longer')
})

test('an endless line is refused before it fills the memory', async () => {
  let given = 0
  const endless = async function*() {
    for (;;) {
      given++
      yield new Uint8Array(100)
    }
  }
  await expect(all(linesOf(endless(), 1_000))).rejects.toThrow('Line 1 is longer')
  expect(given).toBe(11)
})

test('bytes that are not UTF-8 are refused, not changed', async () => {
  await expect(read(new Uint8Array([0x61, 0x0a, 0xff, 0xfe, 0x0a]))).rejects.toThrow('Line 2 is not UTF-8')
})
