// Where a relay keeps files: beside its database, or in a bucket where one is named. Without a directory of its own in one of the
// system's, which goes with it.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Bucket, type BucketOptions } from './bucket.ts'
import { BucketUploads } from './bucket-uploads.ts'
import { BucketVault } from './bucket-vault.ts'
import { fileCheck } from './check.ts'
import { Files } from './files.ts'
import { FolderUploads } from './folder-uploads.ts'
import { FolderVault } from './folder-vault.ts'

export interface OpenFilesOptions {
  /** The relay's directory, or ":memory:". */
  readonly data: string
  /** undefined: files are in the directory. */
  readonly bucket: BucketOptions | undefined
  /** A command that may refuse a file; undefined: every one is taken. */
  readonly check: string | undefined
  /** Whether an upload is known still. */
  readonly isKnown: (upload: string) => Promise<boolean>
}

const checkTimeoutMs = 60_000

/** @throws VaultError where the bucket cannot be used */
export const openFiles = async ({ data, bucket, check, isKnown }: OpenFilesOptions): Promise<Files> => {
  const isPassing = data === ':memory:'
  const folder = isPassing ? join(tmpdir(), `agentchat-files-${randomBytes(8).toString('hex')}`) : data
  const objects = bucket === undefined ? undefined : await Bucket.open(bucket)
  const disk = new FolderUploads(join(folder, 'uploads'), isPassing ? tmpdir() : data)
  const uploads = objects === undefined ? disk : new BucketUploads(objects, join(folder, 'uploads'), disk)
  // Of those that ended while nobody was here to clear away.
  for (const upload of await uploads.list()) if (!await isKnown(upload)) await uploads.discard(upload)
  return new Files({
    uploads,
    vault: objects === undefined ? new FolderVault(join(folder, 'files')) : new BucketVault(objects),
    check: check === undefined ? undefined : fileCheck({ command: check, timeoutMs: checkTimeoutMs }),
    closed: () => isPassing ? rm(folder, { recursive: true, force: true }) : Promise.resolve(),
  })
}
