// Files that are delivered: read and hashed on one side, checked and written on the other.
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Deliverable } from '../../lib/client/index.ts'
import { safeFileName, safeFileNames } from '../../lib/protocol/file-name.ts'
import { limits } from '../../lib/protocol/limits.ts'
import { makeFolder } from '../../lib/node/folder.ts'
import { CliError } from './exit.ts'
import { visible } from './terminal.ts'

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

/** A file as it lies here, and what it was called. */
export interface SavedFile {
  readonly file: string
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

/**
 * Writes what was delivered for a deal into a new folder of the deal's name, under names that are harmless here. All of it, or
 * nothing where one is not what its hash says.
 * @throws CliError
 */
export const saveDelivered = (
  files: readonly DeliveredFile[],
  { to, deal }: { readonly to: string, readonly deal: string },
): readonly SavedFile[] => {
  const contents = files.map(({ name, bytes, sha256, content }) => {
    const data = Buffer.from(content ?? '', 'base64')
    if (data.length !== bytes || createHash('sha256').update(data).digest('hex') !== sha256)
      throw new CliError('error', `${visible(name)} is not what its hash says`, 'The relay changed it, or it was damaged: do not use it.')
    return data
  })
  const folder = join(to, safeFileName(deal))
  try {
    makeFolder(to)
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new CliError('refused', `${folder} is there already`,
        'What was delivered is written into a new folder: name another place with --to.')
    throw new CliError('error', `Cannot make ${folder}: ${(error as Error).message}`, undefined, error)
  }
  const names = safeFileNames(files.map(({ name }) => name))
  return files.map(({ name, bytes, sha256 }, i) => {
    const file = join(folder, names[i]!)
    writeFileSync(file, contents[i]!, { flag: 'wx' })
    return { file, name, bytes, sha256 }
  })
}
