// Whole files in a bucket of an S3-compatible store, under files/SHA-256. Uploads that are not whole stay on this machine's disk: a store of
// objects cannot add to one. The client is an optional package, fetched by whoever needs it: npm install s3mini.
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { VaultError, type Range, type Vault } from './vault.ts'

export interface BucketOptions {
  /** With the bucket in its path: https://s3.example.org/my-bucket */
  readonly url: string
  readonly keyId: string
  readonly secret: string
  readonly region: string
}

/** Files up to two of these go in one piece. */
const partBytes = 8 * 1024 * 1024

type Client = InstanceType<(typeof import('s3mini'))['S3mini']>

export class BucketVault implements Vault {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  /** @throws VaultError where the package is missing, or the bucket does not answer to these keys */
  static async open({ url, keyId, secret, region }: BucketOptions): Promise<BucketVault> {
    const { S3mini } = await import('s3mini').catch((error: unknown) => {
      throw new VaultError('A bucket for files needs a package that is not installed: npm install s3mini', { cause: error })
    })
    const client = new S3mini({ accessKeyId: keyId, secretAccessKey: secret, endpoint: url, region })
    const isThere = await client.bucketExists().catch((error: unknown) => {
      throw new VaultError(`The bucket for files does not answer: ${(error as Error).message}`, { cause: error })
    })
    if (!isThere) throw new VaultError('The bucket for files is not there, or these keys may not use it')
    return new BucketVault(client)
  }

  async put(sha256: string, path: string, bytes: number): Promise<void> {
    const key = keyOf(sha256)
    if (bytes <= 2 * partBytes) {
      const handle = await open(path)
      try {
        await this.#client.putObject(key, await handle.readFile())
      } finally {
        await handle.close()
      }
      return
    }
    const upload = await this.#client.getMultipartUploadId(key)
    try {
      const parts = []
      let part = 1
      for await (const chunk of createReadStream(path, { highWaterMark: partBytes }))
        parts.push(await this.#client.uploadPart(key, upload, chunk as Buffer, part++))
      await this.#client.completeMultipartUpload(key, upload, parts)
    } catch (error) {
      await this.#client.abortMultipartUpload(key, upload).catch(() => undefined)
      throw error
    }
  }

  async has(sha256: string): Promise<boolean> {
    return await this.#client.objectExists(keyOf(sha256)) === true
  }

  async open(sha256: string, { start, end }: Range): Promise<Readable | undefined> {
    const response = await this.#client.getObjectRaw(keyOf(sha256), false, start, end + 1).catch((error: unknown) => {
      if (/404|NoSuchKey/.test((error as Error).message)) return undefined
      throw error
    })
    return response?.body == null ? undefined : Readable.fromWeb(response.body as never)
  }

  async remove(sha256: string): Promise<void> {
    await this.#client.deleteObject(keyOf(sha256))
  }
}

const keyOf = (sha256: string): string => `files/${sha256}`
