// Files and pipes that hold a value: JSON or YAML, bounded, with an error that says where it is wrong.
import { readFile, stat } from 'node:fs/promises'
import type * as z from 'zod'
import { CliError } from './exit.ts'
import type { Io } from './io.ts'
import { textOf } from '../../lib/node/text-file.ts'

const maxBytes = 1024 * 1024

/** Reads FILE, or stdin for "-", and checks it. @throws CliError */
export const readDocument = async <T extends z.ZodType>(file: string, schema: T, io: Pick<Io, 'stdin'>): Promise<z.output<T>> => {
  const [text, { parse }] = await Promise.all([file === '-' ? readInput(io) : readText(file), import('yaml')])
  let value: unknown
  try {
    value = parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw new CliError('usage', `${file} is neither JSON nor YAML: ${(error as Error).message.split('\n')[0]}`, 'Check it with: jq . FILE')
  }
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const { path, message } = checked.error.issues[0]!
  throw new CliError('usage', `${file}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`)
}

export const readText = async (file: string): Promise<string> => {
  try {
    if ((await stat(file)).size > maxBytes) throw new CliError('usage', `${file} is larger than ${maxBytes} bytes`)
    return textOf(await readFile(file))
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError('notFound', `Cannot read ${file}: ${(error as Error).message}`)
  }
}

/** All of stdin. */
export const readInput = async ({ stdin }: Pick<Io, 'stdin'>): Promise<string> => inputText(await bytesOf(stdin, maxBytes))

const inputText = (bytes: Uint8Array): string => {
  try {
    return textOf(bytes)
  } catch (error) {
    throw new CliError('usage', `The input cannot be read: ${(error as Error).message}`)
  }
}

/** All of stdin, exactly. @throws CliError where it is not UTF-8 or too much */
export const readWhole = async ({ stdin }: Pick<Io, 'stdin'>, maxBytes: number): Promise<string> => {
  const bytes = await bytesOf(stdin, maxBytes)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new CliError('refused', 'The input is not UTF-8', 'Messages are text; encode bytes first, for example with base64.')
  }
}

const bytesOf = async (stdin: Io['stdin'], maxBytes: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stdin) {
    size += chunk.length
    if (size > maxBytes) throw new CliError('usage', `The input is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
