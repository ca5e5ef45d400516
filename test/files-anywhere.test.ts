// Uploads of a relay of several processes: each request may go to another one, and nothing of what came is brought twice.
import { randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startTestBucket } from './kit/bucket.ts'
import { fetched, patch, patching, putTicket, sha256Of, tus } from './kit/files.ts'
import { newFolder } from './kit/folder.ts'
import { startTestNodes } from './kit/nodes.ts'
import { newKey } from './kit/wire.ts'

const offsetOf = (response: Response): number => Number(response.headers.get('upload-offset'))

const scene = async () => {
  const folder = newFolder()
  const bucket = await startTestBucket()
  const nodes = await startTestNodes({ data: folder.at('relay'), pingTimeoutMs: 3_600_000, ...bucket.settings })
  const ann = await nodes.one.login('ann', { key: newKey() })
  return {
    ...nodes,
    bucket,
    ann,
    /** Sizes of what is gathered on the disk. */
    gathered: () => readdirSync(folder.at('relay/uploads')).map(name => statSync(folder.at(`relay/uploads/${name}`)).size),
    async [Symbol.asyncDispose]() {
      await ann.close()
      await nodes[Symbol.asyncDispose]()
      await bucket[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

test('an upload goes on at any process, piece by piece, and is fetched at any', async () => {
  await using at = await scene()
  const { one, two, ann, bucket } = at
  const content = randomBytes(5 * 1024 * 1024)
  const ticket = await putTicket(ann, content)
  expect(offsetOf(await patch(one, ticket, 0, content.subarray(0, 1_000)))).toBe(1_000)
  expect(offsetOf(await tus(two, 'HEAD', ticket))).toBe(1_000)
  // More than one piece has.
  expect(offsetOf(await patch(two, ticket, 1_000, content.subarray(1_000, 4_800_000)))).toBe(4_800_000)
  const wrong = await patch(one, ticket, 1_000, content.subarray(1_000, 2_000))
  expect([wrong.status, offsetOf(wrong)]).toEqual([409, 4_800_000])
  expect((await patch(one, ticket, 4_800_000, content.subarray(4_800_000))).status).toBe(204)
  expect([...bucket.objects.keys()]).toEqual([`files/${sha256Of(content)}`])
  const file = { sha256: sha256Of(content), bytes: content.length, name: 'a.bin' }
  const { msg_id } = await ann.ask({ type: 'MSG', to: '#general', content: 'see', files: [file] }, 'ACK')
  await using bob = await two.login('bob')
  expect(sha256Of(Buffer.from(await (await fetched(two, bob, msg_id as string)).arrayBuffer()))).toBe(file.sha256)
  expect(at.gathered()).toEqual([])
})

test('while one process waits for more of a line that is gone, another goes on: what both brought counts once', async () => {
  await using at = await scene()
  const { one, two, ann } = at
  const content = randomBytes(300_000)
  const ticket = await putTicket(ann, content)
  const line = new AbortController()
  let send: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      send = controller
      controller.enqueue(content.subarray(0, 100_000))
    },
  })
  const waiting = fetch(`${one.httpUrl}${ticket.url}`, {
    method: 'PATCH',
    headers: {
      authorization: `Bearer ${ticket.ticket}`,
      'tus-resumable': '1.0.0',
      'content-type': 'application/offset+octet-stream',
      'upload-offset': '0',
    },
    body,
    duplex: 'half',
    signal: line.signal,
  } as RequestInit).catch(() => undefined)
  await expect.poll(() => at.gathered()).toEqual([100_000])
  expect(offsetOf(await patch(two, ticket, 0, content.subarray(0, 60_000)))).toBe(60_000)
  // The line breaks: what came over it is kept too, and reaches farther.
  send!.error(new Error('cut'))
  line.abort()
  await waiting
  await expect.poll(async () => offsetOf(await tus(two, 'HEAD', ticket))).toBeGreaterThan(60_000)
  const offset = offsetOf(await tus(two, 'HEAD', ticket))
  expect((await patch(two, ticket, offset, content.subarray(offset))).status).toBe(204)
  expect(offsetOf(await tus(one, 'HEAD', ticket))).toBe(content.length)
})

test('both finish it at once: it is whole, and nothing of it is left', async () => {
  await using at = await scene()
  const { one, two, ann, bucket } = at
  const content = randomBytes(100_000)
  const ticket = await putTicket(ann, content)
  await patch(one, ticket, 0, content.subarray(0, 99_999))
  const last = content.subarray(99_999)
  const answers = await Promise.all([patch(one, ticket, 99_999, last), patch(two, ticket, 99_999, last)])
  expect(answers.map(({ status }) => status).filter(status => status !== 204 && status !== 409)).toEqual([])
  expect(offsetOf(await tus(two, 'HEAD', ticket))).toBe(content.length)
  expect([...bucket.objects.keys()]).toEqual([`files/${sha256Of(content)}`])
})

test('a bucket that does not answer is a 503, and what came before is there when it answers again', async () => {
  await using at = await scene()
  const { one, two, ann, bucket } = at
  const content = randomBytes(2_000)
  const ticket = await putTicket(ann, content)
  await patch(one, ticket, 0, content.subarray(0, 500))
  bucket.isDown = true
  expect((await patch(two, ticket, 500, content.subarray(500))).status).toBe(503)
  bucket.isDown = false
  expect(offsetOf(await tus(two, 'HEAD', ticket))).toBe(500)
  expect((await patch(two, ticket, 500, content.subarray(500))).status).toBe(204)
  expect(at.gathered()).toEqual([])
})

test('what is given up at one process is gone at the other; so is what is another file than was said', async () => {
  await using at = await scene()
  const { one, two, ann, bucket } = at
  const content = randomBytes(2_000)
  const ticket = await putTicket(ann, content)
  await patch(one, ticket, 0, content.subarray(0, 500))
  expect((await tus(two, 'DELETE', ticket)).status).toBe(204)
  expect((await tus(one, 'HEAD', ticket)).status).toBe(410)
  const other = await putTicket(ann, content)
  await patch(one, other, 0, content.subarray(0, 500))
  expect((await patch(two, other, 500, randomBytes(1_500))).status).toBe(460)
  expect([...bucket.objects.keys()]).toEqual([])
})

test.each(['DELETE', 'PUT_FILE'])('what a line adds to an upload that was given up at another process (%s) goes when it ends',
  async how => {
    await using at = await scene()
    const { one, two, ann, bucket } = at
    const content = randomBytes(2_000)
    const ticket = await putTicket(ann, content)
    const line = patching(one, ticket, 0)
    line.send(content.subarray(0, 1_500))
    await expect.poll(() => at.gathered()).toEqual([1_500])
    if (how === 'DELETE') expect((await tus(two, 'DELETE', ticket)).status).toBe(204)
    else await ann.ask({ type: 'PUT_FILE', sha256: sha256Of(content), bytes: 2_001 }, 'FILE_TICKET')
    line.end()
    expect(await line.status).toBe(410)
    expect([...bucket.objects.keys()]).toEqual([])
    expect(at.gathered()).toEqual([])
  })

test('what a line adds to an upload that became whole at another process goes when it ends', async () => {
  await using at = await scene()
  const { one, two, ann, bucket } = at
  const content = randomBytes(2_000)
  const ticket = await putTicket(ann, content)
  const line = patching(one, ticket, 0)
  line.send(content.subarray(0, 1_500))
  await expect.poll(() => at.gathered()).toEqual([1_500])
  expect((await patch(two, ticket, 0, content)).status).toBe(204)
  line.end()
  expect(await line.status).toBe(204)
  expect([...bucket.objects.keys()]).toEqual([`files/${sha256Of(content)}`])
})
