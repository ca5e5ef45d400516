// Files that are delivered: read and hashed on one side, checked and written on the other.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Deliverable } from '../../lib/client/index.ts'
import { limits } from '../../lib/protocol/limits.ts'
import { CliError } from './exit.ts'

export type DeliveredFile = NonNullable<Deliverable['files']>[number]

/** @throws CliError */
export const hashFile = async (path: string): Promise<{ readonly bytes: number, readonly sha256: string }> => {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const part of createReadStream(path) as AsyncIterable<Buffer>) {
      bytes += part.length
      hash.update(part)
    }
  } catch (error) {
    throw new CliError('notFound', `Cannot read ${path}: ${(error as Error).message}`, undefined, error)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Each with its hash; with its content too, as long as all of them together are small. */
export const readDeliverables = async (paths: readonly string[], hashOnly: boolean): Promise<readonly DeliveredFile[]> => {
  if (paths.length > limits.maxDeliverableFiles)
    throw new CliError('usage', `At most ${limits.maxDeliverableFiles} files at once`, 'Put them into one archive.')
  const { readFile } = await import('node:fs/promises')
  const files: DeliveredFile[] = []
  let chars = 0
  for (const path of paths) {
    const size = statSync(path, { throwIfNoEntry: false })?.size
    if (size === undefined) throw new CliError('notFound', `There is no file ${path}`)
    chars += hashOnly ? 0 : 4 * Math.ceil(size / 3)
    if (chars > limits.maxInlineFileChars)
      throw new CliError('usage', `${path} is too large to be sent along (together ${Math.floor(limits.maxInlineFileChars * 0.75)} bytes)`,
        'Deliver it another way, and vouch for it with --hash-only.')
    const content = hashOnly ? undefined : await readFile(path)
    const { bytes, sha256 } = content === undefined
      ? await hashFile(path)
      : { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') }
    files.push({ name: basename(path), bytes, sha256, ...(content !== undefined && { content: content.toString('base64') }) })
  }
  return files
}

/** Writes a delivered file, if it is what its hash says. Never over one that is there. @throws CliError */
export const saveDelivered = ({ name, bytes, sha256, content }: DeliveredFile, folder: string): string => {
  if (/[/\\\p{Cc}]/u.test(name) || name === '.' || name === '..')
    throw new CliError('error', `A file of this name is not written: ${JSON.stringify(name)}`)
  const data = Buffer.from(content ?? '', 'base64')
  if (data.length !== bytes || createHash('sha256').update(data).digest('hex') !== sha256)
    throw new CliError('error', `${name} is not what its hash says`, 'The relay changed it, or it was damaged: do not use it.')
  const path = join(folder, name)
  if (existsSync(path)) throw new CliError('refused', `${path} is there already`, 'Name another folder with --to.')
  writeFileSync(path, data, { flag: 'wx' })
  return path
}
