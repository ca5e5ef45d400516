// Whole files in a bucket of an S3-compatible store, under files/SHA-256.
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Bucket } from './bucket.ts'
import type { Range, Vault } from './vault.ts'

/** Files up to two of these go in one piece. */
const partBytes = 8 * 1024 * 1024

export class BucketVault implements Vault {
  readonly #bucket: Bucket

  constructor(bucket: Bucket) {
    this.#bucket = bucket
  }

  async put(sha256: string, path: string, bytes: number): Promise<void> {
    if (bytes <= 2 * partBytes) await this.#bucket.put(keyOf(sha256), await readFile(path))
    else await this.#bucket.putParts(keyOf(sha256), createReadStream(path, { highWaterMark: partBytes }))
  }

  has(sha256: string): Promise<boolean> {
    return this.#bucket.has(keyOf(sha256))
  }

  open(sha256: string, range: Range): Promise<Readable | undefined> {
    return this.#bucket.open(keyOf(sha256), range)
  }

  remove(sha256: string): Promise<void> {
    return this.#bucket.remove([keyOf(sha256)])
  }
}

const keyOf = (sha256: string): string => `files/${sha256}`
