// Small files that only their owner may read, written so that a crash leaves the old one or the new one, never half of one.
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from './folder.ts'

export interface WriteOptions {
  /** Replace a file that is there; otherwise it is an error with code EEXIST. */
  readonly overwrite: boolean
}

/** Whether `writePrivateFile` could replace the file: does everything but that. @throws when it could not */
export const checkPrivateFile = (file: string): void => {
  const probe = `${file}.${randomBytes(6).toString('hex')}`
  writePrivateFile(probe, '', { overwrite: false })
  rmSync(probe, { force: true })
}

/** Writes `text` to `file` with mode 0600, in a directory of mode 0700 that is made if missing. */
export const writePrivateFile = (file: string, text: string, { overwrite }: WriteOptions): void => {
  makeFolder(dirname(file), 0o700)
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    // A link fails where a file stands already; a rename would replace it.
    if (overwrite) renameSync(temporary, file)
    else linkSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}
