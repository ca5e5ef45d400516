// A bucket of an S3-compatible store: the requests that files make of one, signed by a known key. Signatures are not checked here: a real
// server does (FILES_S3=1).
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestBucket extends AsyncDisposable {
  readonly settings: {
    readonly filesBucket: string
    readonly filesBucketKey: string
    readonly filesBucketSecret: string
    readonly filesBucketRegion: string
  }
  /** What is in it, by key. */
  readonly objects: ReadonlyMap<string, Buffer>
  /** While it is, every request is answered with 503. */
  isDown: boolean
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

const tag = (content: Buffer): string => `"${createHash('md5').update(content).digest('hex')}"`

export const startTestBucket = async (): Promise<TestBucket> => {
  const objects = new Map<string, Buffer>()
  const parts = new Map<string, Map<number, Buffer>>()
  const bucket = { isDown: false }
  const xml = (response: ServerResponse, text: string) =>
    response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${text}`)
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const body = await bodyOf(request)
    if (bucket.isDown) return response.writeHead(503).end()
    const { pathname, searchParams: query } = new URL(request.url!, 'http://bucket.invalid')
    if (request.headers.authorization?.includes('Credential=KEY/') !== true || !pathname.startsWith('/my-bucket')) {
      return response.writeHead(404).end()
    }
    const key = decodeURIComponent(pathname.slice('/my-bucket/'.length))
    const upload = query.get('uploadId')
    if (request.method === 'POST' && query.has('uploads')) {
      const id = randomBytes(8).toString('hex')
      parts.set(id, new Map())
      return xml(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    }
    if (request.method === 'PUT') {
      if (upload === null) objects.set(key, body)
      else parts.get(upload)?.set(Number(query.get('partNumber')), body)
      return response.writeHead(200, { etag: tag(body) }).end()
    }
    if (request.method === 'POST') {
      const all = Buffer.concat([...parts.get(upload!)!].sort(([a], [b]) => a - b).map(([, part]) => part))
      objects.set(key, all)
      return xml(response, `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>${tag(all)}</ETag></CompleteMultipartUploadResult>`)
    }
    if (request.method === 'DELETE') {
      objects.delete(key)
      return response.writeHead(204).end()
    }
    if (key === '' && query.has('prefix')) {
      const found = [...objects].filter(([each]) => each.startsWith(query.get('prefix')!))
      return xml(response, `<ListBucketResult><IsTruncated>false</IsTruncated>${
        found.map(([each, { length }]) => `<Contents><Key>${each}</Key><Size>${length}</Size></Contents>`).join('')
      }</ListBucketResult>`)
    }
    if (key === '') return response.writeHead(200).end()
    const content = objects.get(key)
    if (content === undefined) return response.writeHead(404).end()
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const piece = from === undefined ? content : content.subarray(Number(from), Number(to) + 1)
    return response.writeHead(from === undefined ? 200 : 206, { etag: tag(content), 'content-length': piece.length })
      .end(request.method === 'HEAD' ? undefined : piece)
  }
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(bucket, {
    objects,
    settings: {
      filesBucket: `http://127.0.0.1:${(server.address() as AddressInfo).port}/my-bucket`,
      filesBucketKey: 'KEY',
      filesBucketSecret: 'SECRET',
      filesBucketRegion: 'us-east-1',
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  })
}
