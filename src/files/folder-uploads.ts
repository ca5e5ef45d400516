// Uploads on this disk: one file each, as long as what came of it.
import { mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Adding, Uploads, Whole } from './uploads.ts'

/** Of a volume, what is left for others. */
const floor = 0.05

export class FolderUploads implements Uploads {
  readonly #folder: string
  readonly #volume: string

  /** `folder` is made when the first one comes; `volume` is a directory of the same disk, which is there. */
  constructor(folder: string, volume: string) {
    this.#folder = folder
    this.#volume = volume
  }

  async size(id: string): Promise<number> {
    return (await stat(this.#path(id)).catch(() => undefined))?.size ?? 0
  }

  async open(id: string): Promise<Adding> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const handle = await open(this.#path(id), 'a', 0o600)
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

  whole(id: string): Promise<Whole | undefined> {
    const path = this.#path(id)
    return stat(path).then(() => ({ path, done: () => Promise.resolve() }), () => undefined)
  }

  async discard(id: string): Promise<void> {
    await rm(this.#path(id), { force: true })
  }

  list(): Promise<readonly string[]> {
    return readdir(this.#folder).catch(() => [])
  }

  async hasRoom(bytes: number): Promise<boolean> {
    const volume = await statfs(this.#volume).catch(() => undefined)
    return volume === undefined || volume.bavail * volume.bsize - bytes >= volume.blocks * volume.bsize * floor
  }

  #path(id: string): string {
    return join(this.#folder, id)
  }
}
