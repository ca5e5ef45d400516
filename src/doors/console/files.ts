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

/** Where the name of each file changes with what is in it. */
const hashedFolders = ['assets/', 'brand/']

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

/** @param bytes as they are sent to who unpacks nothing @param packed the same by brotli */
export const consoleFile = (name: string, bytes: Buffer | undefined, packed?: Buffer): ConsoleFile => {
  let body = bytes
  return {
    contentType: types[extname(name)]!,
    etag: `"${createHash('sha256').update(packed ?? bytes!).digest('base64url').slice(0, 22)}"`,
    isHashed: hashedFolders.some(folder => name.startsWith(folder)),
    get body() {
      return body ??= brotliDecompressSync(packed!)
    },
    brotli: packed,
  }
}

/** By their paths below the console, as in `assets/chat-1a2b3c4d.js`; empty where there is no such folder. */
export const readConsole = (folder: string): ReadonlyMap<string, ConsoleFile> => {
  const files = new Map<string, ConsoleFile>()
  if (!existsSync(folder)) return files
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const plain = entry.name.replace(/\.br$/, '')
    if (!entry.isFile() || types[extname(plain)] === undefined) continue
    const bytes = readFileSync(join(entry.parentPath, entry.name))
    const name = join(entry.parentPath, plain).slice(folder.length + 1).split(sep).join('/')
    files.set(name, plain === entry.name ? consoleFile(name, bytes) : consoleFile(name, undefined, bytes))
  }
  return files
}

/** Where the package has it: beside what runs, wherever that is in it. */
export const consoleFolder = (from: string = import.meta.dirname): string => {
  let root = from
  while (!existsSync(join(root, 'package.json')) && dirname(root) !== root) root = dirname(root)
  return join(root, 'dist/web')
}
