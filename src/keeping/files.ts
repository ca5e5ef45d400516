// Files that appear whole or not at all, for their owner's eyes only.
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { KeepingError } from './failure.ts'

/** Where a database lies in its directory. */
export const databaseName = 'agentchat.db'

/** What a command that was killed leaves of a database that was to appear there. */
export const isLeftover = (name: string): boolean => new RegExp(`^${databaseName}\\.[0-9a-f]{12}\\.tmp`).test(name)

export const mustNotExist = (file: string): void => {
  if (existsSync(file)) throw new KeepingError('refused', `${file} is there already`, { hint: 'Name another file, or move it away.' })
}

/** Has `write` fill a temporary file beside `target`, then puts it there: as new, or in place of what is there. */
export const publishFile = async <T>(
  target: string,
  { replace }: { readonly replace: boolean },
  write: (temporary: string) => T | Promise<T>,
  beforePublish?: () => void | Promise<void>,
): Promise<T> => {
  const temporary = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    closeSync(openSync(temporary, 'wx', 0o600))
    const result = await write(temporary)
    chmodSync(temporary, 0o600)
    sync(temporary)
    await beforePublish?.()
    // A link fails where a file has come to stand meanwhile; a rename would replace it.
    if (replace) renameSync(temporary, target)
    else linkSync(temporary, target)
    sync(dirname(target))
    return result
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EEXIST':
        throw new KeepingError('refused', `${target} is there already`, { cause: error })
      case 'ENOENT':
        throw new KeepingError('notFound', `There is no directory ${dirname(target)}`, { cause: error })
      default:
        throw error
    }
  } finally {
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${temporary}${suffix}`, { force: true })
  }
}

const sync = (path: string): void => {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
