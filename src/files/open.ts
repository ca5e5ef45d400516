// Where a relay keeps files: beside its database, whole ones in a bucket where one is named. Without a directory of its own in one of the
// system's, which goes with it.
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BucketVault, type BucketOptions } from './bucket-vault.ts'
import { fileCheck } from './check.ts'
import { Files } from './files.ts'
import { FolderVault } from './folder-vault.ts'
import { Uploads } from './uploads.ts'

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
  const uploads = new Uploads(join(folder, 'uploads'), isPassing ? tmpdir() : data)
  // Of those that ended while nobody was here to clear away.
  for (const upload of await uploads.list()) if (!await isKnown(upload)) await uploads.discard(upload)
  return new Files({
    uploads,
    vault: bucket === undefined ? new FolderVault(join(folder, 'files')) : await BucketVault.open(bucket),
    check: check === undefined ? undefined : fileCheck({ command: check, timeoutMs: checkTimeoutMs }),
    closed: () => isPassing ? rm(folder, { recursive: true, force: true }) : Promise.resolve(),
  })
}
