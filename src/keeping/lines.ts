// Bytes → the lines of an archive, one in memory at a time.
import { KeepingError } from './failure.ts'

const newline = 10

/** Each line with its "\n". A line over `maxBytes`, or a last one without its end, is an error. */
export async function* linesOf(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let size = 0
  let line = 1
  const add = (part: Uint8Array) => {
    size += part.length
    if (size > maxBytes) throw new KeepingError('refused', `longer than any line of an archive (${maxBytes} bytes)`, { line })
    if (part.length > 0) parts.push(part)
  }
  for await (const chunk of source) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      add(chunk.subarray(start, end + 1))
      yield Buffer.concat(parts, size)
      parts = []
      size = 0
      line++
      start = end + 1
    }
    add(chunk.subarray(start))
  }
  if (size > 0) throw new KeepingError('refused', 'the archive was cut here', { line })
}
