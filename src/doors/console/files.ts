// The console's files, as the package brings them, most of them packed: read once, at the start, with what each is sent with.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, extname, join, sep } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'

/** A file as it is sent. */
export interface ConsoleFile {
  readonly contentType: string
  readonly etag: string
  /** Its name changes with what is in it. */
  readonly isHashed: boolean
  /** Unpacked when it is first read: hardly anybody asks for it so. */
  readonly body: Buffer
  /** by brotli; undefined where that is no smaller */
  readonly brotli: Buffer | undefined
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}

/** By their paths below the console, as in `assets/chat-1a2b3c4d.js`; empty where there is no such folder. */
export const readConsole = (folder: string): ReadonlyMap<string, ConsoleFile> => {
  const files = new Map<string, ConsoleFile>()
  if (!existsSync(folder)) return files
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const plain = entry.name.replace(/\.br$/, '')
    const contentType = types[extname(plain)]
    if (!entry.isFile() || contentType === undefined) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    const brotli = plain === entry.name ? undefined : bytes
    let body = brotli === undefined ? bytes : undefined
    const name = join(entry.parentPath, plain).slice(folder.length + 1).split(sep).join('/')
    files.set(name, {
      contentType,
      etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
      isHashed: name.startsWith('assets/'),
      get body() {
        return body ??= brotliDecompressSync(bytes)
      },
      brotli,
    })
  }
  return files
}

/** Where the package has it: beside what runs, wherever that is in it. */
export const consoleFolder = (from: string = import.meta.dirname): string => {
  let root = from
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root)
  return join(root, 'dist/web')
}
