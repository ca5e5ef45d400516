// Directories, made one level after the other: where a level cannot be made, that is an error at once. (Node's own recursive mkdir
// never returns in file systems that answer ENOENT for a child of an existing directory, like /proc.)
import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a directory and what is missing above it; nothing where it is there already.
 * @throws the file system's error (ENOENT, EACCES, ENOTDIR, EROFS …), with the path that could not be made
 */
export const makeFolder = (path: string, mode = 0o777): void => {
  const missing: string[] = []
  for (let place = resolve(path); !isFolder(place); place = dirname(place)) missing.push(place)
  for (const place of missing.reverse()) {
    try {
      mkdirSync(place, { mode })
    } catch (error) {
      // Somebody else may have made it in between.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(place)) throw error
    }
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
