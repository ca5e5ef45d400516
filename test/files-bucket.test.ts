// Files in a bucket, at a real server of the protocol. npm fetches it (s3rver), into a folder of its own: FILES_S3=1 runs this.
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { bring, fetched } from './kit/files.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay } from './kit/relay.ts'
import { newKey } from './kit/wire.ts'

interface S3Server {
  run(): Promise<{ readonly port: number }>
  close(): Promise<void>
}

test.runIf(process.env['FILES_S3'] === '1')('a bucket of an S3-compatible store holds whole files; uploads stay here until they are',
  async () => {
    using folder = newFolder()
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
    const bucket = (name: string) => ({
      filesBucket: `http://127.0.0.1:${port}/${name}`,
      filesBucketKey: 'S3RVER',
      filesBucketSecret: 'S3RVER',
      filesBucketRegion: 'us-east-1',
    })
    try {
      await using relay = await startTestRelay({ data: folder.at('relay'), pingTimeoutMs: 3_600_000, ...bucket('my-bucket') })
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
      // What nobody names any more goes there too.
      const { sha256 } = await bring(relay, ann, 'short-lived')
      const isThere = async () => existsSync(folder.at(`buckets/my-bucket/files/${sha256}._S3rver_object`))
      expect(await isThere()).toBe(true)
      await ann.ask({ type: 'ERASE' }, 'ERASED')
      await expect.poll(isThere, { timeout: 10_000 }).toBe(false)
      await expect(startTestRelay({ data: folder.at('other'), ...bucket('not-there') })).rejects.toThrow(
        'The bucket for files is not there',
      )
    } finally {
      await server.close()
    }
  }, 120_000)
