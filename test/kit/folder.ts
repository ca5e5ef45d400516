// Directories for tests, gone when their scope ends.
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Folder extends Disposable {
  readonly path: string
  /** The path of something in it. */
  at(name: string): string
}

/** Memory, where it is large enough: for what does not have to last, and would be waited for on a disk. */
export const memoryFolder = (): string =>
  existsSync('/dev/shm') && statfsSync('/dev/shm').bavail * statfsSync('/dev/shm').bsize > 2 ** 30 ? '/dev/shm' : tmpdir()

/** @example using data = newFolder() */
export const newFolder = (where = tmpdir()): Folder => {
  const path = mkdtempSync(join(where, 'agentchat-test-'))
  return { path, at: name => join(path, name), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
