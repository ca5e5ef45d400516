// A file over a line that is cut again and again: by the official client of tus, and by the command line. FILES_GIB=1 makes it one GiB.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import * as tusClient from 'tus-js-client'
import { Cli } from './kit/cli.ts'
import { fetched, type Ticket } from './kit/files.ts'
import { newFolder } from './kit/folder.ts'
import { startTestRelay, type TestRelay } from './kit/relay.ts'

const isWhole = process.env['FILES_GIB'] === '1'
const mib = 1024 * 1024
const bytes = isWhole ? 1024 * mib : 24 * mib
const cuts = isWhole ? 20 : 5

/** A file of no pattern, and its hash; made a piece at a time. */
const madeFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256')
  const file = await open(path, 'w')
  let piece = createHash('sha256').update('seed').digest()
  for (let done = 0; done < bytes; done += mib) {
    piece = createHash('sha256').update(piece).digest()
    const block = Buffer.alloc(mib, piece)
    hash.update(block)
    await file.write(block)
  }
  await file.close()
  return hash.digest('hex')
}

/** A way to the relay that is cut each time so many bytes went over it, as often as it is told. */
const cutWay = async (relay: TestRelay, everyBytes: number, times: number) => {
  const port = Number(new URL(relay.url).port)
  const open = new Set<Socket>()
  let left = everyBytes
  let done = 0
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    open.add(near).add(far)
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    near.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left <= 0 && done < times) {
        done++
        left = everyBytes
        // Not all of it comes over.
        far.write(chunk.subarray(0, chunk.length >> 1), () => {
          near.destroy()
          far.destroy()
        })
      } else if (!far.write(chunk)) {
        near.pause()
        far.once('drain', () => near.resume())
      }
    })
    far.pipe(near)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return done
    },
    [Symbol.dispose]: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

test('tus-js-client finishes a file over a line that is cut; its hash is equal at the other end, and memory stays flat', async () => {
  using data = newFolder()
  const path = data.at('file')
  const sha256 = await madeFile(path)
  await using relay = await startTestRelay({
    data: data.at('relay'),
    maxFileBytes: 2 * 1024 * mib,
    fileQuotaBytes: 0,
    pingTimeoutMs: 3_600_000,
  })
  await using ann = await relay.login('ann')
  await using bob = await relay.login('bob')
  using way = await cutWay(relay, Math.floor(bytes / (cuts + 1)), cuts)
  const { ticket } = await ann.ask({ type: 'PUT_FILE', sha256, bytes }, 'FILE_TICKET') as unknown as Ticket
  const before = process.memoryUsage().rss
  let most = 0
  const watch = setInterval(() => most = Math.max(most, process.memoryUsage().rss), 20)
  await new Promise<void>((resolve, reject) => {
    const upload = new tusClient.Upload(createReadStream(path) as never, {
      endpoint: `${way.url}/uploads`,
      uploadSize: bytes,
      chunkSize: 8 * mib,
      retryDelays: [0, 10, 10, 10, 10],
      headers: { authorization: `Bearer ${ticket}` },
      onError: reject,
      onSuccess: () => resolve(),
    })
    upload.start()
  })
  clearInterval(watch)
  expect(way.cuts).toBe(cuts)
  const { msg_id } = await ann.ask({ type: 'MSG', to: '#general', content: 'whole', files: [{ sha256, bytes, name: 'file' }] }, 'ACK')
  const response = await fetched(relay, bob, msg_id as string)
  const hash = createHash('sha256')
  for await (const chunk of response.body!) hash.update(chunk)
  expect(hash.digest('hex')).toBe(sha256)
  // The client and the relay are one process here: chunks of the former, pieces of the latter.
  expect((most - before) / mib).toBeLessThan(200)
}, isWhole ? 600_000 : 60_000)

test('send --file goes on where a killed run was; get writes what was sent, under a harmless name', async () => {
  using data = newFolder()
  const path = data.at('-rf report.pdf')
  const sha256 = await madeFile(path)
  await using relay = await startTestRelay({ data: data.at('relay'), maxFileBytes: 2 * 1024 * mib, fileQuotaBytes: 0 })
  using cli = new Cli()
  await cli.run(['identity', 'generate', '--name', 'ann'])
  const send = () => cli.run(['send', relay.url, '#general', '--file', path], { isTTY: true, env: { NO_COLOR: '1' } })
  const first = send()
  await first.prints('MiB of')
  first.interrupt()
  expect((await first).code).not.toBe(0)
  const second = await send()
  expect(second).toMatchObject({ code: 0 })
  expect(second.stderr).toMatch(/_-rf report\.pdf █+/)
  const [said] = (await cli.run(['history', relay.url, '#general', '--json'])).json as unknown as [
    readonly { readonly msg_id: string, readonly files: readonly { readonly name: string }[] }[],
  ]
  expect(said[0]!.files).toMatchObject([{ sha256, bytes, name: '_-rf report.pdf' }])
  const target = data.at('got')
  expect(await cli.run(['get', relay.url, said[0]!.msg_id, '-o', target])).toMatchObject({ code: 0 })
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(target)) hash.update(chunk as Buffer)
  expect(hash.digest('hex')).toBe(sha256)
  // Which message names a file is noted by the sweep that comes next.
  await vi.waitFor(async () => expect((await cli.run(['get', relay.url, sha256, '-o', target])).stderr).toContain('is there already'),
    10_000)
  expect(await cli.run(['get', relay.url, sha256, '-o', target, '--force'])).toMatchObject({ code: 0 })
  expect((await cli.run(['get', relay.url, 'f'.repeat(64)])).code).toBe(4)
  expect((await cli.run(['get', relay.url, 'no-such-message'])).stderr).toContain('no such message')
}, isWhole ? 600_000 : 60_000)
