// Uploads in a bucket, so that every process of a relay can go on with them: objects cannot grow, and so an upload is pieces, each under
// uploads/ID/START-LENGTH. Two processes may bring one upload at once, where one of them does not know yet that its line is gone: pieces may
// overlap then, and what they cover together, from byte 0 on, is what is there.
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bucket } from './bucket.ts'
import type { FolderUploads } from './folder-uploads.ts'
import type { Adding, Uploads, Whole } from './uploads.ts'

interface Piece {
  readonly key: string
  readonly start: number
  readonly end: number
}

/** What is gathered on this disk before it goes to the bucket. */
const pieceBytes = 4 * 1024 * 1024
/** Pieces of one upload, beside those that its size needs: each line that breaks off, and each request, leaves one that is smaller. */
const maxShort = 1_000
/** What was gathered by a process that is no more. */
const leftMs = 24 * 60 * 60_000

export class BucketUploads implements Uploads {
  readonly #bucket: Bucket
  readonly #folder: string
  readonly #disk: Pick<FolderUploads, 'hasRoom'>
  #last: Promise<void> = Promise.resolve()

  /** `folder` is for what is gathered on this disk. */
  constructor(bucket: Bucket, folder: string, disk: Pick<FolderUploads, 'hasRoom'>) {
    this.#bucket = bucket
    this.#folder = folder
    this.#disk = disk
  }

  async size(id: string): Promise<number> {
    return covered(await this.#pieces(id)).at(-1)?.end ?? 0
  }

  async open(id: string): Promise<Adding | undefined> {
    const pieces = await this.#pieces(id)
    let start = covered(pieces).at(-1)?.end ?? 0
    if (pieces.length > maxShort + start / pieceBytes) return undefined
    const path = await this.#newPath(id)
    const handle = await open(path, 'w', 0o600)
    let gathered = 0
    const store = async () => {
      if (gathered === 0) return
      await this.#alone(async () => this.#bucket.put(keyOf(id, start, gathered), await readFile(path)))
      start += gathered
      gathered = 0
      await handle.truncate()
    }
    return {
      get size() {
        return start + gathered
      },
      add: async chunk => {
        await handle.write(chunk, 0, chunk.length, gathered)
        gathered += chunk.length
        if (gathered >= pieceBytes) await store()
      },
      close: async () => {
        try {
          await store()
        } finally {
          await handle.close()
          await rm(path, { force: true })
        }
      },
    }
  }

  async whole(id: string): Promise<Whole | undefined> {
    const pieces = covered(await this.#pieces(id))
    if (pieces.length === 0) return undefined
    const path = await this.#newPath(id)
    const done = () => rm(path, { force: true })
    try {
      const isAll = await this.#gather(pieces, path)
      if (isAll) return { path, done }
      await done()
      return undefined
    } catch (error) {
      await done()
      throw error
    }
  }

  async discard(id: string): Promise<void> {
    await this.#bucket.remove((await this.#pieces(id)).map(({ key }) => key))
  }

  /** Clears away what was gathered here and left behind, too. */
  async list(): Promise<readonly string[]> {
    for (const name of await this.#names()) {
      const path = join(this.#folder, name)
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
      if (mtimeMs < Date.now() - leftMs) await rm(path, { force: true })
    }
    return [...new Set((await this.#bucket.list(prefix)).map(key => key.slice(prefix.length).split('/')[0]!))]
  }

  hasRoom(bytes: number): Promise<boolean> {
    return this.#disk.hasRoom(bytes)
  }

  /** False: some of it is not there any more, since another process has done with it. */
  async #gather(pieces: readonly Piece[], path: string): Promise<boolean> {
    const handle = await open(path, 'w', 0o600)
    try {
      let at = 0
      for (const { key, start, end } of pieces) {
        const content = await this.#bucket.open(key, { start: at - start, end: end - start - 1 })
        if (content === undefined) return false
        for await (const chunk of content) await handle.writeFile(chunk as Buffer)
        at = end
      }
      return true
    } finally {
      await handle.close()
    }
  }

  async #pieces(id: string): Promise<readonly Piece[]> {
    const pieces = await this.#bucket.list(`${prefix}${id}/`)
    return pieces.map(key => {
      const [start = NaN, length = NaN] = key.split('/').at(-1)!.split('-').map(Number)
      return { key, start, end: start + length }
    })
  }

  /** One piece at a time is in memory. */
  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => undefined)
    return done
  }

  async #newPath(id: string): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    return join(this.#folder, `${id}.${randomBytes(8).toString('hex')}`)
  }

  #names(): Promise<readonly string[]> {
    return readdir(this.#folder).catch(() => [])
  }
}

const prefix = 'uploads/'

const keyOf = (id: string, start: number, length: number): string => `${prefix}${id}/${String(start).padStart(15, '0')}-${length}`

/** Those that cover the upload from byte 0 on, each from where the one before it ends. */
const covered = (pieces: readonly Piece[]): readonly Piece[] => {
  const chain: Piece[] = []
  let at = 0
  for (const piece of [...pieces].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (piece.start > at) break
    if (piece.end <= at) continue
    chain.push(piece)
    at = piece.end
  }
  return chain
}
