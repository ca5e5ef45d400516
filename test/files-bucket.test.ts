// Files in a bucket. FILES_S3=1: at a real server of the protocol (s3rver), which npm fetches into a folder of its own and which checks signatures.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { startTestBucket, type TestBucket } from './kit/bucket.ts'
import { bring, fetched, patch, putTicket, sha256Of, tus } from './kit/files.ts'
import { newFolder, type Folder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

interface S3Server {
  run(): Promise<{ readonly port: number }>
  close(): Promise<void>
}

interface RunBucket extends Pick<TestBucket, 'settings'>, AsyncDisposable {
  has(key: string): boolean
}

const realBucket = async (folder: Folder): Promise<RunBucket> => {
  execFileSync('npm', ['install', '--prefix', folder.path, '--no-audit', '--no-fund', '--loglevel=error', 's3rver@3.7.1'])
  const Server = createRequire(folder.at('x.js'))('s3rver') as new(options: object) => S3Server
  const server = new Server({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: folder.at('buckets'),
    configureBuckets: [{ name: 'my-bucket' }],
  })
  const { port } = await server.run()
  return {
    settings: {
      filesBucket: `http://127.0.0.1:${port}/my-bucket`,
      filesBucketKey: 'S3RVER',
      filesBucketSecret: 'S3RVER',
      filesBucketRegion: 'us-east-1',
    },
    has: key => existsSync(folder.at(`buckets/my-bucket/${key}._S3rver_object`)),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

const standIn = async (): Promise<RunBucket> => {
  const bucket = await startTestBucket()
  return { settings: bucket.settings, has: key => bucket.objects.has(key), [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose]() }
}

test('a bucket of an S3-compatible store holds files, and uploads that are not whole', async () => {
  using folder = newFolder()
  await using bucket = await (process.env['FILES_S3'] === '1' ? realBucket(folder) : standIn())
  await using relay = await startTestRelay({ data: folder.at('relay'), pingTimeoutMs: 3_600_000, ...bucket.settings })
  await using ann = await relay.login('ann', { key: newKey() })
  // In one piece, and in several.
  for (const size of [1_000, 40 * 1024 * 1024]) {
    const content = randomBytes(size)
    const file = await bring(relay, ann, content)
    const { msg_id } = await ann.ask({ type: 'MSG', to: '#general', content: 'see', files: [file] }, 'ACK')
    const got = Buffer.from(await (await fetched(relay, ann, msg_id as string)).arrayBuffer())
    expect(createHash('sha256').update(got).digest('hex')).toBe(file.sha256)
    const part = await fetched(relay, ann, msg_id as string, { range: 'bytes=990-999' })
    expect(Buffer.from(await part.arrayBuffer())).toEqual(content.subarray(990, 1_000))
  }
  expect(existsSync(folder.at('relay/files'))).toBe(false)
  const content = randomBytes(3_000)
  const ticket = await putTicket(ann, content)
  await patch(relay, ticket, 0, content.subarray(0, 1_000))
  await patch(relay, ticket, 1_000, content.subarray(1_000, 1_500))
  expect((await tus(relay, 'HEAD', ticket)).headers.get('upload-offset')).toBe('1500')
  expect((await patch(relay, ticket, 1_500, content.subarray(1_500))).status).toBe(204)
  expect(bucket.has(`files/${sha256Of(content)}`)).toBe(true)
  // What nobody names any more goes there too.
  const { sha256 } = await bring(relay, ann, 'short-lived')
  expect(bucket.has(`files/${sha256}`)).toBe(true)
  await ann.ask({ type: 'ERASE' }, 'ERASED')
  await expect.poll(() => bucket.has(`files/${sha256}`), { timeout: 10_000 }).toBe(false)
  const elsewhere = { ...bucket.settings, filesBucket: bucket.settings.filesBucket.replace('my-bucket', 'not-there') }
  await expect(startTestRelay({ data: folder.at('other'), ...elsewhere })).rejects.toThrow('The bucket for files is not there')
}, 120_000)
