// Whole files in a directory: files/ab/abcd…, each linked there once it is safe on the disk.
import { createReadStream } from 'node:fs'
import { link, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Range, Vault } from './vault.ts'

export class FolderVault implements Vault {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async put(sha256: string, path: string): Promise<void> {
    const target = this.#at(sha256)
    const folder = dirname(target)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await synced(path)
    await link(path, target).catch((error: NodeJS.ErrnoException) => {
      // The same bytes, by their name.
      if (error.code !== 'EEXIST') throw error
    })
    await synced(folder)
  }

  has(sha256: string): Promise<boolean> {
    return stat(this.#at(sha256)).then(() => true, () => false)
  }

  async open(sha256: string, { start, end }: Range): Promise<Readable | undefined> {
    const path = this.#at(sha256)
    const there = await stat(path).catch(() => undefined)
    return there === undefined ? undefined : createReadStream(path, { start, end })
  }

  async remove(sha256: string): Promise<void> {
    await rm(this.#at(sha256), { force: true })
  }

  #at(sha256: string): string {
    return join(this.#folder, sha256.slice(0, 2), sha256)
  }
}

/** On the disk, whatever happens to the machine. */
const synced = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
