// How much of its disk the data takes, and how much it may.
import { readdir, stat, statfs } from 'node:fs/promises'
import { statfsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, Statement } from 'better-sqlite3'

/** Bytes. Infinity where there is no limit, or none is known. */
export interface Space {
  /** What the directory holds, the write-ahead log with it, without pages of the database that are free to be used again. */
  readonly usedBytes: number
  /** What the write-ahead log may still grow by. */
  readonly reservedBytes: number
  /** What it may hold. */
  readonly quotaBytes: number
  /** What can still be written: what the volume has left, and such pages. */
  readonly freeBytes: number
}

export const databaseFile = 'agentchat.db'

/** Of the volume, where nothing else is said: the rest is for what is written while room is made. */
const shareOfVolume = 4 / 5

/** What the data of a directory may take, from the setting: undefined follows the volume, 0 is no limit. */
const quotaOf = (maxDataBytes: number | undefined, volumeBytes: number): number =>
  maxDataBytes === 0 ? Infinity : Math.min(maxDataBytes ?? Infinity, volumeBytes * shareOfVolume)

/** The same before the database is open. */
export const quotaAt = (data: string, maxDataBytes: number | undefined): number => {
  let volumeBytes = Infinity
  try {
    const { blocks, bsize } = statfsSync(data)
    volumeBytes = blocks * bsize
  } catch { /* a file system that does not tell */ }
  return quotaOf(maxDataBytes, volumeBytes)
}

export class SpaceMeter {
  readonly #data: string
  readonly #maxDataBytes: number | undefined
  readonly #maxWalBytes: number
  readonly #pages: Statement<[], { count: number, free: number, size: number }>

  /** @param db sees the last commit */
  constructor(
    db: Database,
    { data, maxDataBytes, maxWalBytes }: { readonly data: string, readonly maxDataBytes: number | undefined, readonly maxWalBytes: number },
  ) {
    this.#data = data
    this.#maxDataBytes = maxDataBytes
    this.#maxWalBytes = maxWalBytes
    this.#pages = db.prepare('SELECT page_count AS count, freelist_count AS free, page_size AS size FROM pragma_page_count, '
      + 'pragma_freelist_count, pragma_page_size')
  }

  async measure(): Promise<Space> {
    const { count, free, size } = this.#pages.get()!
    const database = (count - free) * size
    if (this.#data === ':memory:')
      return { usedBytes: database, reservedBytes: 0, quotaBytes: quotaOf(this.#maxDataBytes, Infinity), freeBytes: Infinity }
    const [files, volume] = await Promise.all([this.#files(), statfs(this.#data).catch(() => undefined)])
    let others = 0
    for (const bytes of files.values()) others += bytes
    return {
      usedBytes: database + others,
      reservedBytes: Math.max(0, this.#maxWalBytes - (files.get(`${databaseFile}-wal`) ?? 0)),
      quotaBytes: quotaOf(this.#maxDataBytes, volume === undefined ? Infinity : volume.blocks * volume.bsize),
      freeBytes: volume === undefined ? Infinity : volume.bavail * volume.bsize + free * size,
    }
  }

  /** The files beside the database, and their bytes. */
  async #files(): Promise<ReadonlyMap<string, number>> {
    const names = (await readdir(this.#data)).filter(name => name !== databaseFile)
    return new Map(
      await Promise.all(names.map(async name => {
        // One that has gone meanwhile takes nothing.
        const file = await stat(join(this.#data, name)).catch(() => undefined)
        return [name, file?.isFile() === true ? file.size : 0] as const
      })),
    )
  }
}
