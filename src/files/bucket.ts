// A bucket of an S3-compatible store, as far as files need one. The client is an optional package, fetched by whoever needs it:
// npm install s3mini.
import { Readable } from 'node:stream'
import { VaultError, type Range } from './vault.ts'

export interface BucketOptions {
  /** With the bucket in its path: https://s3.example.org/my-bucket */
  readonly url: string
  readonly keyId: string
  readonly secret: string
  readonly region: string
}

type Client = InstanceType<(typeof import('s3mini'))['S3mini']>

export class Bucket {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  /** @throws VaultError where the package is missing, or the bucket does not answer to these keys */
  static async open({ url, keyId, secret, region }: BucketOptions): Promise<Bucket> {
    const { S3mini } = await import('s3mini').catch((error: unknown) => {
      throw new VaultError('A bucket for files needs a package that is not installed: npm install s3mini', { cause: error })
    })
    const client = new S3mini({ accessKeyId: keyId, secretAccessKey: secret, endpoint: url, region })
    const isThere = await reached(client.bucketExists())
    if (!isThere) throw new VaultError('The bucket for files is not there, or these keys may not use it')
    return new Bucket(client)
  }

  async put(key: string, content: Buffer): Promise<void> {
    await reached(this.#client.putObject(key, content))
  }

  /** An object of several parts, all but the last of 5 MiB or more. */
  async putParts(key: string, parts: AsyncIterable<Buffer>): Promise<void> {
    const upload = await reached(this.#client.getMultipartUploadId(key))
    try {
      const put = []
      let part = 1
      for await (const chunk of parts) put.push(await this.#client.uploadPart(key, upload, chunk, part++))
      await this.#client.completeMultipartUpload(key, upload, put)
    } catch (error) {
      await this.#client.abortMultipartUpload(key, upload).catch(() => undefined)
      throw unreached(error)
    }
  }

  async has(key: string): Promise<boolean> {
    return await reached(this.#client.objectExists(key)) === true
  }

  /** The bytes of a part; undefined: it is not there. */
  async open(key: string, { start, end }: Range): Promise<Readable | undefined> {
    const response = await this.#client.getObjectRaw(key, false, start, end + 1).catch((error: unknown) => {
      if (/404|NoSuchKey/.test((error as Error).message)) return undefined
      throw unreached(error)
    })
    return response?.body == null ? undefined : Readable.fromWeb(response.body as never)
  }

  /** Keys that begin so. */
  async list(prefix: string): Promise<readonly string[]> {
    return (await reached(this.#client.listObjects('/', prefix)) ?? []).map(({ Key }) => Key)
  }

  /** Of one that is not there: nothing happens. One after the other: not every store takes a list. */
  async remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) await reached(this.#client.deleteObject(key))
  }
}

const unreached = (error: unknown): VaultError =>
  new VaultError(`The bucket for files does not answer: ${(error as Error).message}`, { cause: error })

const reached = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw unreached(error)
  })
