// Bytes → lines, exactly: only "\n" ends a line, "\r" stays, empty lines count, and a last line needs no end.
import { CliError } from './exit.ts'

const newline = 10

/**
 * Each line without its "\n". Input that is not UTF-8, or a line over `maxBytes`, is an error: nothing is sent in another form
 * than it came.
 */
export async function* linesOf(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let parts: Uint8Array[] = []
  let size = 0
  let number = 1

  const add = (part: Uint8Array) => {
    size += part.length
    if (size > maxBytes)
      throw new CliError('refused', `Line ${number} is longer than the relay takes (${maxBytes} bytes)`, 'Cut it into several messages.')
    if (part.length > 0) parts.push(part)
  }
  const take = (): string => {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    parts = []
    size = 0
    try {
      return decoder.decode(bytes)
    } catch {
      throw new CliError('refused', `Line ${number} is not UTF-8`, 'Messages are text; encode bytes first, for example with base64.')
    } finally {
      number++
    }
  }

  for await (const chunk of input) {
    let start = 0
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      add(chunk.subarray(start, end))
      yield take()
      start = end + 1
    }
    add(chunk.subarray(start))
  }
  if (size > 0) yield take()
}

/** The input as text, as it comes: one message, whole characters. @throws CliError where it is not UTF-8, or more than a message takes */
export async function* textsOf(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let size = 0
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      throw new CliError('refused', 'The input is not UTF-8', 'Messages are text; encode bytes first, for example with base64.')
    }
  }
  for await (const chunk of input) {
    size += chunk.length
    if (size > maxBytes) throw new CliError('refused', `The input is longer than a message may be (${maxBytes} bytes)`)
    yield decode(chunk)
  }
  yield decode()
}
