// A directory that only its owner may look into, and the files in it that are the program's.
import { chmodSync, closeSync, lstatSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './folder.ts'

/** What others could read before, and what they still can: it is somebody else's to change. */
export interface Tightened {
  readonly tightened: readonly string[]
  readonly left: readonly string[]
}

/**
 * Makes a directory of mode 0700, or takes from one that is there what others may do, and so with its files that `isOwn` (0600).
 * @throws the file system's error when it cannot be made
 */
export const makePrivateFolder = (folder: string, isOwn: (name: string) => boolean): Tightened => {
  makeFolder(folder, 0o700)
  const tightened: string[] = []
  const left: string[] = []
  const tighten = (path: string, mode: number) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    // A link leads to what is not ours; a sticky directory is made for many.
    if (stat === undefined || stat.isSymbolicLink() || (stat.mode & 0o1000) !== 0 || (stat.mode & 0o077) === 0) return
    try {
      chmodSync(path, mode)
      tightened.push(path)
    } catch {
      left.push(path)
    }
  }
  if (process.platform !== 'win32') {
    tighten(folder, 0o700)
    for (const name of readdirSync(folder).filter(isOwn)) tighten(join(folder, name), 0o600)
  }
  return { tightened, left }
}

/** Makes an empty file of mode 0600 where there is none, so that whoever fills it need not think of it. */
export const makePrivateFile = (path: string): void => closeSync(openSync(path, 'a', 0o600))
