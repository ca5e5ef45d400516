// A file of lines that only grows at its end, up to a limit; then its newest lines stay. A line counts once it is on the disk, and one that
// is there by its key is not written again.
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { makePrivateFile } from '../../../lib/node/private-folder.ts'
import { lineAt } from './line-at.ts'

export interface KeptLinesOptions {
  /** What a line is known by; undefined: by nothing. */
  readonly keyOf?: (line: string) => string | undefined
  /** Called before old lines go. */
  readonly beforeCut?: () => void
  /** Lines that stay at least; they go once there are twice as many. Default 1,000. */
  readonly lines?: number
  /** Bytes at which lines go whatever their number; then half as many stay. Default 64 MiB. */
  readonly maxBytes?: number
}

/** What one line may take that is looked at when the file is opened. */
const maxLineBytes = 16 * 1024 * 1024

export class KeptLines {
  readonly #path: string
  readonly #options: Required<KeptLinesOptions>
  /** Where each begins. */
  #lines: number[] = []
  #keys = new Set<string>()
  #size = 0
  #inode = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string, options: KeptLinesOptions = {}) {
    this.#path = path
    this.#options = { keyOf: () => undefined, beforeCut: () => undefined, lines: 1_000, maxBytes: 64 * 1024 * 1024, ...options }
  }

  /** Takes stock of what is there. A last line that a killed process did not write to its end goes: it never counted. */
  async load(): Promise<void> {
    makePrivateFile(this.#path)
    this.#lines = []
    this.#keys = new Set()
    const file = await open(this.#path, 'r+')
    try {
      let end = 0
      for (let line = await lineAt(file, end, maxLineBytes); line !== undefined; line = await lineAt(file, end, maxLineBytes)) {
        if (!line.isWhole && !isJson(line.text)) {
          await file.truncate(end)
          break
        }
        // Only its end is missing: an editor may leave that out.
        if (!line.isWhole) await file.write('\n', line.end)
        this.#add(end, line.text)
        end = line.end + (line.isWhole ? 0 : 1)
      }
      await file.sync()
      this.#size = end
      this.#inode = (await file.stat()).ino
    } finally {
      await file.close()
    }
    await syncFolder(dirname(this.#path))
  }

  /** Resolves once they are on the disk. @throws the file system's error; then none of them is there */
  append(lines: readonly string[]): Promise<void> {
    const done = this.#last.then(() => this.#append(lines))
    this.#last = done.catch(() => undefined)
    return done
  }

  async #append(lines: readonly string[]): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined)
    // Somebody else changed it, or moved it away.
    if (found?.size !== this.#size || found.ino !== this.#inode) await this.load()
    if (this.#lines.length >= 2 * this.#options.lines || this.#size > this.#options.maxBytes) await this.#cut()
    const keys = new Set<string>()
    const fresh = lines.filter(line => {
      const key = this.#options.keyOf(line)
      if (key === undefined) return true
      const isNew = !this.#keys.has(key) && !keys.has(key)
      keys.add(key)
      return isNew
    })
    if (fresh.length === 0) return
    const file = await open(this.#path, 'a', 0o600)
    try {
      await file.appendFile(fresh.map(line => `${line}\n`).join(''))
      await file.datasync()
    } catch (error) {
      await file.truncate(this.#size).catch(() => undefined)
      throw error
    } finally {
      await file.close()
    }
    for (const line of fresh) {
      this.#add(this.#size, line)
      this.#size += Buffer.byteLength(line) + 1
    }
  }

  /** In a file of its own first: a process that is killed leaves the old one or the new one. */
  async #cut(): Promise<void> {
    const { lines, maxBytes, beforeCut } = this.#options
    beforeCut()
    const first = this.#lines.find((start, i) => this.#lines.length - i <= lines && this.#size - start <= maxBytes / 2)
    const temporary = `${this.#path}.tmp`
    await pipeline(
      createReadStream(this.#path, { start: first ?? this.#size }),
      createWriteStream(temporary, { mode: 0o600, flush: true }),
    )
    await rename(temporary, this.#path)
    await this.load()
  }

  #add(start: number, line: string | undefined): void {
    const key = line === undefined ? undefined : this.#options.keyOf(line)
    this.#lines.push(start)
    if (key !== undefined) this.#keys.add(key)
  }
}

/** Names in a folder are on the disk, too; Windows has no such thing. */
export const syncFolder = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const isJson = (text: string | undefined): boolean => {
  try {
    JSON.parse(text ?? '')
    return true
  } catch {
    return false
  }
}

/** A text field of a line of JSON. */
export const fieldOf = (name: string) => (line: string): string | undefined => {
  try {
    const value = (JSON.parse(line) as Readonly<Record<string, unknown>> | null)?.[name]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
