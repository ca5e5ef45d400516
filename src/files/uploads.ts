// Uploads that are not whole: one file of this disk each, as long as what came of it. Who brings which, and until when, is in the store.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Of a volume, what is left for others. */
const floor = 0.05

/** An upload that something is added to. */
export interface Adding {
  /** What is there, in bytes. */
  readonly size: number
  /** One chunk at a time. */
  add(chunk: Uint8Array): Promise<void>
  close(): Promise<void>
}

export class Uploads {
  readonly #folder: string
  readonly #volume: string

  /** `folder` is made when the first one comes; `volume` is a directory of the same disk, which is there. */
  constructor(folder: string, volume: string) {
    this.#folder = folder
    this.#volume = volume
  }

  path(id: string): string {
    return join(this.#folder, id)
  }

  /** What came of it so far, in bytes. */
  async size(id: string): Promise<number> {
    return (await stat(this.path(id)).catch(() => undefined))?.size ?? 0
  }

  /** Adds behind what is there. */
  async open(id: string): Promise<Adding> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const handle = await open(this.path(id), 'a', 0o600)
    let { size } = await handle.stat()
    return {
      get size() {
        return size
      },
      add: async chunk => {
        await handle.writeFile(chunk)
        size += chunk.length
      },
      close: () => handle.close(),
    }
  }

  /** SHA-256 of what is there, in hex. Read a piece at a time, so that nobody waits for all of it. */
  async hash(id: string): Promise<string> {
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(this.path(id), { highWaterMark: 128 * 1024 })) hash.update(chunk as Buffer)
    return hash.digest('hex')
  }

  async discard(id: string): Promise<void> {
    await rm(this.path(id), { force: true })
  }

  /** What is here, by id. */
  list(): Promise<readonly string[]> {
    return readdir(this.#folder).catch(() => [])
  }

  /** Whether so many bytes more leave others the room they need. */
  async hasRoom(bytes: number): Promise<boolean> {
    const volume = await statfs(this.#volume).catch(() => undefined)
    return volume === undefined || volume.bavail * volume.bsize - bytes >= volume.blocks * volume.bsize * floor
  }
}
