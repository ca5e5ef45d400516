// THE PORT OF FILES: where whole files are, by their SHA-256. What it holds under a name never changes.
import type { Readable } from 'node:stream'

/** A part of a file: from its byte `start` to `end`, that one too. */
export interface Range {
  readonly start: number
  readonly end: number
}

export interface Vault {
  /** Keeps a whole file of this disk. Once it resolves the file survives a crash, and what is at `path` may go. Again: nothing changes. */
  put(sha256: string, path: string, bytes: number): Promise<void>
  has(sha256: string): Promise<boolean>
  /** The bytes of a part; undefined: it is not there. */
  open(sha256: string, range: Range): Promise<Readable | undefined>
  /** Of one that is not there: nothing happens. */
  remove(sha256: string): Promise<void>
}

/** The bytes of files cannot be kept, or had, now. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
}
